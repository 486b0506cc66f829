"""Running scales of returns and surprise. Values that are not finite are ignored."""

import torch
from torch import Tensor

_DECAY = 0.99


class ReturnScale:
    """max(1, EMA(P95 - P5)) of the returns (Hafner 2023, eq. 11). State: `low`, `high`, ()."""

    def __init__(self, device: torch.device) -> None:
        self.low = torch.zeros((), device=device)
        self.high = torch.zeros((), device=device)
        self._before = (self.low.clone(), self.high.clone())

    def update(self, returns: Tensor) -> Tensor:
        """Updates the percentiles with returns of any shape; returns the new scale, ()."""
        self._before = (self.low.clone(), self.high.clone())
        flat = returns.detach().flatten()
        low, high = torch.quantile(flat, torch.tensor([0.05, 0.95], device=flat.device)).unbind()
        self.low.lerp_(torch.where(torch.isfinite(low), low, self.low), 1 - _DECAY)
        self.high.lerp_(torch.where(torch.isfinite(high), high, self.high), 1 - _DECAY)
        return (self.high - self.low).clamp(min=1.0)

    def undo_update(self) -> None:
        """Restores the percentiles before the last update, when its optimiser step was skipped."""
        self.low.copy_(self._before[0])
        self.high.copy_(self._before[1])


class RunningMean:
    """Bias-corrected exponential mean of a positive number. State: `mean`, `weight`, ()."""

    def __init__(self, device: torch.device) -> None:
        self.mean = torch.zeros((), device=device)
        self.weight = torch.zeros((), device=device)

    def update(self, value: Tensor) -> None:
        value, share = value.detach(), (1 - _DECAY) * torch.isfinite(value.detach())
        self.mean.lerp_(torch.nan_to_num(value, 0.0, 0.0, 0.0), share)
        self.weight.lerp_(torch.ones_like(self.weight), share)

    @property
    def value(self) -> Tensor:
        """The mean, at least 0.001; 1 before the first update."""
        known = self.mean / self.weight.clamp(min=1e-8)
        return torch.where(self.weight > 0, known.clamp(min=1e-3), torch.ones_like(known))
