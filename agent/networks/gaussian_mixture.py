"""A mixture of Gaussians over the next latent z: density, sample and mode (Bishop 1994).

Shapes: ... any leading axes, K components, Z size of z. `stats` (..., K (1 + 2 Z)) are the raw
outputs of a network: K logits, K means, and K standard deviations before softplus.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.noise import Noise


class GaussianMixture:
    """A mixture whose components have diagonal covariance.

    One component is drawn for the whole vector z, so the entries of z stay correlated.
    `size` is Z; `min_std` is added to each standard deviation.
    """

    def __init__(self, components: int, size: int, min_std: float) -> None:
        self.components, self.size = components, size
        self.stat_size = components * (1 + 2 * size)
        self._min_std = min_std

    def split(self, stats: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (..., K), means (..., K, Z) and standard deviations (..., K, Z)."""
        logits, mean, raw_std = self._raw(stats)
        return logits, mean, self._std(raw_std)

    def log_prob(self, stats: Tensor, z: Tensor) -> Tensor:
        """log sum_k pi_k N(z; mu_k, sigma_k) of z (..., Z): (...), in nats."""
        logits, mean, std = self.split(stats)
        squared = ((z.unsqueeze(-2) - mean) / std).square()
        each = -0.5 * (squared + math.log(2 * math.pi)).sum(-1) - torch.log(std).sum(-1)
        return torch.logsumexp(torch.log_softmax(logits, -1) + each, -1)

    def sample(self, stats: Tensor, noise: Noise, temperature: float = 1.0) -> Tensor:
        """A sample z (..., Z).

        The temperature tau divides the logits and multiplies the standard deviations by sqrt(tau)
        (Ha & Schmidhuber 2018).
        """
        logits, mean, raw_std = self._raw(stats)
        cumulative = torch.softmax(logits / temperature, -1).cumsum(-1)
        uniform = noise.uniform(cumulative.shape[:-1]).unsqueeze(-1)
        component = (uniform > cumulative).sum(-1).clamp(max=self.components - 1)
        mean, std = _pick(mean, component), self._std(_pick(raw_std, component))
        return mean + math.sqrt(temperature) * std * noise.normal(mean.shape)

    def mode(self, stats: Tensor) -> Tensor:
        """The mean of the most likely component (..., Z): the limit of `sample` as tau -> 0."""
        logits, mean, _ = self._raw(stats)
        return _pick(mean, logits.argmax(-1))

    def _raw(self, stats: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        lengths = (self.components, *(self.components * self.size,) * 2)
        logits, mean, raw_std = stats.split(lengths, -1)
        shape = (self.components, self.size)
        return logits, mean.unflatten(-1, shape), raw_std.unflatten(-1, shape)

    def _std(self, raw_std: Tensor) -> Tensor:
        return F.softplus(raw_std) + self._min_std


def _pick(each: Tensor, component: Tensor) -> Tensor:
    """Entries (..., Z) of `each` (..., K, Z) at the index `component` (...)."""
    index = component[..., None, None].expand(*component.shape, 1, each.shape[-1])
    return each.gather(-2, index).squeeze(-2)
