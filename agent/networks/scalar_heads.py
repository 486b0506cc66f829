"""Heads that predict one number, a reward or a value: as a mean, or over 255 symexp two-hot bins.

Shapes: ... any leading axes; F feature; R raw outputs of the network: 1, or 255 bins.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from agent.networks.layers import Norm, head, symexp
from configs.learning import ModelConfig

NUM_BINS = 255
_BIN_LIMIT = 20.0  # largest bin before symexp
_ADAPT_RATE, _MIN_SIGMA = 0.02, 0.1


class ScalarHead(nn.Module, ABC):
    """A network with a scalar prediction. Learning uses `raw` and `loss`."""

    def __init__(self, inputs: int, units: int, layers: int, outputs: int, norm: Norm) -> None:
        super().__init__()
        self.net = head(inputs, units, layers, outputs, 0.0, norm)

    def forward(self, feature: Tensor) -> Tensor:
        """The prediction (...) for each feature (..., F)."""
        return self.mean(self.net(feature))

    def raw(self, feature: Tensor) -> Tensor:
        """The raw outputs (..., R) for each feature (..., F); `mean` and `loss` read them."""
        return self.net(feature)

    @abstractmethod
    def mean(self, raw: Tensor) -> Tensor:
        """The prediction (...) of raw outputs (..., R)."""

    @abstractmethod
    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """The loss (...) of raw outputs (..., R) for a target (...)."""

    def adapt(self, target: Tensor) -> None:
        """Adapt to the scale of the targets (...). Heads without such a scale do nothing."""


class MeanHead(ScalarHead):
    """0.5 (x - target)^2: the loss of a normal with unit variance (Hafner 2019, eq. 8)."""

    def mean(self, raw: Tensor) -> Tensor:
        """The prediction (...) of raw outputs (..., 1)."""
        return raw.squeeze(-1)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """The loss (...) for a target (...)."""
        return 0.5 * (raw.squeeze(-1) - target).square()


class NormalisedHead(ScalarHead):
    """Predicts mu + sigma net(x); the loss is 0.5 (net(x) - (target - mu) / sigma)^2.

    mu and sigma track the mean and standard deviation of the targets, as in PopArt (van Hasselt
    2016). Unlike PopArt the last layer is not corrected: predictions move with the targets. So a
    value reaches returns of 100 without many small updates, and still resolves 99 from 100.

    `adapted` is the share of the moments that comes from targets. It corrects their bias towards
    the initial 0 and 1, as in Adam (Kingma & Ba 2014, section 3): the first batch replaces them.
    """

    adapted: Tensor

    def __init__(self, inputs: int, units: int, layers: int, norm: Norm) -> None:
        super().__init__(inputs, units, layers, 1, norm)
        # Parameters without a gradient: they are copied to the body and to the slow critic.
        self.mu = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.square = nn.Parameter(torch.ones(()), requires_grad=False)
        self.register_buffer("adapted", torch.zeros(()))  # only learning needs it

    @property
    def sigma(self) -> Tensor:
        """The tracked standard deviation of the targets, a scalar of at least 0.1."""
        return (self.square - self.mu.square()).clamp(min=_MIN_SIGMA**2).sqrt()

    def mean(self, raw: Tensor) -> Tensor:
        """The prediction (...) of raw outputs (..., 1), in units of the target."""
        return self.mu + self.sigma * raw.squeeze(-1)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """The loss (...) for a target (...), in units of sigma squared."""
        return 0.5 * (raw.squeeze(-1) - (target - self.mu) / self.sigma).square()

    @torch.no_grad()
    def adapt(self, target: Tensor) -> None:
        """Move mu and sigma towards the batch's. A batch with a non-finite target is ignored."""
        mean, square = target.mean(), target.square().mean()
        if not bool(torch.isfinite(square)):
            return
        self.adapted.lerp_(torch.ones_like(self.adapted), _ADAPT_RATE)
        rate = _ADAPT_RATE / self.adapted  # 1 at first, then falls to _ADAPT_RATE
        self.mu.lerp_(mean, rate)
        self.square.lerp_(square, rate)


class TwohotHead(ScalarHead):
    """A categorical over bins that are evenly spaced in symlog (Hafner 2023, eq. 10).

    Predictions and targets are in raw units.
    """

    bins: Tensor

    def __init__(self, inputs: int, units: int, layers: int, norm: Norm) -> None:
        super().__init__(inputs, units, layers, NUM_BINS, norm)
        self.register_buffer("bins", symexp_bins(), persistent=False)

    def mean(self, raw: Tensor) -> Tensor:
        """The expected value (...) of logits (..., 255)."""
        return twohot_mean(raw, self.bins)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """The cross-entropy (...) of logits (..., 255) for a target (...)."""
        return twohot_loss(raw, target, self.bins)


def make_scalar_head(config: ModelConfig, inputs: int, layers: int) -> ScalarHead:
    """The head that `model.heads` selects: TwohotHead or MeanHead."""
    if config.heads == "twohot":
        return TwohotHead(inputs, config.units, layers, config.norm)
    return MeanHead(inputs, config.units, layers, 1, config.norm)


def make_value_head(config: ModelConfig, inputs: int, layers: int) -> ScalarHead:
    """Like make_scalar_head with NormalisedHead for MeanHead, as returns can have any scale.

    The learner must call `adapt`.
    """
    if config.heads == "twohot":
        return make_scalar_head(config, inputs, layers)
    return NormalisedHead(inputs, config.units, layers, config.norm)


def symexp_bins() -> Tensor:
    """The bins (255,), exactly antisymmetric about 0."""
    half = symexp(torch.linspace(-_BIN_LIMIT, 0.0, NUM_BINS // 2 + 1))
    return torch.cat([half, -half[:-1].flip(0)])


def twohot_mean(logits: Tensor, bins: Tensor) -> Tensor:
    """sum p_i b_i (...) of logits (..., 255), in which equal probabilities give exactly 0.

    Each mirrored pair is added as (p_up - p_low) b. A fused multiply-add would make
    p_up b + p_low (-b) inexact.
    """
    probs, middle = torch.softmax(logits, -1), bins.shape[0] // 2
    lower, upper = probs[..., :middle].flip(-1), probs[..., middle + 1 :]
    return ((upper - lower) * bins[middle + 1 :]).sum(-1)


def twohot_loss(logits: Tensor, target: Tensor, bins: Tensor) -> Tensor:
    """Cross-entropy (...) of logits (..., 255) with the two-hot encoding of target (...).

    The two bins around the target share its weight, linearly in raw units. Beyond the ends the
    outermost bin gets all of it. The loss is NaN where the target is not finite.
    """
    last = bins.shape[0] - 1
    above = torch.searchsorted(bins, target.detach().contiguous(), right=True)
    low, high = (above - 1).clamp(min=0), above.clamp(max=last)
    to_low, to_high = (bins[low] - target).abs(), (bins[high] - target).abs()
    # searchsorted places NaN beyond the largest bin; the loss must not learn it as that bin.
    same = (low == high) & torch.isfinite(target)
    total = torch.where(same, 1.0, to_low + to_high)
    weight_low = torch.where(same, 1.0, to_high / total)
    picked = torch.gather(logits, -1, torch.stack([low, high], -1))
    target_logit = weight_low * picked[..., 0] + (1.0 - weight_low) * picked[..., 1]
    return torch.logsumexp(logits, -1) - target_logit
