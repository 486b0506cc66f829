"""Behaviour cloning: keeps the policy near the recorded actions, all of them or the better ones.

Shapes: B batch, T time, F feature, A actions.
"""

import torch
from torch import Tensor

from agent.networks.observing import previous_action
from agent.networks.policy import Policy
from configs.learning import DreamConfig
from trainer.data.batch import Batch
from trainer.objectives.replay_value_loss import cut_after, replay_returns

MAX_EXPONENT = 3.0  # a weight is at most e^3 = 20 before the division by the mean (Nair 2020)
_MIN_DEVIATION = 1e-6


def cloning_loss(
    policy: Policy,
    batch: Batch,
    feature: Tensor,
    num_actions: int,
    weight: Tensor | None = None,
) -> Tensor:
    """The mean of -log pi(recorded action) at filtered states (B, T, F), ().

    It keeps the policy where the recordings train f (Fujimoto & Gu 2021, eq. 3, there with a
    squared error). The action of row t is in the vector of row t + 1. The pair is left out where
    row t + 1 begins an episode or one of the two is excluded. The states get no gradient. `weight`
    (B, T-1) multiplies the loss of each action; see advantage_weights.
    """
    action = previous_action(batch.vector, num_actions)[:, 1:]
    included = ~batch.is_first[:, 1:]
    if batch.loss_mask is not None:
        included = included & batch.loss_mask[:, 1:] & batch.loss_mask[:, :-1]
    params = policy.distribution_params(feature[:, :-1].detach())
    log_prob, _ = policy.log_prob_and_entropy(params, action)
    if weight is not None:
        log_prob = log_prob * weight
    return -torch.where(included, log_prob, 0.0).sum() / included.sum().clamp(min=1)


def advantage_weights(
    value: Tensor, reward_target: Tensor, batch: Batch, config: DreamConfig
) -> Tensor:
    """Weights (B, T-1) of recorded actions: exp((A - m) / s), divided by their mean.

    A is the lambda-return of the recorded rewards minus the value of the state (Peng 2019, eq. 5;
    Nair 2020, eq. 13). m and s are its mean and standard deviation in the batch, so an error of all
    values does not count. The exponent is at most MAX_EXPONENT. value and reward_target are (B, T).
    Excluded Steps count neither in s nor in the mean, and get weight 1; cloning_loss leaves them
    out.
    """
    value, reward, terminal = (
        part.detach().transpose(0, 1) for part in (value, reward_target, batch.is_terminal)
    )
    last = cut_after(batch)
    included = ~last[:, :-1]
    returns = replay_returns(reward, terminal, last.transpose(0, 1), value, config)
    advantage = (returns - value[:-1]).transpose(0, 1)
    count = included.sum().clamp(min=1)
    center = torch.where(included, advantage, 0.0).sum() / count
    variance = torch.where(included, (advantage - center).square(), 0.0).sum() / count
    exponent = (advantage - center) / variance.sqrt().clamp(min=_MIN_DEVIATION)
    weight = exponent.clamp(max=MAX_EXPONENT).exp()
    mean = torch.where(included, weight, 0.0).sum() / count
    return torch.where(included, weight / mean.clamp(min=_MIN_DEVIATION), 1.0)
