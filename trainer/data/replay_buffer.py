"""The replay buffer: batches of recorded Steps from the journal, with recomputed rewards.

Shapes: B sequences, T steps, N single steps.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from configs.schema import Config
from interfaces.core.rewards import StepRewards
from interfaces.core.situation_responses import excluded_from_learning
from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender
from interfaces.journal import JournalReader
from trainer.data.batch import Batch, Rollout
from trainer.data.image_shift import shift_images

_FIELDS = ("image", "vector", "world_reward", "is_first", "is_terminal", "is_last", "situation")
_ACTION_FIELDS = (
    *("vector", "world_reward", "log_prob", "situation", "is_first", "is_last", "sender"),
    "weights_version",
)
_NEWEST_STEPS = 500  # that newest_windows reads


class ReplayBuffer:
    """Windows of recorded Steps: some from the newest Steps, the others from all of them.

    With uniform sampling alone, a new Step is rarely sampled before the model must predict its
    neighbours (docs/decisions/0007). The windows depend only on the seed, the update and the
    journal.
    """

    def __init__(
        self,
        reader: JournalReader,
        spaces: Spaces,
        config: Config,
        device: torch.device,
        *,
        held_out_from: int | None = None,
    ) -> None:
        """`held_out_from`: index of the first held-out Step; None: a share of the newest Steps."""
        self._reader = reader
        self._rewards = StepRewards(config.reward, spaces)
        self._config = config.trainer
        self._seed = config.seed
        self._excluded = np.uint32(excluded_from_learning(config.world.situations))
        self._device = device
        self._fields = (*_FIELDS, *(["sound"] if spaces.has_sound else []))
        self._held_out_from = held_out_from

    @property
    def first(self) -> int:
        """Index of the oldest Step in the journal."""
        return self._reader.first

    @property
    def steps(self) -> int:
        """Environment steps so far, including those the journal no longer has."""
        return self._reader.end

    def refresh(self) -> None:
        """Makes the Steps visible that were written since the last call."""
        self._reader.refresh()

    @property
    def ready(self) -> bool:
        """Whether training may start: after the prefill, with a whole window to train on."""
        available = self._reader.end - self._reader.first
        has_window = self.held_out_from - self._reader.first >= self._config.length
        return available >= self._config.prefill and has_window

    @property
    def held_out_from(self) -> int:
        """Index of the first held-out Step; it never decreases."""
        if self._held_out_from is not None:
            return self._held_out_from
        available = self._reader.end - self._reader.first
        held_out = min(int(available * self._config.holdout), self._config.holdout_steps)
        return self._reader.end - held_out

    def sample(self, update: int) -> Batch:
        """The training batch (batch, length) of an update, with shifted images."""
        random = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, update, 1]))
        first, last = self._reader.first, self.held_out_from - self._config.length
        starts = random.integers(first, last + 1, self._config.batch)
        recent = round(self._config.batch * self._config.recent)
        newest = max(first, last + 1 - self._config.recent_steps)
        starts[:recent] = random.integers(newest, last + 1, recent)
        batch = self.windows(starts, self._config.length)
        return batch._replace(image=shift_images(batch.image, self._config.image_shift, random))

    def held_out_windows(self, count: int, length: int) -> Batch | None:
        """Windows at even intervals over the held-out Steps; None if these are too few."""
        return self._spaced(self.held_out_from, self._reader.end, count, length)

    def training_windows(self, count: int, length: int) -> Batch | None:
        """Windows at even intervals over the Steps for training; None if these are too few."""
        return self._spaced(self._reader.first, self.held_out_from, count, length)

    def newest_windows(self, count: int, length: int) -> Batch | None:
        """Windows at even intervals over the newest 500 Steps; None if these are too few."""
        first = max(self._reader.first, self._reader.end - _NEWEST_STEPS)
        return self._spaced(first, self._reader.end, count, length)

    def last_window(self, length: int) -> Batch:
        """The window (1, length) that ends with the newest Step; shorter if there are fewer."""
        start = max(self._reader.first, self._reader.end - length)
        return self.windows(np.array([start]), self._reader.end - start)

    def windows(self, starts: NDArray[np.int64], length: int) -> Batch:
        """The windows (B, length) that begin at `starts` (B,), as tensors on the device."""
        rows = self._reader.gather(starts, length, self._fields)
        reward = self._reward(rows)
        included = (rows["situation"] & self._excluded) == 0
        return Batch(
            image=self._tensor(rows["image"]),
            vector=self._tensor(rows["vector"]),
            reward=self._tensor(reward),
            is_first=self._tensor(rows["is_first"]),
            is_terminal=self._tensor(rows["is_terminal"]),
            is_last=self._tensor(rows["is_last"]),
            loss_mask=None if included.all() else self._tensor(included),
            sound=self._tensor(rows["sound"]).flatten(2) if "sound" in rows else None,
        )

    def policy_steps(self, version: int, start: int) -> NDArray[np.int64]:
        """Indices (N,) from `start` on of the policy's own steps with this weights version.

        Each has finite observations before and after the action, no excluded situation, and a next
        row that shows the outcome.
        """
        starts, length = np.array([start]), self._reader.end - start
        gathered = self._reader.gather(starts, length, _ACTION_FIELDS)
        rows = {name: column[0] for name, column in gathered.items()}
        finite = np.isfinite(rows["vector"]).all(-1) & np.isfinite(rows["world_reward"])
        usable = finite & ((rows["situation"] & self._excluded) == 0)
        acted = usable & ~rows["is_last"] & np.isfinite(rows["log_prob"])
        acted &= (rows["weights_version"] == version) & (rows["sender"] == Sender.POLICY)
        has_outcome = usable[1:] & ~rows["is_first"][1:]
        return start + np.flatnonzero(acted[:-1] & has_outcome)

    def rollout(self, indices: NDArray[np.int64]) -> Rollout:
        """The steps at ascending `indices` (N,), each with the row after it."""
        pair = self.windows(indices, 2)
        actions = self._reader.gather(indices, 1, ("chosen", "log_prob"))
        return Rollout(
            pair,
            chosen=self._tensor(actions["chosen"][:, 0]),
            log_prob=self._tensor(actions["log_prob"][:, 0]),
            has_next=self._tensor(np.append(np.diff(indices) == 1, False)),
        )

    def reward_terms(self, start: int, end: int) -> dict[str, NDArray[np.float32]]:
        """The weighted reward terms (N,) of the Steps `start` to `end` (excluded), by name."""
        fields = ("vector", "world_reward", "is_first")
        rows = self._reader.gather(np.array([start]), end - start, fields, fresh=True)
        terms = self._rewards.weighted(*(rows[name][0] for name in fields))
        return {name: terms[:, i] for i, name in enumerate(self._rewards.names)}

    def episode_flags(self, start: int, end: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`is_first` and `is_last` (N,) of the Steps `start` to `end` (excluded)."""
        fields = ("is_first", "is_last")
        rows = self._reader.gather(np.array([start]), end - start, fields, fresh=True)
        return rows["is_first"][0], rows["is_last"][0]

    def _spaced(self, first: int, end: int, count: int, length: int) -> Batch | None:
        if end - first < length:
            return None
        return self.windows(np.linspace(first, end - length, count).astype(np.int64), length)

    def _reward(self, rows: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The sum of all terms with the weights of this configuration."""
        terms = self._rewards.weighted(rows["vector"], rows["world_reward"], rows["is_first"])
        return terms.sum(-1)

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        # The reader reuses its arrays in the next gather, so that a copy is needed.
        return torch.from_numpy(array.copy()).to(self._device)
