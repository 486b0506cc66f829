"""What TensorBoard shows first: rewards per 300 steps, and the return of each episode."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from configs.schema import Config
from interfaces.runtime.metrics import REWARD_STEPS
from trainer.data.replay_buffer import ReplayBuffer
from trainer.objectives.model_terms import surprise_bonus

_MAX_READ = 20_000  # Steps per call: after a long pause the older ones are skipped


class EpisodeTally:
    """Adds up the rewards of episodes. The part of an episode before the first Step is unknown."""

    def __init__(self) -> None:
        self.ended = 0
        self._return, self._length = 0.0, 0
        self._whole = False  # whether the current episode was seen from its first Step on

    def skip(self) -> None:
        """Declares that Steps are missing here: the current episode does not count."""
        self._whole = False

    def add(
        self, reward: NDArray[np.float32], is_first: NDArray[np.bool_], is_last: NDArray[np.bool_]
    ) -> list[tuple[float, int]]:
        """Takes Steps (N,) that follow the earlier ones. Returns (return, length) of each episode
        that ended in them.

        Only `is_last` ends an episode. An `is_first` without it follows a gap.
        """
        ends: list[tuple[float, int]] = []
        for value, first, last in zip(reward.tolist(), is_first, is_last, strict=True):
            if first:
                self._return, self._length, self._whole = 0.0, 0, True
            self._return += value
            self._length += not first  # a step leads from one observation to the next
            if last and self._whole:
                ends.append((self._return, self._length))
                self._whole = False
        self.ended += len(ends)
        return ends


class RewardReport:
    """Measures the rewards of the newest Steps in the journal."""

    def __init__(self, config: Config, replay: ReplayBuffer) -> None:
        self._replay = replay
        # Several worlds write parts of episodes by turns, so that no return can be added up.
        self._has_episodes = config.world.gymnasium.worlds == 1
        self._tally, self._read_to = EpisodeTally(), replay.steps

    def measure(self) -> dict[str, float]:
        """The metrics of the groups `reward` and `episode` that there are."""
        first, end = self._replay.first, self._replay.steps
        metrics: dict[str, float] = {}
        if end > first:
            terms = self._replay.reward_terms(max(first, end - REWARD_STEPS), end)
            sums = {name: REWARD_STEPS * float(term.mean()) for name, term in terms.items()}
            metrics["reward/sum"] = sum(sums.values())
            metrics |= {f"reward/{name}": value for name, value in sums.items()}
        return metrics | (self._episodes(first, end) if self._has_episodes else {})

    def _episodes(self, first: int, end: int) -> dict[str, float]:
        start = max(first, self._read_to, end - _MAX_READ)
        if start > self._read_to or end < self._read_to:
            self._tally.skip()
        self._read_to = end
        if start >= end:
            return {}
        reward = np.sum(list(self._replay.reward_terms(start, end).values()), axis=0)
        ends = self._tally.add(reward, *self._replay.episode_flags(start, end))
        if not ends:
            return {}
        returns, lengths = zip(*ends, strict=True)
        return {
            "episode/return": float(np.mean(returns)),
            "episode/length": float(np.mean(lengths)),
            "episode/count": float(self._tally.ended),
        }


def curiosity_metric(surprise: Tensor, scale: Tensor, config: Config) -> dict[str, float]:
    """The curiosity reward of the mean surprise () of an update's batch; empty without curiosity.

    `scale`: (), the divisor of the surprise in that update.
    """
    if not config.reward.surprise:
        return {}
    return {"reward/curiosity": REWARD_STEPS * float(surprise_bonus(surprise, config, scale))}
