"""The policy: bounded normals for axes, Bernoullis for buttons, categoricals for button groups.

Every sample is differentiable.

Shapes: ... any leading axes; A actions, G members of a group; F feature.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.networks.layers import head
from agent.networks.noise import Noise
from configs.learning import ActorConfig, ModelConfig
from interfaces.core.spaces import Spaces

_MIN_STD, _MAX_STD = 0.1, 1.0


class ActionSample(NamedTuple):
    """One sampled action, both (..., A).

    action: what to do; axes in -1..1, buttons 0 or 1; carries the pathwise gradient.
    chosen: the raw sample, before axes are bounded.
    """

    action: Tensor
    chosen: Tensor


@dataclass(frozen=True, slots=True)
class PolicyOutput:
    """An ActionSample with its log_prob (...) and the entropy (...), both in nats."""

    action: Tensor
    chosen: Tensor
    log_prob: Tensor
    entropy: Tensor


class DistributionParams(NamedTuple):
    """The raw outputs of the policy network, (..., A) each.

    mean_or_logit: an axis's mean before tanh; the logit of a button or of a group's member.
    raw_std: an axis's standard deviation before its bounds; not used for buttons and groups.
    """

    mean_or_logit: Tensor
    raw_std: Tensor


class Policy(nn.Module):
    """pi(action | feature).

    An axis is Normal(tanh(m), 0.9 sigmoid(s + 2) + 0.1), bounded afterwards (Hafner 2023). The
    bound clips the value to -1..1 and passes a gradient of 1/|a| beyond it. A button is a Bernoulli
    and a group is a categorical; both pass their gradient straight through to the probability.
    """

    axes: Tensor
    buttons: Tensor

    def __init__(
        self, spaces: Spaces, model: ModelConfig, actor: ActorConfig, feature_size: int
    ) -> None:
        super().__init__()
        layers = model.layers if actor.layers is None else actor.layers
        scale = 0.01 if model.norm == "rms" else 0.1
        self.net = head(
            feature_size, model.units, layers, 2 * spaces.num_actions, scale, model.norm
        )
        self.num_actions = spaces.num_actions
        self._unimix = actor.unimix
        grouped = {i for group in spaces.groups for i in group}
        axes = torch.tensor(spaces.axis_mask)
        buttons = ~axes & torch.tensor([i not in grouped for i in range(spaces.num_actions)])
        self._has_axes, self._has_buttons = bool(axes.any()), bool(buttons.any())
        self.register_buffer("axes", axes, persistent=False)
        self.register_buffer("buttons", buttons, persistent=False)
        for i, group in enumerate(spaces.groups):
            self.register_buffer(f"group{i}", torch.tensor(group), persistent=False)
        self._num_groups = len(spaces.groups)

    def distribution_params(self, feature: Tensor) -> DistributionParams:
        """The distribution of the action for each feature (..., F)."""
        return DistributionParams(*self.net(feature).chunk(2, -1))

    def forward(self, feature: Tensor, noise: Noise) -> PolicyOutput:
        """Sample an action for each feature (..., F), with its log-probability and the entropy."""
        params = self.distribution_params(feature)
        action, chosen = self._sample(params, noise)
        log_prob, entropy = self.log_prob_and_entropy(params, chosen.detach())
        return PolicyOutput(action, chosen, log_prob, entropy)

    def sample(self, feature: Tensor, noise: Noise) -> ActionSample:
        """Like forward, without the cost of log-probability and entropy."""
        return self._sample(self.distribution_params(feature), noise)

    def log_prob_and_entropy(
        self, params: DistributionParams, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """log pi(chosen) and the entropy, (...) each, in nats; chosen is (..., A).

        Pass `chosen` detached: log_prob is for the record and for REINFORCE, and must not add a
        second path to the pathwise gradient.
        """
        mean_or_logit, raw_std = params
        log_prob = torch.zeros_like(mean_or_logit[..., 0])
        entropy = torch.zeros_like(log_prob)
        if self._has_axes:
            mean, std = axis_normal(mean_or_logit, raw_std)
            log_probs, entropies = _normal_log_prob(chosen, mean, std), normal_entropy(std)
            log_prob = log_prob + _masked_sum(self.axes, log_probs)
            entropy = entropy + _masked_sum(self.axes, entropies)
        if self._has_buttons:
            cross_entropy = F.binary_cross_entropy_with_logits
            log_probs = -cross_entropy(mean_or_logit, chosen, reduction="none")
            entropies = cross_entropy(mean_or_logit, torch.sigmoid(mean_or_logit), reduction="none")
            log_prob = log_prob + _masked_sum(self.buttons, log_probs)
            entropy = entropy + _masked_sum(self.buttons, entropies)
        for group in self._groups:
            log_probs = self._group_log_probs(mean_or_logit.index_select(-1, group))
            log_prob = log_prob + (chosen.index_select(-1, group) * log_probs).sum(-1)
            entropy = entropy - (log_probs.exp() * log_probs).sum(-1)
        return log_prob, entropy

    def mode(self, feature: Tensor) -> Tensor:
        """The most likely action (..., A) for each feature (..., F)."""
        return self.most_likely_action(self.distribution_params(feature).mean_or_logit)

    def most_likely_action(self, mean_or_logit: Tensor) -> Tensor:
        """The most likely action (..., A) of DistributionParams.mean_or_logit (..., A)."""
        pressed = (mean_or_logit > 0).to(mean_or_logit.dtype)
        action = torch.where(self.axes, torch.tanh(mean_or_logit), pressed)
        for group in self._groups:
            best = mean_or_logit[..., group].argmax(-1)
            action[..., group] = F.one_hot(best, len(group)).to(mean_or_logit.dtype)
        return action

    def _sample(self, params: DistributionParams, noise: Noise) -> ActionSample:
        mean_or_logit, raw_std = params
        # Always draw both, so that a seed gives the same noise whatever actions the world has.
        normal = noise.normal(mean_or_logit.shape)
        uniform = noise.uniform(mean_or_logit.shape)
        action = chosen = torch.zeros_like(mean_or_logit)
        if self._has_axes:
            mean, std = axis_normal(mean_or_logit, raw_std)
            axis = mean + std * normal
            action = torch.where(self.axes, axis / axis.abs().clamp(min=1.0).detach(), action)
            chosen = torch.where(self.axes, axis, chosen)
        if self._has_buttons:
            prob = torch.sigmoid(mean_or_logit)
            pressed = (uniform < prob).to(prob.dtype)
            action = torch.where(self.buttons, pressed + prob - prob.detach(), action)
            chosen = torch.where(self.buttons, pressed, chosen)
        for group in self._groups:
            probs = self._group_log_probs(mean_or_logit.index_select(-1, group)).exp()
            # argmax(p / exponential) is a sample of the categorical, as in CategoricalLatent.
            scores = probs.detach() / -torch.log(uniform.index_select(-1, group))
            onehot = F.one_hot(scores.argmax(-1), len(group)).to(probs.dtype)
            action = action.index_copy(-1, group, onehot + probs - probs.detach())
            chosen = chosen.index_copy(-1, group, onehot)
        return ActionSample(action, chosen)

    @property
    def _groups(self) -> list[Tensor]:
        """The action indices (G,) of each group."""
        return [self.get_buffer(f"group{i}") for i in range(self._num_groups)]

    def _group_log_probs(self, logits: Tensor) -> Tensor:
        """Log-probabilities (..., G), mixed with the uniform share `actor.unimix`."""
        if not self._unimix:
            return torch.log_softmax(logits, -1)
        share = self._unimix / logits.shape[-1]
        return torch.log((1.0 - self._unimix) * torch.softmax(logits, -1) + share)


def normal_entropy(std: Tensor) -> Tensor:
    """The entropy of a normal in nats, elementwise: 0.5 log(2 pi std^2) + 0.5."""
    return 0.5 * torch.log(2 * math.pi * std.square()) + 0.5


def axis_normal(raw_mean: Tensor, raw_std: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of an axis's raw sample, elementwise (Hafner 2023)."""
    std = (_MAX_STD - _MIN_STD) * torch.sigmoid(raw_std + 2.0) + _MIN_STD
    return torch.tanh(raw_mean), std


def _masked_sum(mask: Tensor, values: Tensor) -> Tensor:
    return torch.where(mask, values, 0.0).sum(-1)


def _normal_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return -0.5 * ((x - mean) / std).square() - torch.log(std) - 0.5 * math.log(2 * math.pi)
