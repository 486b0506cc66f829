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
from configs.learning import ActorConfig, TrainerConfig
from configs.schema import Config
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
    is_last: Tensor
    learned: Tensor | None = None
    sound: Tensor | None = None


def surprise_bonus(surprise: Tensor, config: Config, scale: Tensor) -> Tensor:
    """What curiosity pays for a KL in nats, over its running mean; never absurdly much."""
    return config.reward.surprise * (surprise / scale).clamp(max=10.0)


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
    config: Config,
    surprise_scale: Tensor,
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
    trainer, dream = config.trainer, config.dream
    kl_loss, kl = kl_balance(networks.dynamics.latent, observed.posterior, observed.prior, trainer)
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
    bonus = surprise_bonus(surprise, config, surprise_scale)

    image_loss = torch.zeros((), device=kl_loss.device)
    if decoded.numel():  # summed over pixels, in one pass: these are the largest arrays there are
        squared = F.mse_loss(decoded, patches, reduction="sum")
        image_loss = trainer.reconstruction * squared / kl_loss.numel()
    vector_loss = trainer.reconstruction * (vector - symlog(batch.vector)).square().sum(-1)
    sound_loss = torch.zeros((), device=kl_loss.device)
    if batch.sound is not None:
        sound_loss = trainer.reconstruction * (sound - batch.sound).square().sum(-1)
    raw_reward = networks.reward.raw(feature)
    reward_loss = known * networks.reward.loss(raw_reward, batch.reward + bonus)
    goes_on = (~batch.is_terminal).to(feature.dtype)
    if dream.discount_in == "continue":  # 1 - 1/horizon, in what the head learns
        goes_on = goes_on * dream.discount
    continue_loss = F.binary_cross_entropy_with_logits(
        networks.continues(feature).squeeze(-1), goes_on, reduction="none"
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


class DreamReturns(NamedTuple):
    """Of a dream: lambda-returns g (H, N), differentiable where the dream is; the critic's
    predictions at all states (H+1, N); and how likely each state still is (H+1, N), detached."""

    returns: Tensor
    value: Tensor
    weight: Tensor


def dream_returns(networks: Networks, dream: Dream, config: Config) -> DreamReturns:
    """With the discount where the preset has it, and the critic that it bootstraps from."""
    discount = dream.alive
    if config.dream.discount_in == "dream":
        discount = config.dream.discount * discount
    slow = networks.slow_value if config.critic.slow_target else None
    value = (slow or networks.value)(dream.feature)
    returns = lambda_return(dream.reward, discount[1:], value[1:], config.dream.lam)
    # The start's own chance to live on, then what is discounted on the way.
    weight = torch.cumprod(torch.cat([dream.alive[:1], discount[1:]]), 0)
    return DreamReturns(returns, value, weight.detach())


def policy_loss(dream: Dream, found: DreamReturns, scale: Tensor, config: ActorConfig) -> Tensor:
    """Climb the lambda-return: straight through f, -w g / S (Hafner 2019, eq. 7); by the score,
    -w log pi(a) sg((g - v) / S) (Hafner 2023, eq. 11); or a mix; and the entropy's share."""
    weight = found.weight[:-1]
    climbed = torch.zeros_like(dream.entropy)
    if config.gradient != "reinforce":
        share = config.mix if config.gradient == "mix" else 1.0
        climbed = climbed + share * found.returns / scale
    if config.gradient != "dynamics":
        share = 1.0 - config.mix if config.gradient == "mix" else 1.0
        advantage = ((found.returns - found.value[:-1]) / scale).detach()
        climbed = climbed + share * dream.log_prob * advantage
    return -(weight * (climbed + config.entropy * dream.entropy)).mean()


def value_loss(networks: Networks, dream: Dream, found: DreamReturns, slow_weight: float) -> Tensor:
    """The value learns sg g_t: squared (Hafner 2019, eq. 8) or two-hot (Hafner 2023, eq. 10), and
    to stay near the slow critic."""
    feature = dream.feature[:-1].detach()
    each = critic_loss(networks, feature, found.returns.detach(), slow_weight)
    return (found.weight[:-1] * each).mean()


def critic_loss(networks: Networks, feature: Tensor, target: Tensor, slow_weight: float) -> Tensor:
    """(...), of features (..., F) and targets (...)."""
    value = networks.value
    raw = value.raw(feature)
    loss = value.loss(raw, target)
    if slow_weight and networks.slow_value is not None:
        loss = loss + slow_weight * value.loss(raw, networks.slow_value(feature.detach()).detach())
    return loss


def replay_value_loss(
    networks: Networks, batch: Batch, feature: Tensor, boot: Tensor, config: Config
) -> Tensor:
    """The value on lived sequences (Hafner 2025): lambda-returns of lived rewards that bootstrap
    from `boot` (B, K), the dreams' first returns at the last K of T steps. Its gradient reaches the
    model through `feature` (B, T, F)."""
    steps = boot.shape[1]
    reward, terminal, last = (
        part[:, -steps:].transpose(0, 1)
        for part in (batch.reward, batch.is_terminal, ends(batch.is_last, batch.is_first))
    )
    lived, boot = (~last).to(boot.dtype), boot.transpose(0, 1).detach()
    discount = config.dream.discount * (~terminal).to(boot.dtype)
    lam = config.dream.lam * lived
    returns = lambda_return(reward[1:], discount[1:], boot[1:], lam[1:])
    seen = feature[:, -steps:-1].transpose(0, 1)
    each = critic_loss(networks, seen, returns, config.critic.slow_weight)
    weight = lived[:-1]
    if batch.learned is not None:
        weight = weight * batch.learned[:, -steps:-1].transpose(0, 1)
    return (weight * each).mean()


def ends(is_last: Tensor, is_first: Tensor) -> Tensor:
    """bool (B, T): where a sequence is cut, as said by the Step or by the one after it."""
    begins = torch.cat([is_first[:, 1:], torch.zeros_like(is_first[:, :1])], 1)
    return is_last | begins
