"""The train ratio: how much may be replayed for each step lived."""

from torch import Tensor

from configs.learning import TrainerConfig


class TrainRatio:
    """Says how many updates are due; counts alone decide, so a resumed run needs no extra state."""

    def __init__(self, config: TrainerConfig) -> None:
        self._ratio = config.train_ratio
        self._prefill = config.prefill
        self._replayed_per_update = config.batch * config.length

    def due(self, steps: int, updates: int) -> int:
        """Updates allowed now, given steps lived and updates made."""
        if steps < self._prefill:
            return 0
        allowed = int((steps - self._prefill + 1) * self._ratio / self._replayed_per_update)
        return max(0, allowed - updates)

    def allows(self, steps: int, updates: int, free: Tensor) -> bool:
        """Whether an update is due. `free` (), int64: of those made, how many no life is charged
        for; below 0, how many more it does not owe. Where more are charged than may be, since the
        ratio was lowered, it counts from here."""
        beyond = updates - int(free) - self.due(steps, 0)
        if beyond > 0:
            free += beyond
        return beyond < 0

    def achieved(self, steps: int, updates: int) -> float:
        """Steps replayed for each step lived since the prefill."""
        return updates * self._replayed_per_update / max(1, steps - self._prefill + 1)
