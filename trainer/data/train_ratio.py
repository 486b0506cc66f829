"""The train ratio: the upper bound of replayed steps per environment step."""

from torch import Tensor

from configs.training import TrainerConfig


class TrainRatio:
    """Counts the updates that are due. It has no state, so a resumed run continues exactly."""

    def __init__(self, config: TrainerConfig) -> None:
        self._ratio = config.train_ratio
        self._prefill = config.prefill
        self._replayed_per_update = config.batch * config.length

    def due(self, steps: int, updates: int) -> int:
        """Updates that are due after `steps` environment steps and `updates` updates."""
        if steps < self._prefill:
            return 0
        allowed = int((steps - self._prefill + 1) * self._ratio / self._replayed_per_update)
        return max(0, allowed - updates)

    def allows(self, steps: int, updates: int, free: Tensor) -> bool:
        """Whether an update is due, given the updates that are not counted.

        `free`: int64 (). Positive: so many of the updates do not count. Negative: so many allowed
        updates are waived. After the ratio was lowered, more updates may count than are allowed.
        Then `free` increases by the difference, in place, and counting starts from there.
        """
        excess = updates - int(free) - self.due(steps, 0)
        if excess > 0:
            free += excess
        return excess < 0
