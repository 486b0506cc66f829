"""The objective of proximal policy optimisation (Schulman 2017).

Shapes: N steps of a rollout; V(s) before and after each action (N, 2); ... any axes.
"""

import torch
from torch import Tensor

from trainer.data.batch import Rollout
from trainer.objectives.discounting import recorded_discount
from trainer.objectives.returns import gae


def rollout_advantages(rollout: Rollout, value_N2: Tensor, discount: float, lam: float) -> Tensor:
    """Generalised advantages (N,) (Schulman 2016, eq. 16).

    After a termination the value is 0. At every other cut the return bootstraps from V.
    """
    discount_N = recorded_discount(rollout.is_terminal, discount, value_N2.dtype)
    lam_N = lam * rollout.has_next.to(value_N2.dtype)
    return gae(rollout.reward, discount_N, value_N2[:, 0], value_N2[:, 1], lam_N)


def normalised(advantage: Tensor) -> Tensor:
    """The advantages of a minibatch with mean 0 and standard deviation 1."""
    return (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)


def clipped_objective(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float
) -> Tensor:
    """min(r A, clip(r, 1 - eps, 1 + eps) A) with r = pi(a) / pi_old(a), (...), to be maximised
    (Schulman 2017, eq. 7)."""
    ratio = torch.exp(log_prob - old_log_prob)
    return torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)
