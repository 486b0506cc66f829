"""Stochastic latents, Gaussian or categorical: sample, mode and KL from raw network outputs.

Shapes: `stats` (..., stat_size) is what the network puts out, a sample is (..., size).
"""

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.noise import Noise
from configs.learning import ModelConfig


class Latent(Protocol):
    stat_size: int
    size: int

    def sample(self, stats: Tensor, noise: Noise) -> Tensor:
        """A differentiable sample."""
        ...

    def mode(self, stats: Tensor) -> Tensor:
        """The most likely one, differentiable like a sample."""
        ...

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """KL(left || right) in nats, summed over the variables: (...)."""
        ...


class GaussianLatent:
    """Independent normals, std = softplus + min_std (Hafner 2019)."""

    def __init__(self, stoch: int, min_std: float) -> None:
        self.size = stoch
        self.stat_size = 2 * stoch
        self.min_std = min_std

    def _split(self, stats: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw_std = stats.chunk(2, -1)
        return mean, F.softplus(raw_std) + self.min_std

    def sample(self, stats: Tensor, noise: Noise) -> Tensor:
        mean, std = self._split(stats)
        return mean + std * noise.normal(mean.shape)

    def mode(self, stats: Tensor) -> Tensor:
        return self._split(stats)[0]

    def log_prob(self, stats: Tensor, z: Tensor) -> Tensor:
        """log density (...) of a sample (..., size)."""
        mean, std = self._split(stats)
        far = ((z - mean) / std).square()
        return -0.5 * (far + math.log(2 * math.pi)).sum(-1) - torch.log(std).sum(-1)

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        mean_l, std_l = self._split(left)
        mean_r, std_r = self._split(right)
        ratio = (std_l / std_r).square()
        distance = ((mean_l - mean_r) / std_r).square()
        return 0.5 * (ratio + distance - 1.0 - torch.log(ratio)).sum(-1)


class CategoricalLatent:
    """Categoricals mixed with a uniform, sampled straight-through (Hafner 2023)."""

    def __init__(self, stoch: int, classes: int, unimix: float) -> None:
        self.size = stoch * classes
        self.stat_size = stoch * classes
        self._stoch, self._classes, self._unimix = stoch, classes, unimix

    def probs(self, stats: Tensor) -> Tensor:
        """Mixed, of each class (..., stoch, classes): for sampling and KL alike."""
        probs = torch.softmax(stats.unflatten(-1, (self._stoch, self._classes)), -1)
        return (1.0 - self._unimix) * probs + self._unimix / self._classes

    def sample(self, stats: Tensor, noise: Noise) -> Tensor:
        probs = self.probs(stats)
        # argmax p / exponential: one pass, and the same law as a Gumbel argmax on log p
        race = probs.detach() / -torch.log(noise.uniform(probs.shape))
        return self._straight_through(race, probs)

    def mode(self, stats: Tensor) -> Tensor:
        probs = self.probs(stats)
        return self._straight_through(probs, probs)

    def _straight_through(self, scores: Tensor, probs: Tensor) -> Tensor:
        onehot = F.one_hot(scores.argmax(-1), self._classes).to(probs.dtype)
        return (onehot + probs - probs.detach()).flatten(-2)

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        probs_l, probs_r = self.probs(left), self.probs(right)
        if not self._unimix:  # a class may vanish: 0 log 0 is 0
            tiny = torch.finfo(probs_l.dtype).tiny
            probs_l, probs_r = probs_l.clamp(min=tiny), probs_r.clamp(min=tiny)
        return (probs_l * (torch.log(probs_l) - torch.log(probs_r))).sum((-2, -1))


def make_latent(config: ModelConfig) -> Latent:
    if config.latent == "gaussian":
        return GaussianLatent(config.stoch, config.min_std)
    return CategoricalLatent(config.stoch, config.classes, config.unimix)
