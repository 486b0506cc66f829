"""One step of all optimisers of a learner, skipped if a gradient is not finite."""

import torch
from torch import Tensor, nn

from trainer.optim.optimizer import Optimizer


class GuardedOptimizerStep:
    """Steps several optimisers together and counts the updates it skips.

    One non-finite update would make every weight useless.
    """

    def __init__(self, optimizers: dict[str, Optimizer], max_norm: float) -> None:
        """`max_norm`: each optimiser's gradients are clipped to this global norm."""
        self._optimizers, self._max_norm = optimizers, max_norm
        self.skipped_updates = 0  # in total
        self.consecutive_skips = 0
        self.skip_reason = ""  # of the last skip
        self.restored_serial: int | None = None  # checkpoint restored since the last good step

    def step(self, loss: Tensor) -> bool:
        """Steps down the gradient of `loss`; returns False if it is not finite and was skipped."""
        for optimizer in self._optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        not_finite: list[str] = []
        for name, optimizer in self._optimizers.items():
            norm = nn.utils.clip_grad_norm_(optimizer.parameters, self._max_norm, foreach=True)
            if not torch.isfinite(norm):
                not_finite.append(name)
        if not_finite:
            self._skip(f"the gradient of {' and '.join(not_finite)} is not finite")
            return False
        for optimizer in self._optimizers.values():
            optimizer.step()
        self.consecutive_skips, self.restored_serial = 0, None
        return True

    def _skip(self, reason: str) -> None:
        self.skipped_updates += 1
        self.consecutive_skips += 1
        self.skip_reason = reason
