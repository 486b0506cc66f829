"""The loss of the value on recorded sequences (Hafner 2025, the critic's replay loss).

Shapes: B batch, T time, K the last steps of each sequence; (K, B) where time is first.
"""

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.scalar_heads import ScalarHead
from configs.learning import DreamConfig
from configs.schema import Config
from trainer.data.batch import Batch
from trainer.objectives.actor_critic_loss import critic_losses, critic_outputs
from trainer.objectives.discounting import recorded_discount
from trainer.objectives.returns import lambda_return


def replay_value_loss(
    networks: Networks,
    batch: Batch,
    reward_target: Tensor,
    feature: Tensor,
    bootstrap: Tensor,
    config: Config,
) -> Tensor:
    """The mean of replay_losses, ().

    reward_target (B, T) contains curiosity, as the rewards of dreams do. bootstrap (B, K) holds the
    first return of a dream from each of the last K steps. The gradient reaches the world model
    through feature (B, T, F).
    """
    steps, slow_weight = bootstrap.shape[1], config.critic.slow_weight
    last = cut_after(batch)
    reward, terminal, last = (
        part[:, -steps:].transpose(0, 1) for part in (reward_target, batch.is_terminal, last)
    )
    returns = replay_returns(reward, terminal, last, bootstrap.transpose(0, 1), config.dream)
    raw, slow = critic_outputs(networks, feature[:, -steps:-1].transpose(0, 1), slow_weight)
    each = replay_losses(networks.value, raw, returns, slow, last, slow_weight)
    if batch.loss_mask is not None:  # an excluded next Step leaves the outcome unknown
        each = each * batch.loss_mask[:, -steps:].transpose(0, 1)[1:]
    return each.mean()


def replay_returns(
    reward_KB: Tensor,
    terminal_KB: Tensor,
    last_KB: Tensor,
    bootstrap_KB: Tensor,
    config: DreamConfig,
) -> Tensor:
    """Lambda-returns (K-1, B) of recorded rewards and flags (K, B).

    Lambda is 0 where a sequence is cut, so that the return there is the bootstrap alone.
    """
    discount = recorded_discount(terminal_KB, config.discount, bootstrap_KB.dtype)
    lam = config.lam * (~last_KB).to(bootstrap_KB.dtype)
    return lambda_return(reward_KB[1:], discount[1:], bootstrap_KB[1:].detach(), lam[1:])


def replay_losses(
    value: ScalarHead,
    raw: Tensor,
    returns: Tensor,
    slow: Tensor | None,
    last_KB: Tensor,
    slow_weight: float,
) -> Tensor:
    """The loss (K-1, B) of raw (K-1, B, R); 0 where the next row belongs to another episode."""
    return (~last_KB[:-1]) * critic_losses(value, raw, returns, slow, slow_weight)


def cut_after(batch: Batch) -> Tensor:
    """bool (B, T): whether the sequence is cut after a Step.

    It is cut where the Step or the next one says so, and at excluded Steps on both sides: returns
    contain neither their rewards nor anything after them.
    """
    last = batch.is_last | _next(batch.is_first)
    if batch.loss_mask is not None:
        last = last | ~batch.loss_mask | _next(~batch.loss_mask)
    return last


def _next(flag: Tensor) -> Tensor:
    """The flag (B, T) of the next Step; False for the last one."""
    return torch.cat([flag[:, 1:], torch.zeros_like(flag[:, :1])], 1)
