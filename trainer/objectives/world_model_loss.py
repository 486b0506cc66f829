"""The loss of Dreamer's world model (Hafner 2019; Hafner 2023, eq. 5).

Shapes: B batch, T time.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import FilteredSequence
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from trainer.data.batch import Batch
from trainer.objectives.filtering import filter_batch
from trainer.objectives.model_terms import (
    continue_loss,
    image_loss,
    kl_balance,
    surprise_bonus,
    vector_loss,
)
from trainer.objectives.overshoot_loss import overshoot_loss


class ModelLoss(NamedTuple):
    """`total`: the loss to minimise, ().

    `terms`: its named parts, means over B and T, detached.
    `observed`: the filtered sequence.
    `reward_target`: (B, T), the target of the reward head, which is the recorded reward plus
    curiosity, detached.
    """

    total: Tensor
    terms: dict[str, Tensor]
    observed: FilteredSequence
    reward_target: Tensor


def world_model_loss(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    config: Config,
    surprise_scale: Tensor,
    noise: Noise,
) -> ModelLoss:
    """Reconstruction, reward, continue and KL terms of recorded sequences.

    The reward head learns the recorded reward plus the curiosity bonus, so that dreams contain
    both. `surprise_scale`: the running mean of KL(posterior || prior).
    """
    patches = to_patches(batch.image)
    observed = filter_batch(networks, batch, noise, patches=patches)
    feature = observed.state.feature
    decoded_patches, decoded_vector, decoded_sound = networks.decoder(feature)
    trainer = config.trainer
    kl_loss, kl = kl_balance(networks.dynamics.latent, observed.posterior, observed.prior, trainer)
    has_reward = (~batch.is_first).to(batch.reward.dtype)
    if batch.loss_mask is not None:  # an excluded Step updates the state, but adds no loss
        has_reward = has_reward * batch.loss_mask
        if decoded_patches.numel():
            included = batch.loss_mask[..., None, None, None]
            patches = torch.where(included, patches, decoded_patches.detach())
    # The first step of a window starts from the zero state. Its KL measures the missing past: it is
    # neither a loss nor a surprise, and the reward target is incomplete.
    has_past = torch.ones_like(kl)
    has_past[:, 0] = batch.is_first[:, 0].to(kl.dtype)
    kl_loss = kl_loss * has_past
    known = has_reward.clone()
    known[:, 0] = 0.0
    surprise = kl * known
    bonus = surprise_bonus(surprise, config, surprise_scale)

    image = torch.zeros((), device=kl_loss.device)
    if decoded_patches.numel():
        image = trainer.reconstruction * image_loss(decoded_patches, patches)
    vector_weight = trainer.reconstruction * trainer.precision
    vector = vector_weight * vector_loss(decoded_vector, batch.vector, networks.encoder.felt)
    sound = torch.zeros((), device=kl_loss.device)
    if batch.sound is not None:
        sound = trainer.reconstruction * (decoded_sound - batch.sound).square().sum(-1)
    raw_reward, reward_target = networks.reward.raw(feature), batch.reward + bonus
    reward = known * networks.reward.loss(raw_reward, reward_target)
    continues = continue_loss(
        networks.continues(feature).squeeze(-1), batch.is_terminal, config.dream
    )
    each_BT = vector + sound + reward + continues + kl_loss
    total = image + (each_BT if batch.loss_mask is None else each_BT * batch.loss_mask).mean()
    overshoot = None
    if trainer.overshoot:
        overshoot = overshoot_loss(
            networks, batch, observed.state, reward_target, num_actions, config, noise
        )
        total = total + trainer.overshoot * overshoot
    terms = {
        "loss_image": image,
        "loss_vector": vector.mean(),
        **({} if batch.sound is None else {"loss_sound": sound.mean()}),
        "loss_reward": reward.mean(),
        "loss_continue": continues.mean(),
        "loss_kl": (kl * has_past).sum() / has_past.sum().clamp(min=1.0),
        **({} if overshoot is None else {"loss_overshoot": overshoot}),
        "loss_model": total,
        "surprise": surprise.sum() / known.sum().clamp(min=1.0),
    }
    terms = {name: term.detach() for name, term in terms.items()}
    return ModelLoss(total, terms, observed, reward_target.detach())
