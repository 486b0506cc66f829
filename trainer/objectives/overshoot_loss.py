"""Observation overshooting: predicting several steps ahead with the recorded actions.

Shapes: B batch, T time; K steps ahead; S = T - K starts of each sequence.
"""

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import Noise
from agent.networks.observing import previous_action
from configs.schema import Config
from trainer.data.batch import Batch
from trainer.objectives.model_terms import continue_loss, vector_loss


def overshoot_loss(
    networks: Networks,
    batch: Batch,
    state: LatentState,
    reward_target: Tensor,
    num_actions: int,
    config: Config,
    noise: Noise,
) -> Tensor:
    """Observation overshooting (Hafner 2019, PlaNet) without pictures and sound.

    f runs `overshoot_steps` from each filtered state (B, T, ...) with the recorded actions. From
    each predicted state the heads predict the vector, the reward_target (B, T) and the continue
    flag. Returns the mean over K, B and S. Predictions beyond a cut, and those of excluded Steps,
    count 0. The KL alone trains one step ahead (docs/decisions/0022).
    """
    trainer, steps = config.trainer, config.trainer.overshoot_steps
    starts = reward_target.shape[1] - steps
    action = previous_action(batch.vector, num_actions)
    loss_mask = torch.ones_like(batch.is_first) if batch.loss_mask is None else batch.loss_mask
    ahead = LatentState(*(part[:, :starts].flatten(0, 1) for part in state))
    uncut = torch.ones_like(batch.is_first[:, :starts])
    features: list[Tensor] = []
    weights: list[Tensor] = []
    for step in range(1, steps + 1):
        there = slice(step, starts + step)
        ahead = networks.dynamics.imagine_step(ahead, action[:, there].flatten(0, 1), noise)
        uncut = uncut & ~batch.is_first[:, there]
        features.append(ahead.feature.unflatten(0, uncut.shape))
        weights.append(uncut & loss_mask[:, there])

    def targets(recorded_BT: Tensor) -> Tensor:
        """(B, T, ...) -> (K, B, S, ...): the recorded values at the predicted steps."""
        return torch.stack([recorded_BT[:, step : starts + step] for step in range(1, steps + 1)])

    feature, weight = torch.stack(features), torch.stack(weights)
    vector = vector_loss(
        networks.decoder.decode_vector(feature), targets(batch.vector), networks.encoder.felt
    )
    each_KBS = trainer.reconstruction * trainer.precision * vector
    each_KBS = each_KBS + networks.reward.loss(networks.reward.raw(feature), targets(reward_target))
    logit = networks.continues(feature).squeeze(-1)
    each_KBS = each_KBS + continue_loss(logit, targets(batch.is_terminal), config.dream)
    return torch.where(weight, each_KBS, 0.0).mean()
