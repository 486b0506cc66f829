"""The policy: axes by a bounded normal, buttons by Bernoullis, groups by categoricals; every sample
is differentiable.

Shapes: ... any leading axes; A actions.
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


class Sample(NamedTuple):
    """action (..., A) is what to do, axes within -1..1 and buttons 0 or 1, and carries the pathwise
    gradient; chosen (..., A) is the raw sample before the bound."""

    action: Tensor
    chosen: Tensor


@dataclass(frozen=True, slots=True)
class Choice:
    """A Sample, and what the policy thinks of it: log_prob and entropy (...)."""

    action: Tensor
    chosen: Tensor
    log_prob: Tensor
    entropy: Tensor


class Intention(NamedTuple):
    """What the policy's network puts out (..., A): an axis' mean before tanh, a button's or a
    choice's logit; and an axis' std before its bounds."""

    first: Tensor
    second: Tensor


class Policy(nn.Module):
    """pi(action | feature).

    An axis is Normal(tanh(m), 0.9 sigmoid(s + 2) + 0.1), bounded afterwards (Hafner 2023); the
    bound equals a clip in value and lets a gradient of 1/|a| through. A button is a Bernoulli and a
    group a categorical whose samples pass their gradient straight to the probability.
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

    def intend(self, feature: Tensor) -> Intention:
        return Intention(*self.net(feature).chunk(2, -1))

    def forward(self, feature: Tensor, noise: Noise) -> Choice:
        """Choose an action for each feature (..., F)."""
        intention = self.intend(feature)
        action, chosen = self._sample(intention, noise)
        log_prob, entropy = self.judge(intention, chosen.detach())
        return Choice(action, chosen, log_prob, entropy)

    def sample(self, feature: Tensor, noise: Noise) -> Sample:
        """Like forward, without what it costs to judge it."""
        return self._sample(self.intend(feature), noise)

    def judge(self, intention: Intention, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """log pi(chosen) and the entropy, (...) each.

        The score function sees the sample as a constant: log_prob is for the record and for
        REINFORCE, never a second path for the pathwise gradient.
        """
        first, second = intention
        log_prob = torch.zeros_like(first[..., 0])
        entropy = torch.zeros_like(log_prob)
        if self._has_axes:
            mean, std = axis_normal(first, second)
            each, spread = _normal_log_prob(chosen, mean, std), normal_entropy(std)
            log_prob = log_prob + _sum_where(self.axes, each)
            entropy = entropy + _sum_where(self.axes, spread)
        if self._has_buttons:
            crossed = F.binary_cross_entropy_with_logits
            each = -crossed(first, chosen, reduction="none")
            spread = crossed(first, torch.sigmoid(first), reduction="none")
            log_prob = log_prob + _sum_where(self.buttons, each)
            entropy = entropy + _sum_where(self.buttons, spread)
        for group in self._groups:
            log_probs = self._log_probs(first.index_select(-1, group))
            log_prob = log_prob + (chosen.index_select(-1, group) * log_probs).sum(-1)
            entropy = entropy - (log_probs.exp() * log_probs).sum(-1)
        return log_prob, entropy

    def mode(self, feature: Tensor) -> Tensor:
        """The most likely action (..., A)."""
        return self.likeliest(self.intend(feature).first)

    def likeliest(self, first: Tensor) -> Tensor:
        """The most likely action, from the first half of an intention: (..., A) both."""
        action = torch.where(self.axes, torch.tanh(first), (first > 0).to(first.dtype))
        for group in self._groups:
            best = first[..., group].argmax(-1)
            action[..., group] = F.one_hot(best, len(group)).to(first.dtype)
        return action

    def _sample(self, intention: Intention, noise: Noise) -> Sample:
        first, second = intention
        # Both are drawn whatever the world has: a seed then means the same in each.
        normal, uniform = noise.normal(first.shape), noise.uniform(first.shape)
        action = chosen = torch.zeros_like(first)
        if self._has_axes:
            mean, std = axis_normal(first, second)
            axis = mean + std * normal
            action = torch.where(self.axes, axis / axis.abs().clamp(min=1.0).detach(), action)
            chosen = torch.where(self.axes, axis, chosen)
        if self._has_buttons:
            prob = torch.sigmoid(first)
            pressed = (uniform < prob).to(prob.dtype)
            action = torch.where(self.buttons, pressed + prob - prob.detach(), action)
            chosen = torch.where(self.buttons, pressed, chosen)
        for group in self._groups:
            probs = self._log_probs(first.index_select(-1, group)).exp()
            race = probs.detach() / -torch.log(uniform.index_select(-1, group))
            onehot = F.one_hot(race.argmax(-1), len(group)).to(probs.dtype)
            action = action.index_copy(-1, group, onehot + probs - probs.detach())
            chosen = chosen.index_copy(-1, group, onehot)
        return Sample(action, chosen)

    @property
    def _groups(self) -> list[Tensor]:
        """Where the members of each group are."""
        return [self.get_buffer(f"group{i}") for i in range(self._num_groups)]

    def _log_probs(self, logits: Tensor) -> Tensor:
        if not self._unimix:
            return torch.log_softmax(logits, -1)
        share = self._unimix / logits.shape[-1]
        return torch.log((1.0 - self._unimix) * torch.softmax(logits, -1) + share)


def normal_entropy(std: Tensor) -> Tensor:
    return 0.5 * torch.log(2 * math.pi * std.square()) + 0.5


def _sum_where(mask: Tensor, each: Tensor) -> Tensor:
    return torch.where(mask, each, 0.0).sum(-1)


def axis_normal(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and std of an axis' raw sample."""
    std = (_MAX_STD - _MIN_STD) * torch.sigmoid(second + 2.0) + _MIN_STD
    return torch.tanh(first), std


def _normal_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return -0.5 * ((x - mean) / std).square() - torch.log(std) - 0.5 * math.log(2 * math.pi)
