"""What the policy in force has done and what came of it: PPO's data, advantages and objective.

Shapes: N steps in order of time, not all neighbours; pairs (N, 2, ...) show what the policy saw
before it acted, and what followed.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trainer.objectives.returns import gae


class Rollout(NamedTuple):
    """image, vector and sound (N, 2, ...), sound None in a world without ears. chosen (N, A) is the
    policy's raw sample and log_prob (N,) what it thought of it; reward (N,) and is_terminal (N,)
    answer it.

    goes_on: bool (N,), whether the next row is what the policy did next; false where the end was
    cut, a person or the guard acted, the weights changed, or nothing is known.
    """

    image: Tensor
    vector: Tensor
    chosen: Tensor
    log_prob: Tensor
    reward: Tensor
    is_terminal: Tensor
    goes_on: Tensor
    sound: Tensor | None = None


def advantages(rollout: Rollout, value_N2: Tensor, discount: float, lam: float) -> Tensor:
    """Generalised advantages (N,): a true end is worth nothing, every other cut what V says."""
    discount_N = discount * (~rollout.is_terminal).to(value_N2.dtype)
    lam_N = lam * rollout.goes_on.to(value_N2.dtype)
    return gae(rollout.reward, discount_N, value_N2[:, 0], value_N2[:, 1], lam_N)


def normalised(advantage: Tensor) -> Tensor:
    """Of mean 0 and deviation 1, within a minibatch."""
    return (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)


def clipped_objective(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float
) -> Tensor:
    """min(r A, clip(r, 1 - eps, 1 + eps) A), r = pi(a) / pi_old(a), to be climbed: (...)
    (Schulman 2017, eq. 7)."""
    ratio = torch.exp(log_prob - old_log_prob)
    return torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)
