"""Running scales, so that rewards of any size teach alike."""

import torch
from torch import Tensor

_DECAY = 0.99


class ReturnScale:
    """max(1, EMA(P95 - P5)) of the returns (Hafner 2023, eq. 11). State: `low`, `high`."""

    def __init__(self, device: torch.device) -> None:
        self.low = torch.zeros((), device=device)
        self.high = torch.zeros((), device=device)

    def update(self, returns: Tensor) -> Tensor:
        """Take in the returns, then give the scale."""
        flat = returns.detach().flatten()
        low, high = torch.quantile(flat, torch.tensor([0.05, 0.95], device=flat.device)).unbind()
        self.low.mul_(_DECAY).add_(low, alpha=1 - _DECAY)
        self.high.mul_(_DECAY).add_(high, alpha=1 - _DECAY)
        return (self.high - self.low).clamp(min=1.0)


class RunningMean:
    """Bias-corrected exponential mean of a positive number. State: `mean`, `weight`."""

    def __init__(self, device: torch.device) -> None:
        self.mean = torch.zeros((), device=device)
        self.weight = torch.zeros((), device=device)

    def update(self, value: Tensor) -> None:
        self.mean.mul_(_DECAY).add_(value.detach(), alpha=1 - _DECAY)
        self.weight.mul_(_DECAY).add_(1 - _DECAY)

    @property
    def value(self) -> Tensor:
        """The mean, 1 before the first update."""
        known = self.mean / self.weight.clamp(min=1e-8)
        return torch.where(self.weight > 0, known.clamp(min=1e-3), torch.ones_like(known))
