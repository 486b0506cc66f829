"""The losses of policy and value in dreams.

Shapes: H imagined steps, N dreams, time first; R raw outputs of the value head; ... any axes.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.scalar_heads import ScalarHead
from configs.learning import ActorConfig, DreamConfig
from configs.schema import Config
from trainer.objectives.discounting import imagined_discount
from trainer.objectives.imagination import Dream
from trainer.objectives.returns import lambda_return


class DreamReturns(NamedTuple):
    """`lambda_return`: g (H, N), differentiable where the dream is.

    `value`: (H+1, N), the critic's predictions at all states.
    `weight`: (H+1, N), the discounted probability that the episode still continues, detached.
    """

    lambda_return: Tensor
    value: Tensor
    weight: Tensor


def dream_returns(networks: Networks, dream: Dream, config: Config) -> DreamReturns:
    """The returns of a dream, bootstrapped from the slow critic with `critic.slow_target`."""
    slow = networks.slow_value if config.critic.slow_target else None
    value = (slow or networks.value)(dream.feature)
    return bootstrapped_returns(dream.reward, dream.continue_prob, value, config.dream)


def bootstrapped_returns(
    reward: Tensor, continue_prob: Tensor, value: Tensor, config: DreamConfig
) -> DreamReturns:
    """The returns of reward (H, N), continue_prob and value (H+1, N)."""
    discount = imagined_discount(continue_prob, config)
    returns = lambda_return(reward, discount[1:], value[1:], config.lam)
    # The start's own probability to continue, then the discounts of the imagined steps.
    weight = torch.cumprod(torch.cat([continue_prob[:1], discount[1:]]), 0)
    return DreamReturns(returns, value, weight.detach())


def policy_loss(dream: Dream, returns: DreamReturns, scale: Tensor, config: ActorConfig) -> Tensor:
    """The mean of policy_losses over a dream, ()."""
    return policy_losses(dream.log_prob, dream.entropy, returns, scale, config).mean()


def policy_losses(
    log_prob: Tensor, entropy: Tensor, returns: DreamReturns, scale: Tensor, config: ActorConfig
) -> Tensor:
    """The policy's loss (H, N) at each state, from its log_prob and entropy (H, N).

    `dynamics`: -w g / S, the gradient of the return through f (Hafner 2019, eq. 7).
    `reinforce`: -w log pi(a) sg((g - v) / S), the score function (Hafner 2023, eq. 11).
    `mix`: a weighted sum of both. Each has an entropy bonus. w is the weight, S the scale.
    """
    weight = returns.weight[:-1]
    objective = torch.zeros_like(entropy)
    if config.gradient != "reinforce":
        share = config.mix if config.gradient == "mix" else 1.0
        objective = objective + share * returns.lambda_return / scale
    if config.gradient != "dynamics":
        share = 1.0 - config.mix if config.gradient == "mix" else 1.0
        objective = objective + share * log_prob * scaled_advantage(returns, scale)
    return -(weight * (objective + config.entropy * entropy))


def scaled_advantage(returns: DreamReturns, scale: Tensor) -> Tensor:
    """sg((g - v) / S), (H, N): the factor of the score function."""
    return ((returns.lambda_return - returns.value[:-1]) / scale).detach()


def value_loss(
    networks: Networks, dream: Dream, returns: DreamReturns, slow_weight: float
) -> Tensor:
    """The value's loss in a dream, (): the target is sg(g).

    Squared error (Hafner 2019, eq. 8) or two-hot (Hafner 2023, eq. 10), plus a regularisation
    towards the slow critic.
    """
    raw, slow = critic_outputs(networks, dream.feature[:-1].detach(), slow_weight)
    each = critic_losses(networks.value, raw, returns.lambda_return, slow, slow_weight)
    return (returns.weight[:-1] * each).mean()


def critic_outputs(
    networks: Networks, feature: Tensor, slow_weight: float
) -> tuple[Tensor, Tensor | None]:
    """The value head's raw output (..., R), and the slow critic's prediction (...) if it has a
    weight."""
    slow_value = networks.slow_value if slow_weight else None
    raw = networks.value.raw(feature)
    return raw, None if slow_value is None else slow_value(feature.detach())


def critic_losses(
    value: ScalarHead, raw: Tensor, target: Tensor, slow: Tensor | None, slow_weight: float
) -> Tensor:
    """The loss (...) of a value's raw output (..., R) for the targets sg(target) and sg(slow)."""
    loss = value.loss(raw, target.detach())
    return loss if slow is None else loss + slow_weight * value.loss(raw, slow.detach())
