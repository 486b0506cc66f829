"""Stochastic latents, Gaussian or categorical: sample, mode and KL from raw network outputs.

Shapes: ... any leading axes. `stats` (..., stat_size) is the raw output of a network; a sample is
(..., size).
"""

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.noise import Noise
from configs.learning import ModelConfig


class Latent(Protocol):
    """A family of distributions over a latent of `size` numbers, given `stat_size` statistics."""

    stat_size: int
    size: int

    def sample(self, stats: Tensor, noise: Noise) -> Tensor:
        """A differentiable sample (..., size)."""
        ...

    def mode(self, stats: Tensor) -> Tensor:
        """The most likely value (..., size), differentiable like a sample."""
        ...

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """KL(left || right) in nats, summed over the variables: (...)."""
        ...


class GaussianLatent:
    """Independent normals with std = softplus(raw) + min_std (Hafner 2019)."""

    def __init__(self, stoch: int, min_std: float) -> None:
        self.size = stoch
        self.stat_size = 2 * stoch
        self.min_std = min_std

    def _split(self, stats: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw_std = stats.chunk(2, -1)
        return mean, F.softplus(raw_std) + self.min_std

    def sample(self, stats: Tensor, noise: Noise) -> Tensor:
        """A reparameterised sample (..., size)."""
        mean, std = self._split(stats)
        return mean + std * noise.normal(mean.shape)

    def mode(self, stats: Tensor) -> Tensor:
        """The mean (..., size)."""
        return self._split(stats)[0]

    def log_prob(self, stats: Tensor, z: Tensor) -> Tensor:
        """The log-density (...) of z (..., size), in nats."""
        mean, std = self._split(stats)
        squared = ((z - mean) / std).square()
        return -0.5 * (squared + math.log(2 * math.pi)).sum(-1) - torch.log(std).sum(-1)

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """KL(left || right) in nats: (...)."""
        mean_l, std_l = self._split(left)
        mean_r, std_r = self._split(right)
        ratio = (std_l / std_r).square()
        distance = ((mean_l - mean_r) / std_r).square()
        return 0.5 * (ratio + distance - 1.0 - torch.log(ratio)).sum(-1)


class CategoricalLatent:
    """Categoricals mixed with a uniform share, with straight-through samples (Hafner 2023).

    `stoch` variables of `classes` classes each; a sample is their one-hot vectors, flattened.
    """

    def __init__(self, stoch: int, classes: int, unimix: float) -> None:
        self.size = stoch * classes
        self.stat_size = stoch * classes
        self._stoch, self._classes, self._unimix = stoch, classes, unimix

    def probs(self, stats: Tensor) -> Tensor:
        """Mixed probabilities (..., stoch, classes), used by sampling and by KL."""
        probs = torch.softmax(stats.unflatten(-1, (self._stoch, self._classes)), -1)
        return (1.0 - self._unimix) * probs + self._unimix / self._classes

    def sample(self, stats: Tensor, noise: Noise) -> Tensor:
        """A one-hot sample (..., size). Its gradient is that of the probabilities."""
        probs = self.probs(stats)
        # argmax(p / exponential) takes one pass and has the distribution of argmax(log p + Gumbel).
        scores = probs.detach() / -torch.log(noise.uniform(probs.shape))
        return self._straight_through(scores, probs)

    def mode(self, stats: Tensor) -> Tensor:
        """The one-hot vectors of the most likely classes (..., size)."""
        probs = self.probs(stats)
        return self._straight_through(probs, probs)

    def _straight_through(self, scores: Tensor, probs: Tensor) -> Tensor:
        onehot = F.one_hot(scores.argmax(-1), self._classes).to(probs.dtype)
        return (onehot + probs - probs.detach()).flatten(-2)

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """KL(left || right) in nats: (...)."""
        probs_l, probs_r = self.probs(left), self.probs(right)
        if not self._unimix:  # a probability may underflow to 0, and 0 log 0 must be 0
            tiny = torch.finfo(probs_l.dtype).tiny
            probs_l, probs_r = probs_l.clamp(min=tiny), probs_r.clamp(min=tiny)
        return (probs_l * (torch.log(probs_l) - torch.log(probs_r))).sum((-2, -1))


def make_latent(config: ModelConfig) -> Latent:
    """The latent that `model.latent` selects."""
    if config.latent == "gaussian":
        return GaussianLatent(config.stoch, config.min_std)
    return CategoricalLatent(config.stoch, config.classes, config.unimix)
