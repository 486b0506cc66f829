"""The train ratio: how much may be replayed for each step lived."""

from configs.learning import TrainerConfig


class TrainRatio:
    """Says how many updates are due; counts alone decide, so a resumed run needs no extra state.
    `free` updates were made before this life, from records, and are not counted."""

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

    def achieved(self, steps: int, updates: int) -> float:
        """Steps replayed for each step lived since the prefill."""
        return updates * self._replayed_per_update / max(1, steps - self._prefill + 1)
