"""Sources of randomness, passed in so that decisions replay exactly and training repeats.

Every method returns float32 of the `shape` that it is given.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Noise(Protocol):
    """A source of random numbers."""

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal samples."""
        ...

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform samples in the open interval (0, 1)."""
        ...


class TorchNoise:
    """Noise of the trainer, on its device. `begin` reseeds it for each update."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._generator = torch.Generator(device)

    def begin(self, seed: int, update: int) -> None:
        """Seed the generator from (seed, update)."""
        self._generator.manual_seed((seed * 0x9E3779B97F4A7C15 + update) % 2**63)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal samples."""
        return torch.randn(tuple(shape), generator=self._generator, device=self._device)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform samples in 1e-7..1 - 1e-7."""
        drawn = torch.rand(tuple(shape), generator=self._generator, device=self._device)
        return drawn.clamp_(1e-7, 1 - 1e-7)


class CounterNoise:
    """Noise of the body: a counter-based generator keyed by (seed, tick).

    It keeps no state between ticks, so the noise of any tick can be generated again.
    """

    def __init__(self, seed: int, tick: int) -> None:
        self._random = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, tick, 0]))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal samples, on the CPU."""
        return torch.from_numpy(self._random.standard_normal(tuple(shape), np.float32))

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform samples in 1e-7..1 - 1e-7, on the CPU."""
        drawn = self._random.random(tuple(shape), np.float32)
        return torch.from_numpy(np.clip(drawn, 1e-7, 1 - 1e-7))


class PerRowNoise:
    """Noise for a batch where each row has its own source: other rows do not affect a row."""

    def __init__(self, rows: Sequence[Noise]) -> None:
        self._rows = rows

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal samples; the first axis is the row."""
        return torch.cat([row.normal((1, *shape[1:])) for row in self._rows])

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform samples in (0, 1); the first axis is the row."""
        return torch.cat([row.uniform((1, *shape[1:])) for row in self._rows])
