"""Where randomness comes from: passed in, so that acting replays exactly and training repeats."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Noise(Protocol):
    def normal(self, shape: Sequence[int]) -> Tensor: ...
    def uniform(self, shape: Sequence[int]) -> Tensor:
        """In (0, 1)."""
        ...


class TorchNoise:
    """Noise of the trainer, on its device; begun anew for each update from (seed, update)."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._generator = torch.Generator(device)

    def begin(self, seed: int, update: int) -> None:
        self._generator.manual_seed((seed * 0x9E3779B97F4A7C15 + update) % 2**63)

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=self._generator, device=self._device)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        drawn = torch.rand(tuple(shape), generator=self._generator, device=self._device)
        return drawn.clamp_(1e-7, 1 - 1e-7)


class CounterNoise:
    """Noise of the body: a counter-based generator keyed by (seed, tick), without hidden state."""

    def __init__(self, seed: int, tick: int) -> None:
        self._random = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, tick, 0]))

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.from_numpy(self._random.standard_normal(tuple(shape), np.float32))

    def uniform(self, shape: Sequence[int]) -> Tensor:
        drawn = self._random.random(tuple(shape), np.float32)
        return torch.from_numpy(np.clip(drawn, 1e-7, 1 - 1e-7))


class RowsNoise:
    """Noise for many at once, each row with its own: what lives beside it changes nothing."""

    def __init__(self, rows: Sequence[Noise]) -> None:
        self._rows = rows

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.cat([row.normal((1, *shape[1:])) for row in self._rows])

    def uniform(self, shape: Sequence[int]) -> Tensor:
        return torch.cat([row.uniform((1, *shape[1:])) for row in self._rows])
