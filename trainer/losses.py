"""Losses as free functions.

Shapes: B batch, T time (time second); H dreamed steps, N dreams (time first).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.codec import to_patches
from agent.dynamics import Observed
from agent.latents import Latent
from agent.layers import symlog
from agent.networks import Networks
from agent.noise import Noise
from configs.schema import DreamConfig, TrainerConfig
from trainer.imagination import Dream
from trainer.returns import lambda_return


class Batch(NamedTuple):
    """Lived sequences, row t as in the journal: (B, T, ...).

    learned: bool (B, T), false where a Step is only remembered; None: all are learned from.
    sound: (B, T, S), or None in a world without ears.
    """

    image: Tensor
    vector: Tensor
    reward: Tensor
    is_first: Tensor
    is_terminal: Tensor
    learned: Tensor | None = None
    sound: Tensor | None = None


class ModelLoss(NamedTuple):
    """The world model's loss, its terms (means over batch and time), and the filtered states."""

    total: Tensor
    terms: dict[str, Tensor]
    observed: Observed


def kl_balance(
    latent: Latent, posterior: Tensor, prior: Tensor, config: TrainerConfig
) -> tuple[Tensor, Tensor]:
    """Weighted KL (B, T) with free nats on each half (Hafner 2023, eq. 5), and the KL itself."""
    dynamics = latent.kl(posterior.detach(), prior)
    representation = latent.kl(posterior, prior.detach())
    free = config.free_nats
    loss = config.kl_dynamics * dynamics.clamp(min=free)
    loss = loss + config.kl_representation * representation.clamp(min=free)
    return loss, dynamics.detach()


def previous_action(vector: Tensor, num_actions: int) -> Tensor:
    """The action really sent one step before, which every observation ends with."""
    return vector[..., -num_actions:]


def model_loss(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    config: TrainerConfig,
    surprise_scale: Tensor,
    surprise_weight: float,
    noise: Noise,
) -> ModelLoss:
    """Reconstruction, reward, continue and KL on lived sequences from the zero state.

    The reward head learns the lived reward and the weighted surprise, KL(posterior || prior) over
    its running mean, so that dreams are paid for both.
    """
    size = batch.vector.shape[0]
    patches = to_patches(batch.image)
    observed = networks.dynamics.observe(
        networks.encoder(patches, batch.vector, batch.sound),
        previous_action(batch.vector, num_actions),
        batch.is_first,
        networks.dynamics.initial(size, batch.vector.device),
        noise,
    )
    feature = observed.state.feature
    decoded, vector, sound = networks.decoder(feature)
    kl_loss, kl = kl_balance(networks.dynamics.latent, observed.posterior, observed.prior, config)
    lived = (~batch.is_first).to(batch.reward.dtype)
    if batch.learned is not None:  # what is only remembered fills the state, and costs nothing
        lived = lived * batch.learned
        if decoded.numel():
            seen = batch.learned[..., None, None, None]
            patches = torch.where(seen, patches, decoded.detach())
    # The first step of a window starts from nothing: its KL says nothing about surprise, so that
    # its reward is not known whole.
    known = lived.clone()
    known[:, 0] = 0.0
    surprise = kl * known
    bonus = surprise_weight * (surprise / surprise_scale).clamp(max=10.0)

    image_loss = torch.zeros((), device=kl_loss.device)
    if decoded.numel():  # summed over pixels, in one pass: these are the largest arrays there are
        image_loss = 0.5 * F.mse_loss(decoded, patches, reduction="sum") / kl_loss.numel()
    vector_loss = 0.5 * (vector - symlog(batch.vector)).square().sum(-1)
    sound_loss = torch.zeros((), device=kl_loss.device)
    if batch.sound is not None:
        sound_loss = 0.5 * (sound - batch.sound).square().sum(-1)
    predicted = networks.reward(feature).squeeze(-1)
    reward_loss = 0.5 * known * (predicted - batch.reward - bonus).square()
    continue_loss = F.binary_cross_entropy_with_logits(
        networks.continues(feature).squeeze(-1),
        (~batch.is_terminal).to(predicted.dtype),
        reduction="none",
    )
    each = vector_loss + sound_loss + reward_loss + continue_loss + kl_loss
    total = image_loss + (each if batch.learned is None else each * batch.learned).mean()
    terms = {
        "loss_image": image_loss,
        "loss_vector": vector_loss.mean(),
        **({} if batch.sound is None else {"loss_sound": sound_loss.mean()}),
        "loss_reward": reward_loss.mean(),
        "loss_continue": continue_loss.mean(),
        "loss_kl": kl.mean(),
        "loss_model": total,
        "surprise": surprise.sum() / known.sum().clamp(min=1.0),
    }
    return ModelLoss(total, {name: term.detach() for name, term in terms.items()}, observed)


class DreamLoss(NamedTuple):
    policy: Tensor
    value: Tensor
    returns: Tensor
    terms: dict[str, Tensor]


def dream_returns(networks: Networks, dream: Dream, config: DreamConfig) -> tuple[Tensor, Tensor]:
    """lambda-returns (H, N), differentiable, and how likely each dreamed state still is (H, N)."""
    discount = config.discount * dream.alive
    value = networks.value(dream.feature[1:]).squeeze(-1)
    returns = lambda_return(dream.reward, discount, value, config.lam)
    reached = torch.cat([torch.ones_like(discount[:1]), discount[:-1]])
    return returns, torch.cumprod(reached, 0).detach()


def policy_loss(
    returns: Tensor, weight: Tensor, entropy: Tensor, scale: Tensor, config: DreamConfig
) -> Tensor:
    """Climb the lambda-return straight through f: -mean w (g / S + eta H) (Hafner 2019, eq. 7)."""
    return -(weight * (returns / scale + config.entropy * entropy)).mean()


def value_loss(networks: Networks, dream: Dream, returns: Tensor, weight: Tensor) -> Tensor:
    """0.5 (V(s_t) - sg g_t)^2 (Hafner 2019, eq. 8)."""
    value = networks.value(dream.feature[:-1].detach()).squeeze(-1)
    return 0.5 * (weight * (value - returns.detach()).square()).mean()
