"""The loss of World Models' V (autoencoder) and M (MDN-RNN) (Ha & Schmidhuber 2018, section 2).

Shapes: B batch, T time.
"""

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.mdn_rnn import MdnDynamics
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches
from configs.methods.world_models_method import WorldModelsConfig
from configs.schema import Config
from trainer.data.batch import Batch
from trainer.objectives.filtering import filter_batch
from trainer.objectives.model_terms import continue_loss, surprise_bonus, vector_loss
from trainer.objectives.world_model_loss import ModelLoss


def mdn_rnn_loss(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    config: Config,
    surprise_scale: Tensor,
    noise: Noise,
) -> ModelLoss:
    """The sum of V's loss and M's loss on recorded sequences.

    V: squared reconstruction error and KL(q(z|o) || N(0, 1)) (Kingma & Welling 2014, eq. 10).
    M: -log of the mixture density at the next z (Bishop 1994), reward and continue. M's loss has no
    gradient to V. Surprise is log q(z|o) minus the log of the mixture density: an estimate of
    KL(posterior || prior) from one sample.
    """
    dynamics = networks.dynamics
    assert isinstance(dynamics, MdnDynamics)
    observed = filter_batch(networks, batch, noise)
    z = observed.state.stoch
    decoded = networks.decoder(z)
    trainer, own = config.trainer, config.section(WorldModelsConfig)
    image = torch.zeros(z.shape[:2], device=z.device)
    if decoded.patches.numel():
        patches = to_patches(batch.image)
        image = trainer.reconstruction * (decoded.patches - patches).square().sum((-3, -2, -1))
    vector_weight = trainer.reconstruction * trainer.precision
    vector = vector_weight * vector_loss(decoded.vector, batch.vector)
    sound = torch.zeros_like(image)
    if batch.sound is not None:
        sound = trainer.reconstruction * (decoded.sound - batch.sound).square().sum(-1)
    standard_kl = dynamics.kl_to_standard_normal(observed.posterior)

    # The first step of an episode or of a window has no known predecessor.
    known = (~batch.is_first).to(z.dtype)
    known[:, 0] = 0.0
    next_z_log_prob = dynamics.mixture.log_prob(observed.prior, z.detach())
    surprise = known * dynamics.surprise(observed)
    bonus = surprise_bonus(surprise, config, surprise_scale)
    feature = LatentState(observed.state.deter, z.detach()).feature
    reward_target = batch.reward + bonus
    reward = known * networks.reward.loss(networks.reward.raw(feature), reward_target)
    continues = continue_loss(
        networks.continues(feature).squeeze(-1), batch.is_terminal, config.dream
    )
    each_BT = (
        image + vector + sound + own.kl * standard_kl - known * next_z_log_prob + reward + continues
    )
    total = (each_BT if batch.loss_mask is None else each_BT * batch.loss_mask).mean()
    terms = {
        "loss_image": image.mean(),
        "loss_vector": vector.mean(),
        **({} if batch.sound is None else {"loss_sound": sound.mean()}),
        "loss_kl": standard_kl.mean(),
        "loss_mixture": -(known * next_z_log_prob).sum() / known.sum().clamp(min=1.0),
        "loss_reward": reward.mean(),
        "loss_continue": continues.mean(),
        "loss_model": total,
        "surprise": surprise.sum().clamp(min=0.0) / known.sum().clamp(min=1.0),
    }
    terms = {name: term.detach() for name, term in terms.items()}
    return ModelLoss(total, terms, observed, reward_target.detach())
