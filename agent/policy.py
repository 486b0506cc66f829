"""The policy: axes by a bounded normal, buttons by Bernoullis; both differentiable samples."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agent.layers import head
from agent.noise import Noise
from configs.schema import ModelConfig
from interfaces.spaces import Spaces

_MIN_STD, _MAX_STD = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A sampled action.

    action (..., A) is what to do, axes within -1..1 and buttons 0 or 1, and carries the pathwise
    gradient; chosen (..., A) is the raw sample before the bound; log_prob and entropy (...).
    """

    action: Tensor
    chosen: Tensor
    log_prob: Tensor
    entropy: Tensor


class Policy(nn.Module):
    """pi(action | feature).

    An axis is Normal(tanh(m), 0.9 sigmoid(s + 2) + 0.1), bounded afterwards (Hafner 2023); the
    bound equals a clip in value and lets a gradient of 1/|a| through. A button is a Bernoulli
    whose sample passes its gradient straight to the probability.
    """

    axes: Tensor

    def __init__(self, spaces: Spaces, config: ModelConfig, feature_size: int) -> None:
        super().__init__()
        self.net = head(feature_size, config.units, config.layers, 2 * spaces.num_actions, 0.1)
        self.register_buffer("axes", torch.tensor(spaces.axis_mask), persistent=False)

    def forward(self, feature: Tensor, noise: Noise) -> Choice:
        first, second = self.net(feature).chunk(2, -1)
        mean, std = _axis(first, second)
        gauss = noise.normal(mean.shape)
        axis = mean + std * gauss
        # The score function sees the sample as a constant: log_prob is for the record and for
        # REINFORCE, never a second path for the pathwise gradient.
        axis_log_prob = _normal_log_prob(axis.detach(), mean, std)
        axis_entropy = 0.5 * torch.log(2 * math.pi * std.square()) + 0.5

        prob = torch.sigmoid(first)
        pressed = (noise.uniform(prob.shape) < prob).to(prob.dtype)
        button = pressed + prob - prob.detach()
        button_log_prob = -nn.functional.binary_cross_entropy_with_logits(
            first, pressed, reduction="none"
        )
        button_entropy = nn.functional.binary_cross_entropy_with_logits(
            first, prob, reduction="none"
        )
        bounded = axis / torch.clamp(axis.abs(), min=1.0).detach()
        return Choice(
            action=torch.where(self.axes, bounded, button),
            chosen=torch.where(self.axes, axis, pressed),
            log_prob=torch.where(self.axes, axis_log_prob, button_log_prob).sum(-1),
            entropy=torch.where(self.axes, axis_entropy, button_entropy).sum(-1),
        )

    def mode(self, feature: Tensor) -> Tensor:
        """The most likely action (..., A)."""
        first, _ = self.net(feature).chunk(2, -1)
        return torch.where(self.axes, torch.tanh(first), (first > 0).to(first.dtype))


def _axis(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    std = (_MAX_STD - _MIN_STD) * torch.sigmoid(second + 2.0) + _MIN_STD
    return torch.tanh(first), std


def _normal_log_prob(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return -0.5 * ((x - mean) / std).square() - torch.log(std) - 0.5 * math.log(2 * math.pi)
