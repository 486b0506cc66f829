"""The terms of a world model's loss, each a free function.

Shapes: B batch, T time; D numbers of a vector; ... any leading axes.
"""

import math
from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from agent.networks.latents import Latent
from agent.networks.layers import symlog
from configs.learning import DreamConfig
from configs.schema import Config
from configs.training import TrainerConfig
from trainer.objectives.discounting import continue_target


def kl_balance(
    latent: Latent, posterior: Tensor, prior: Tensor, config: TrainerConfig
) -> tuple[Tensor, Tensor]:
    """The weighted KL (B, T) with free nats on each half (Hafner 2023, eq. 5), and the plain KL in
    nats (B, T), detached."""
    dynamics = latent.kl(posterior.detach(), prior)
    representation = latent.kl(posterior, prior.detach())
    free = config.free_nats
    loss = config.kl_dynamics * dynamics.clamp(min=free)
    loss = loss + config.kl_representation * representation.clamp(min=free)
    return loss, dynamics.detach()


def image_loss(decoded: Tensor, patches: Tensor) -> Tensor:
    """Squared error summed over each picture (..., H/4, W/4, 48), mean over all pictures.

    One fused call: these are the largest arrays of an update.
    """
    squared = F.mse_loss(decoded, patches, reduction="sum")
    return squared / math.prod(patches.shape[:-3])


def vector_loss(
    decoded: Tensor, vector: Tensor, normalizer: Callable[[Tensor], Tensor] = symlog
) -> Tensor:
    """Squared error (...) summed over (..., D), in symlog (Hafner 2023, eq. 9) or in the space of
    another `normalizer`."""
    return (decoded - normalizer(vector)).square().sum(-1)


def continue_loss(logit: Tensor, is_terminal: Tensor, config: DreamConfig) -> Tensor:
    """Cross-entropy (...) with whether the episode continues after each step.

    The target is that of `continue_target`.
    """
    target = continue_target(is_terminal, logit.dtype, config)
    return F.binary_cross_entropy_with_logits(logit, target, reduction="none")


def surprise_bonus(surprise: Tensor, config: Config, scale: Tensor) -> Tensor:
    """The curiosity reward: the weighted KL in nats over its running mean `scale`.

    It is at most 10 weights. It is 0 where a single-sample estimate of the KL is negative.
    """
    return config.reward.surprise * (surprise / scale).clamp(0.0, 10.0)
