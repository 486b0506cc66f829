"""Batches from the journal: windows of lived Steps, rewards computed anew, the newest share held
out."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from configs.schema import Config
from interfaces.core.rewards import LivedRewards
from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender
from interfaces.journal import JournalReader
from interfaces.vrchat.situation_detector import unlearned
from trainer.data.rollouts import Rollout
from trainer.objectives.losses import Batch

_FIELDS = ("image", "vector", "world_reward", "is_first", "is_terminal", "is_last", "situation")
_DEED = ("vector", "world_reward", "log_prob", "situation", "is_first", "is_last", "sender")
_ANSWER = ("image", "vector", "world_reward", "is_first", "is_terminal")


_JUST_LIVED = 500  # steps


class Replay:
    """Windows, a share of them from what was just lived and the others uniform.

    Uniform draws alone starve the present: a step that arrives late has had few draws when its
    neighbours are predicted (docs/decisions/0007). Which windows come depends on (seed, update)
    and the journal alone.
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
        """`held_out_from`: where the holdout begins; none: the newest share, as it grows."""
        self._reader = reader
        self._rewards = LivedRewards(config.reward, spaces)
        self._config = config.trainer
        self._seed = config.seed
        self._unlearned = np.uint32(unlearned(config.world.situations))
        self._device = device
        self._ears = ["sound"] if spaces.has_sound else []
        self._fields = (*_FIELDS, *self._ears)
        self._held_out_from = held_out_from

    @property
    def first(self) -> int:
        """Index of the oldest step kept."""
        return self._reader.first

    @property
    def steps(self) -> int:
        """Steps lived so far, freed ones included."""
        return self._reader.end

    def refresh(self) -> None:
        self._reader.refresh()

    @property
    def ready(self) -> bool:
        """Whether training may begin: prefilled, and one whole window outside the holdout."""
        kept = self._reader.end - self._reader.first
        enough = self.held_out_from - self._reader.first >= self._config.length
        return kept >= self._config.prefill and enough

    @property
    def held_out_from(self) -> int:
        """Index of the oldest step kept out of training; it only ever grows."""
        if self._held_out_from is not None:
            return self._held_out_from
        kept = self._reader.end - self._reader.first
        held = min(int(kept * self._config.holdout), self._config.holdout_steps)
        return self._reader.end - held

    def sample(self, update: int) -> Batch:
        """Windows (batch, length) from the part that may be trained on."""
        random = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, update, 1]))
        first, last = self._reader.first, self.held_out_from - self._config.length
        starts = random.integers(first, last + 1, self._config.batch)
        recent = round(self._config.batch * self._config.recent)
        newest = max(first, last + 1 - self._config.recent_steps)
        starts[:recent] = random.integers(newest, last + 1, recent)
        batch = self.windows(starts, self._config.length)
        return batch._replace(image=shifted(batch.image, self._config.image_shift, random))

    def held_out(self, windows: int, length: int) -> Batch | None:
        """Evenly spaced windows of the part never trained on; None while it is shorter than one."""
        return self._spaced(self.held_out_from, self._reader.end, windows, length)

    def trained_on(self, windows: int, length: int) -> Batch | None:
        """Evenly spaced windows of the part that may be trained on, None like held_out."""
        return self._spaced(self._reader.first, self.held_out_from, windows, length)

    def newest_windows(self, windows: int, length: int) -> Batch | None:
        """Evenly spaced windows of what was just lived; None like held_out."""
        first = max(self._reader.first, self._reader.end - _JUST_LIVED)
        return self._spaced(first, self._reader.end, windows, length)

    def _spaced(self, first: int, end: int, windows: int, length: int) -> Batch | None:
        if end - first < length:
            return None
        return self.windows(np.linspace(first, end - length, windows).astype(np.int64), length)

    def windows(self, starts: NDArray[np.int64], length: int) -> Batch:
        """The windows beginning at `starts`, as tensors on the device."""
        rows = self._reader.gather(starts, length, self._fields)
        reward = self._rewards.terms(rows["vector"], rows["world_reward"], rows["is_first"]).sum(-1)
        learned = (rows["situation"] & self._unlearned) == 0
        return Batch(
            image=self._tensor(rows["image"]),
            vector=self._tensor(rows["vector"]),
            reward=self._tensor(reward),
            is_first=self._tensor(rows["is_first"]),
            is_terminal=self._tensor(rows["is_terminal"]),
            is_last=self._tensor(rows["is_last"]),
            learned=None if learned.all() else self._tensor(learned),
            sound=self._tensor(rows["sound"]).flatten(2) if "sound" in rows else None,
        )

    def acted_by(self, version: int, start: int) -> NDArray[np.int64]:
        """Indices, from `start` on, of what the policy of this version of the weights did itself,
        where it knew what it saw and the row behind shows what came of it."""
        starts, length = np.array([start]), self._reader.end - start
        gathered = self._reader.gather(starts, length, (*_DEED, "weights_version"))
        rows = {name: column[0] for name, column in gathered.items()}
        finite = np.isfinite(rows["vector"]).all(-1) & np.isfinite(rows["world_reward"])
        known = finite & ((rows["situation"] & self._unlearned) == 0)
        deed = known & ~rows["is_last"] & np.isfinite(rows["log_prob"])
        deed &= (rows["weights_version"] == version) & (rows["sender"] == Sender.POLICY)
        answered = known[1:] & ~rows["is_first"][1:]
        return start + np.flatnonzero(deed[:-1] & answered)

    def rollout(self, indices: NDArray[np.int64]) -> Rollout:
        """These steps, ascending, each with the row behind it; rewards computed anew."""
        rows = self._reader.gather(indices, 2, (*_ANSWER, *self._ears))
        reward = self._rewards.terms(rows["vector"], rows["world_reward"], rows["is_first"]).sum(-1)
        deeds = self._reader.gather(indices, 1, ("chosen", "log_prob"))
        return Rollout(
            image=self._tensor(rows["image"]),
            vector=self._tensor(rows["vector"]),
            chosen=self._tensor(deeds["chosen"][:, 0]),
            log_prob=self._tensor(deeds["log_prob"][:, 0]),
            reward=self._tensor(reward[:, 1]),
            is_terminal=self._tensor(rows["is_terminal"][:, 1]),
            goes_on=self._tensor(np.append(np.diff(indices) == 1, False)),
            sound=self._tensor(rows["sound"]).flatten(2) if "sound" in rows else None,
        )

    def newest(self, length: int) -> Batch:
        """The newest window (1, length)."""
        start = max(self._reader.first, self._reader.end - length)
        return self.windows(np.array([start]), self._reader.end - start)

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        # The reader reuses its arrays; a copy is needed before the next gather either way.
        return torch.from_numpy(array.copy()).to(self._device)


def shifted(image: torch.Tensor, most: int, random: np.random.Generator) -> torch.Tensor:
    """Every sequence of image (B, T, H, W, 3) moved by up to `most` pixels, its edge repeated.

    One shift for a whole sequence, as if the head had been held a little elsewhere: few frames go
    further (Kostrikov 2020, DrQ).
    """
    size, _, height, width, _ = image.shape
    if most == 0 or height == 0:
        return image
    down, right = random.integers(-most, most + 1, (2, size)).tolist()
    rows, columns = (torch.arange(n, device=image.device) for n in (height, width))
    moved = torch.empty_like(image)
    for i in range(size):
        row, column = (
            (rows + down[i]).clamp(0, height - 1),
            (columns + right[i]).clamp(0, width - 1),
        )
        moved[i] = image[i][:, row][:, :, column]
    return moved
