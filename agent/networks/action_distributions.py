"""The distribution of each part of an action: how the policy samples and scores it.

One class for each set of values in interfaces/core/action_parts.py; DISTRIBUTIONS finds it. The
policy network has two outputs for each number of an action; a class uses one or both.

Shapes: ... any leading axes; A actions, K numbers of one part.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.learning import ActorConfig
from interfaces.core.action_parts import ActionPart, Binary, Interval, OneHot

_MIN_STD, _MAX_STD = 0.1, 1.0


class ActionSample(NamedTuple):
    """One sampled action, both (..., A).

    action: what to do; axes in -1..1, buttons 0 or 1; carries the pathwise gradient.
    chosen: the raw sample, before axes are bounded.
    """

    action: Tensor
    chosen: Tensor


class DistributionParams(NamedTuple):
    """The raw outputs of the policy network, (..., A) each.

    mean_or_logit: an axis's mean before tanh; the logit of a button or of a group's member.
    raw_std: an axis's standard deviation before its bounds; not used for buttons and groups.
    """

    mean_or_logit: Tensor
    raw_std: Tensor


class ActionNoise(NamedTuple):
    """Random numbers for one sample, (..., A) each: standard normal, and uniform in (0, 1)."""

    normal: Tensor
    uniform: Tensor


class PartDistribution(nn.Module):
    """The distribution of one part of the action. It has no parameters of its own."""

    def __init__(self, part: ActionPart, num_actions: int, actor: ActorConfig) -> None:
        super().__init__()

    def sample(
        self, params: DistributionParams, noise: ActionNoise, into: ActionSample
    ) -> ActionSample:
        """The sample `into` with the numbers of this part drawn from the distribution."""
        raise NotImplementedError

    def log_prob_and_entropy(
        self, params: DistributionParams, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log-probability of this part of `chosen` (..., A), and the entropy; (...) each, nats."""
        raise NotImplementedError

    def mode(self, params: DistributionParams, into: Tensor) -> Tensor:
        """The action `into` (..., A) with the most likely numbers of this part."""
        raise NotImplementedError

    def expected(self, params: DistributionParams, into: Tensor) -> Tensor:
        """The action `into` (..., A) with the expected numbers of this part, differentiable."""
        raise NotImplementedError


class IndependentNumbers(PartDistribution):
    """Numbers that do not depend on each other. A subclass gives four elementwise functions.

    They receive and return (..., A) for all actions; numbers of other parts are ignored.
    """

    mask: Tensor

    def __init__(self, part: ActionPart, num_actions: int, actor: ActorConfig) -> None:
        super().__init__(part, num_actions, actor)
        mask = torch.tensor([i in part.indices for i in range(num_actions)])
        self.register_buffer("mask", mask, persistent=False)

    def draw(self, params: DistributionParams, noise: ActionNoise) -> ActionSample:
        """A sample: the action with its pathwise gradient, and the raw sample."""
        raise NotImplementedError

    def score(self, params: DistributionParams, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of the raw sample, and the entropy, in nats."""
        raise NotImplementedError

    def most_likely(self, params: DistributionParams) -> Tensor:
        """The most likely value."""
        raise NotImplementedError

    def mean(self, params: DistributionParams) -> Tensor:
        """The expected value."""
        raise NotImplementedError

    def sample(
        self, params: DistributionParams, noise: ActionNoise, into: ActionSample
    ) -> ActionSample:
        mask, (action, chosen) = self.mask, self.draw(params, noise)
        return ActionSample(
            torch.where(mask, action, into.action), torch.where(mask, chosen, into.chosen)
        )

    def log_prob_and_entropy(
        self, params: DistributionParams, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        mask, (log_probs, entropies) = self.mask, self.score(params, chosen)
        return torch.where(mask, log_probs, 0.0).sum(-1), torch.where(mask, entropies, 0.0).sum(-1)

    def mode(self, params: DistributionParams, into: Tensor) -> Tensor:
        return torch.where(self.mask, self.most_likely(params), into)

    def expected(self, params: DistributionParams, into: Tensor) -> Tensor:
        return torch.where(self.mask, self.mean(params), into)


class BoundedNormal(IndependentNumbers):
    """Axes: Normal(tanh(m), 0.9 sigmoid(s + 2) + 0.1), bounded afterwards (Hafner 2023).

    The bound clips the value to -1..1 and passes a gradient of 1/|a| beyond it.
    """

    def draw(self, params: DistributionParams, noise: ActionNoise) -> ActionSample:
        mean, std = axis_normal(*params)
        axis = mean + std * noise.normal
        return ActionSample(axis / axis.abs().clamp(min=1.0).detach(), axis)

    def score(self, params: DistributionParams, chosen: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = axis_normal(*params)
        return _normal_log_prob(chosen, mean, std), normal_entropy(std)

    def most_likely(self, params: DistributionParams) -> Tensor:
        return torch.tanh(params.mean_or_logit)

    def mean(self, params: DistributionParams) -> Tensor:
        return torch.tanh(params.mean_or_logit)


class BernoulliButtons(IndependentNumbers):
    """Buttons: Bernoulli(sigmoid(m)). The gradient passes straight through to the probability."""

    def draw(self, params: DistributionParams, noise: ActionNoise) -> ActionSample:
        prob = torch.sigmoid(params.mean_or_logit)
        pressed = (noise.uniform < prob).to(prob.dtype)
        return ActionSample(pressed + prob - prob.detach(), pressed)

    def score(self, params: DistributionParams, chosen: Tensor) -> tuple[Tensor, Tensor]:
        logit, cross_entropy = params.mean_or_logit, F.binary_cross_entropy_with_logits
        log_probs = -cross_entropy(logit, chosen, reduction="none")
        return log_probs, cross_entropy(logit, torch.sigmoid(logit), reduction="none")

    def most_likely(self, params: DistributionParams) -> Tensor:
        return (params.mean_or_logit > 0).to(params.mean_or_logit.dtype)

    def mean(self, params: DistributionParams) -> Tensor:
        return torch.sigmoid(params.mean_or_logit)


class CategoricalGroup(PartDistribution):
    """A group of buttons: a categorical, mixed with the uniform share `actor.unimix`.

    The gradient passes straight through to the probabilities.
    """

    indices: Tensor

    def __init__(self, part: ActionPart, num_actions: int, actor: ActorConfig) -> None:
        super().__init__(part, num_actions, actor)
        self._unimix = actor.unimix
        self.register_buffer("indices", torch.tensor(part.indices), persistent=False)

    def sample(
        self, params: DistributionParams, noise: ActionNoise, into: ActionSample
    ) -> ActionSample:
        indices = self.indices
        probs = self._log_probs(params).exp()
        # argmax(p / exponential) is a sample of the categorical, as in CategoricalLatent.
        scores = probs.detach() / -torch.log(noise.uniform.index_select(-1, indices))
        onehot = F.one_hot(scores.argmax(-1), len(indices)).to(probs.dtype)
        return ActionSample(
            into.action.index_copy(-1, indices, onehot + probs - probs.detach()),
            into.chosen.index_copy(-1, indices, onehot),
        )

    def log_prob_and_entropy(
        self, params: DistributionParams, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        log_probs = self._log_probs(params)
        log_prob = (chosen.index_select(-1, self.indices) * log_probs).sum(-1)
        return log_prob, -(log_probs.exp() * log_probs).sum(-1)

    def mode(self, params: DistributionParams, into: Tensor) -> Tensor:
        best = params.mean_or_logit.index_select(-1, self.indices).argmax(-1)
        onehot = F.one_hot(best, len(self.indices)).to(into.dtype)
        return into.index_copy(-1, self.indices, onehot)

    def expected(self, params: DistributionParams, into: Tensor) -> Tensor:
        return into.index_copy(-1, self.indices, self._log_probs(params).exp())

    def _log_probs(self, params: DistributionParams) -> Tensor:
        """Log-probabilities (..., K) of the members."""
        logits = params.mean_or_logit.index_select(-1, self.indices)
        if not self._unimix:
            return torch.log_softmax(logits, -1)
        share = self._unimix / logits.shape[-1]
        return torch.log((1.0 - self._unimix) * torch.softmax(logits, -1) + share)


DISTRIBUTIONS: dict[type[ActionPart], type[PartDistribution]] = {
    Interval: BoundedNormal,
    Binary: BernoulliButtons,
    OneHot: CategoricalGroup,
}


def normal_entropy(std: Tensor) -> Tensor:
    """The entropy of a normal in nats, elementwise: 0.5 log(2 pi std^2) + 0.5."""
    return 0.5 * torch.log(2 * math.pi * std.square()) + 0.5


def axis_normal(raw_mean: Tensor, raw_std: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of an axis's raw sample, elementwise (Hafner 2023)."""
    std = (_MAX_STD - _MIN_STD) * torch.sigmoid(raw_std + 2.0) + _MIN_STD
    return torch.tanh(raw_mean), std


def _normal_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return -0.5 * ((x - mean) / std).square() - torch.log(std) - 0.5 * math.log(2 * math.pi)
