"""Heads that predict one number, reward or value: a mean, or 255 bins by symexp two-hot.

Shapes: ... any leading axes; F feature.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from agent.networks.layers import Norm, head, symexp
from configs.learning import ModelConfig

NUM_BINS = 255
_LIMIT = 20.0  # of the bins, before symexp
_ADAPT, _LEAST_SIGMA = 0.02, 0.1


class ScalarHead(nn.Module, ABC):
    """forward gives the prediction (...); `raw` and `loss` are for learning."""

    def __init__(self, inputs: int, units: int, layers: int, outputs: int, norm: Norm) -> None:
        super().__init__()
        self.net = head(inputs, units, layers, outputs, 0.0, norm)

    def forward(self, feature: Tensor) -> Tensor:
        return self.mean(self.net(feature))

    def raw(self, feature: Tensor) -> Tensor:
        """What `mean` and `loss` read."""
        return self.net(feature)

    @abstractmethod
    def mean(self, raw: Tensor) -> Tensor:
        """The prediction (...)."""

    @abstractmethod
    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """(...), of a target (...)."""

    def adapt(self, target: Tensor) -> None:
        """Take notice of how large targets (...) are, where the head needs to know."""


class MeanHead(ScalarHead):
    """0.5 (x - target)^2: a normal of unit variance (Hafner 2019, eq. 8)."""

    def mean(self, raw: Tensor) -> Tensor:
        return raw.squeeze(-1)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        return 0.5 * (raw.squeeze(-1) - target).square()


class NormalisedHead(ScalarHead):
    """mu + sigma net(x), 0.5 (net(x) - (target - mu) / sigma)^2.

    mu and sigma follow the targets' mean and deviation (as in PopArt, van Hasselt 2016, but with no
    correction of the last layer: predictions are meant to move along). A value that begins at 0
    need not crawl to 100 by steps of a learning rate, and once there it still tells 99 from 100.
    """

    def __init__(self, inputs: int, units: int, layers: int, norm: Norm) -> None:
        super().__init__(inputs, units, layers, 1, norm)
        # Parameters, though nothing descends on them: they go to the body and to the slow critic.
        self.mu = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.square = nn.Parameter(torch.ones(()), requires_grad=False)

    @property
    def sigma(self) -> Tensor:
        return (self.square - self.mu.square()).clamp(min=_LEAST_SIGMA**2).sqrt()

    def mean(self, raw: Tensor) -> Tensor:
        return self.mu + self.sigma * raw.squeeze(-1)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        return 0.5 * (raw.squeeze(-1) - (target - self.mu) / self.sigma).square()

    @torch.no_grad()
    def adapt(self, target: Tensor) -> None:
        mean, square = target.mean(), target.square().mean()
        if not bool(torch.isfinite(square)):
            return
        self.mu.lerp_(mean, _ADAPT)
        self.square.lerp_(square, _ADAPT)


class TwohotHead(ScalarHead):
    """A categorical over bins spaced evenly in symlog, in raw units (Hafner 2023, eq. 10)."""

    bins: Tensor

    def __init__(self, inputs: int, units: int, layers: int, norm: Norm) -> None:
        super().__init__(inputs, units, layers, NUM_BINS, norm)
        self.register_buffer("bins", symexp_bins(), persistent=False)

    def mean(self, raw: Tensor) -> Tensor:
        return twohot_mean(raw, self.bins)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        return twohot_loss(raw, target, self.bins)


def make_scalar_head(config: ModelConfig, inputs: int, layers: int) -> ScalarHead:
    if config.heads == "twohot":
        return TwohotHead(inputs, config.units, layers, config.norm)
    return MeanHead(inputs, config.units, layers, 1, config.norm)


def make_value_head(config: ModelConfig, inputs: int, layers: int) -> ScalarHead:
    """Of a learner that lets it adapt: a return can be of any size."""
    if config.heads == "twohot":
        return make_scalar_head(config, inputs, layers)
    return NormalisedHead(inputs, config.units, layers, config.norm)


def symexp_bins() -> Tensor:
    """(255,), exactly antisymmetric about 0."""
    half = symexp(torch.linspace(-_LIMIT, 0.0, NUM_BINS // 2 + 1))
    return torch.cat([half, -half[:-1].flip(0)])


def twohot_mean(logits: Tensor, bins: Tensor) -> Tensor:
    """sum p_i b_i of logits (..., 255), mirrored pairs first: equal probabilities give exactly 0.

    As (p_up - p_low) b: a fused multiply-add would break the sum p_up b + p_low (-b).
    """
    probs, middle = torch.softmax(logits, -1), bins.shape[0] // 2
    lower, upper = probs[..., :middle].flip(-1), probs[..., middle + 1 :]
    return ((upper - lower) * bins[middle + 1 :]).sum(-1)


def twohot_loss(logits: Tensor, target: Tensor, bins: Tensor) -> Tensor:
    """Cross-entropy (...) of logits (..., 255) with a target (...) shared between the two bins
    around it, linearly in raw units. Beyond the ends the last bin has all of it; NaN where the
    target is not finite."""
    last = bins.shape[0] - 1
    above = torch.searchsorted(bins, target.detach().contiguous(), right=True)
    low, high = (above - 1).clamp(min=0), above.clamp(max=last)
    to_low, to_high = (bins[low] - target).abs(), (bins[high] - target).abs()
    # searchsorted finds a place for NaN too: what is no number must not be learned as the largest.
    same = (low == high) & torch.isfinite(target)
    total = torch.where(same, 1.0, to_low + to_high)
    on_low = torch.where(same, 1.0, to_high / total)
    picked = torch.gather(logits, -1, torch.stack([low, high], -1))
    hit = on_low * picked[..., 0] + (1.0 - on_low) * picked[..., 1]
    return torch.logsumexp(logits, -1) - hit
