"""Heads that predict one number, reward or value: a mean, or 255 bins by symexp two-hot.

Shapes: ... any leading axes; F feature.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from agent.layers import Norm, head, symexp
from configs.learning import ModelConfig

NUM_BINS = 255
_LIMIT = 20.0  # of the bins, before symexp


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


class MeanHead(ScalarHead):
    """0.5 (x - target)^2: a normal of unit variance (Hafner 2019, eq. 8)."""

    def mean(self, raw: Tensor) -> Tensor:
        return raw.squeeze(-1)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        return 0.5 * (raw.squeeze(-1) - target).square()


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
    around it, linearly in raw units. Beyond the ends the last bin has all of it."""
    last = bins.shape[0] - 1
    above = torch.searchsorted(bins, target.detach().contiguous(), right=True)
    low, high = (above - 1).clamp(min=0), above.clamp(max=last)
    to_low, to_high = (bins[low] - target).abs(), (bins[high] - target).abs()
    same = low == high
    total = torch.where(same, 1.0, to_low + to_high)
    on_low = torch.where(same, 1.0, to_high / total)
    picked = torch.gather(logits, -1, torch.stack([low, high], -1))
    hit = on_low * picked[..., 0] + (1.0 - on_low) * picked[..., 1]
    return torch.logsumexp(logits, -1) - hit
