"""Behaviour cloning: keeps the policy near the recorded actions.

Shapes: B batch, T time, F feature, A actions.
"""

import torch
from torch import Tensor

from agent.networks.observing import previous_action
from agent.networks.policy import Policy
from trainer.data.batch import Batch


def cloning_loss(policy: Policy, batch: Batch, feature: Tensor, num_actions: int) -> Tensor:
    """The mean of -log pi(recorded action) at filtered states (B, T, F), ().

    It keeps the policy where the recordings train f (Fujimoto & Gu 2021, eq. 3, there with a
    squared error). The action of row t is in the vector of row t + 1. The pair is left out where
    row t + 1 begins an episode or one of the two is excluded. The states get no gradient.
    """
    action = previous_action(batch.vector, num_actions)[:, 1:]
    included = ~batch.is_first[:, 1:]
    if batch.loss_mask is not None:
        included = included & batch.loss_mask[:, 1:] & batch.loss_mask[:, :-1]
    params = policy.distribution_params(feature[:, :-1].detach())
    log_prob, _ = policy.log_prob_and_entropy(params, action)
    return -torch.where(included, log_prob, 0.0).sum() / included.sum().clamp(min=1)
