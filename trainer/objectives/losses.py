"""Losses as free functions.

Shapes: B batch, T time (time second); H dreamed steps, N dreams (time first).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import Observed, State
from agent.networks.latents import Latent
from agent.networks.layers import symlog
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches
from agent.networks.policy import Policy
from agent.networks.scalar_heads import ScalarHead
from configs.learning import ActorConfig, DreamConfig, TrainerConfig
from configs.schema import Config
from trainer.objectives.imagination import Dream
from trainer.objectives.returns import lambda_return


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
    """What curiosity pays for a KL in nats, over its running mean: never absurdly much, and nothing
    where a KL of one sample falls below 0."""
    return config.reward.surprise * (surprise / scale).clamp(0.0, 10.0)


class ModelLoss(NamedTuple):
    """The world model's loss, its terms (means over batch and time), the filtered states, and what
    the reward head was taught that each step paid (B, T)."""

    total: Tensor
    terms: dict[str, Tensor]
    observed: Observed
    paid: Tensor


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


def image_loss(decoded: Tensor, patches: Tensor) -> Tensor:
    """Squared error summed over a picture's (..., H/4, W/4, 48), mean over pictures: in one pass,
    these are the largest arrays there are."""
    squared = F.mse_loss(decoded, patches, reduction="sum")
    return squared / math.prod(patches.shape[:-3])


def vector_loss(
    decoded: Tensor, vector: Tensor, felt: Callable[[Tensor], Tensor] = symlog
) -> Tensor:
    """Squared error in symlog (Hafner 2023, eq. 9), or in what Felt makes of it, summed over
    (..., D): (...)."""
    return (decoded - felt(vector)).square().sum(-1)


def continue_loss(logit: Tensor, is_terminal: Tensor, config: DreamConfig) -> Tensor:
    """Cross-entropy (...) with whether life goes on, and with what is left of its worth where the
    preset has the discount in the head's target (DreamerV3: 1 - 1/horizon)."""
    goes_on = (~is_terminal).to(logit.dtype)
    if config.discount_in == "continue":
        goes_on = goes_on * config.discount
    return F.binary_cross_entropy_with_logits(logit, goes_on, reduction="none")


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
    trainer = config.trainer
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

    seen_loss = torch.zeros((), device=kl_loss.device)
    if decoded.numel():
        seen_loss = trainer.reconstruction * image_loss(decoded, patches)
    felt = trainer.reconstruction * trainer.precision
    felt_loss = felt * vector_loss(vector, batch.vector, networks.encoder.felt)
    sound_loss = torch.zeros((), device=kl_loss.device)
    if batch.sound is not None:
        sound_loss = trainer.reconstruction * (sound - batch.sound).square().sum(-1)
    raw_reward, paid = networks.reward.raw(feature), batch.reward + bonus
    reward_loss = known * networks.reward.loss(raw_reward, paid)
    alive_loss = continue_loss(
        networks.continues(feature).squeeze(-1), batch.is_terminal, config.dream
    )
    each = felt_loss + sound_loss + reward_loss + alive_loss + kl_loss
    total = seen_loss + (each if batch.learned is None else each * batch.learned).mean()
    ahead = None
    if trainer.overshoot:
        ahead = overshoot_loss(networks, batch, observed.state, paid, num_actions, config, noise)
        total = total + trainer.overshoot * ahead
    terms = {
        "loss_image": seen_loss,
        "loss_vector": felt_loss.mean(),
        **({} if batch.sound is None else {"loss_sound": sound_loss.mean()}),
        "loss_reward": reward_loss.mean(),
        "loss_continue": alive_loss.mean(),
        "loss_kl": kl.mean(),
        **({} if ahead is None else {"loss_overshoot": ahead}),
        "loss_model": total,
        "surprise": surprise.sum() / known.sum().clamp(min=1.0),
    }
    terms = {name: term.detach() for name, term in terms.items()}
    return ModelLoss(total, terms, observed, paid.detach())


def overshoot_loss(
    networks: Networks,
    batch: Batch,
    state: State,
    paid: Tensor,
    num_actions: int,
    config: Config,
    noise: Noise,
) -> Tensor:
    """Observation overshooting (so called in Hafner 2019, PlaNet), of what costs little: f goes on
    from each filtered state (B, T, ...) for `overshoot_steps` with the actions that were done, and
    what is felt, paid (B, T) and whether life goes on is read from where it comes to.

    The KL alone looks one step ahead (docs/decisions/0022). Mean over starts and steps; a step
    beyond a cut, or that is not learned from, costs nothing.
    """
    trainer, steps = config.trainer, config.trainer.overshoot_steps
    starts = paid.shape[1] - steps
    action = previous_action(batch.vector, num_actions)
    learned = torch.ones_like(batch.is_first) if batch.learned is None else batch.learned
    ahead = State(*(part[:, :starts].flatten(0, 1) for part in state))
    unbroken = torch.ones_like(batch.is_first[:, :starts])
    features: list[Tensor] = []
    weights: list[Tensor] = []
    for step in range(1, steps + 1):
        there = slice(step, starts + step)
        ahead = networks.dynamics.imagine_step(ahead, action[:, there].flatten(0, 1), noise)
        unbroken = unbroken & ~batch.is_first[:, there]
        features.append(ahead.feature.unflatten(0, unbroken.shape))
        weights.append(unbroken & learned[:, there])

    def followed(lived: Tensor) -> Tensor:
        """(B, T, ...) -> (steps, B, starts, ...): what was lived where f has come to."""
        return torch.stack([lived[:, step : starts + step] for step in range(1, steps + 1)])

    feature, weight = torch.stack(features), torch.stack(weights)
    felt = vector_loss(
        networks.decoder.feel(feature), followed(batch.vector), networks.encoder.felt
    )
    each = trainer.reconstruction * trainer.precision * felt
    each = each + networks.reward.loss(networks.reward.raw(feature), followed(paid))
    alive = networks.continues(feature).squeeze(-1)
    each = each + continue_loss(alive, followed(batch.is_terminal), config.dream)
    return torch.where(weight, each, 0.0).mean()


class DreamReturns(NamedTuple):
    """Of a dream: lambda-returns g (H, N), differentiable where the dream is; the critic's
    predictions at all states (H+1, N); and how likely each state still is (H+1, N), detached."""

    returns: Tensor
    value: Tensor
    weight: Tensor


def dream_returns(networks: Networks, dream: Dream, config: Config) -> DreamReturns:
    """With the critic that the preset bootstraps from."""
    slow = networks.slow_value if config.critic.slow_target else None
    value = (slow or networks.value)(dream.feature)
    return returns_of(dream.reward, dream.alive, value, config.dream)


def returns_of(reward: Tensor, alive: Tensor, value: Tensor, config: DreamConfig) -> DreamReturns:
    """Of reward (H, N), alive and value (H+1, N), with the discount where the preset has it."""
    discount = alive
    if config.discount_in == "dream":
        discount = config.discount * alive
    returns = lambda_return(reward, discount[1:], value[1:], config.lam)
    # The start's own chance to live on, then what is discounted on the way.
    weight = torch.cumprod(torch.cat([alive[:1], discount[1:]]), 0)
    return DreamReturns(returns, value, weight.detach())


def policy_loss(dream: Dream, found: DreamReturns, scale: Tensor, config: ActorConfig) -> Tensor:
    """The mean over the dream of what policy_losses says."""
    return policy_losses(dream.log_prob, dream.entropy, found, scale, config).mean()


def policy_losses(
    log_prob: Tensor, entropy: Tensor, found: DreamReturns, scale: Tensor, config: ActorConfig
) -> Tensor:
    """(H, N), of the policy's log_prob and entropy (H, N).

    Climb the lambda-return: straight through f, -w g / S (Hafner 2019, eq. 7); by the score,
    -w log pi(a) sg((g - v) / S) (Hafner 2023, eq. 11); or a mix; and the entropy's share.
    """
    weight = found.weight[:-1]
    climbed = torch.zeros_like(entropy)
    if config.gradient != "reinforce":
        share = config.mix if config.gradient == "mix" else 1.0
        climbed = climbed + share * found.returns / scale
    if config.gradient != "dynamics":
        share = 1.0 - config.mix if config.gradient == "mix" else 1.0
        climbed = climbed + share * log_prob * advantage(found, scale)
    return -(weight * (climbed + config.entropy * entropy))


def cloning_loss(policy: Policy, batch: Batch, feature: Tensor, num_actions: int) -> Tensor:
    """-log pi of what was done in lived states (B, T, F), their mean: behaviour cloning, by which
    the policy stays where f knows (Fujimoto & Gu 2021, eq. 3, there by squared error).

    What was done in a Step stands in the row after it; where that row begins another life, or
    either of them is only remembered, nothing is cloned.
    """
    done = previous_action(batch.vector, num_actions)[:, 1:]
    cloned = ~batch.is_first[:, 1:]
    if batch.learned is not None:
        cloned = cloned & batch.learned[:, 1:] & batch.learned[:, :-1]
    log_prob, _ = policy.judge(policy.intend(feature[:, :-1].detach()), done)
    return -torch.where(cloned, log_prob, 0.0).sum() / cloned.sum().clamp(min=1)


def advantage(found: DreamReturns, scale: Tensor) -> Tensor:
    """sg((g - v) / S), (H, N): the score function's."""
    return ((found.returns - found.value[:-1]) / scale).detach()


def value_loss(networks: Networks, dream: Dream, found: DreamReturns, slow_weight: float) -> Tensor:
    """The value learns sg g_t: squared (Hafner 2019, eq. 8) or two-hot (Hafner 2023, eq. 10), and
    to stay near the slow critic."""
    raw, slow = _both_critics(networks, dream.feature[:-1].detach(), slow_weight)
    each = critic_losses(networks.value, raw, found.returns, slow, slow_weight)
    return (found.weight[:-1] * each).mean()


def _both_critics(
    networks: Networks, feature: Tensor, slow_weight: float
) -> tuple[Tensor, Tensor | None]:
    """What the value's network puts out, and the slow critic's prediction where it is needed."""
    near = networks.slow_value if slow_weight else None
    return networks.value.raw(feature), None if near is None else near(feature.detach())


def critic_losses(
    value: ScalarHead, raw: Tensor, target: Tensor, slow: Tensor | None, slow_weight: float
) -> Tensor:
    """(...), of a value's raw output (..., R), for sg target and sg slow prediction (...)."""
    loss = value.loss(raw, target.detach())
    return loss if slow is None else loss + slow_weight * value.loss(raw, slow.detach())


def replay_value_loss(
    networks: Networks, batch: Batch, paid: Tensor, feature: Tensor, boot: Tensor, config: Config
) -> Tensor:
    """The value on lived sequences (Hafner 2025): lambda-returns of what they `paid` (B, T),
    curiosity included, as dreams are; they bootstrap from `boot` (B, K), the dreams' first returns
    at the last K of T steps. Its gradient reaches the model through `feature` (B, T, F)."""
    steps, slow_weight = boot.shape[1], config.critic.slow_weight
    last = ends(batch.is_last, batch.is_first)
    if batch.learned is not None:  # nor does a return run through what is only remembered
        last = last | ~batch.learned
    reward, terminal, last = (
        part[:, -steps:].transpose(0, 1) for part in (paid, batch.is_terminal, last)
    )
    returns = replay_returns(reward, terminal, last, boot.transpose(0, 1), config.dream)
    raw, slow = _both_critics(networks, feature[:, -steps:-1].transpose(0, 1), slow_weight)
    each = replay_losses(networks.value, raw, returns, slow, last, slow_weight)
    if batch.learned is not None:
        each = each * batch.learned[:, -steps:].transpose(0, 1)[1:]  # what came of it is not known
    return each.mean()


def replay_returns(
    reward_T: Tensor, terminal_T: Tensor, last_T: Tensor, boot_T: Tensor, config: DreamConfig
) -> Tensor:
    """(T-1, B), of lived rewards and flags (T, B). Where a sequence was cut, all of the return is
    the bootstrap's."""
    discount = config.discount * (~terminal_T).to(boot_T.dtype)
    lam = config.lam * (~last_T).to(boot_T.dtype)
    return lambda_return(reward_T[1:], discount[1:], boot_T[1:].detach(), lam[1:])


def replay_losses(
    value: ScalarHead,
    raw: Tensor,
    returns: Tensor,
    slow: Tensor | None,
    last_T: Tensor,
    slow_weight: float,
) -> Tensor:
    """(T-1, B), of raw (T-1, B, R): nothing is learned where what follows is another life."""
    return (~last_T[:-1]) * critic_losses(value, raw, returns, slow, slow_weight)


def ends(is_last: Tensor, is_first: Tensor) -> Tensor:
    """bool (B, T): where a sequence is cut, as said by the Step or by the one after it."""
    begins = torch.cat([is_first[:, 1:], torch.zeros_like(is_first[:, :1])], 1)
    return is_last | begins
