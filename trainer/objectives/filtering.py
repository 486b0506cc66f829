"""Filtering: latent states of recorded sequences, from their observations and actions."""

from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import FilteredSequence
from agent.networks.noise import Noise
from agent.networks.observing import filter_steps
from agent.networks.patch_codec import to_patches
from trainer.data.batch import Batch


def filter_batch(
    networks: Networks, batch: Batch, noise: Noise, *, patches: Tensor | None = None
) -> FilteredSequence:
    """Posterior states and latent statistics (B, T, ...) of a batch, from the zero state.

    `patches`: to_patches(batch.image), for a caller that needs them too.
    """
    if patches is None:
        patches = to_patches(batch.image)
    initial = networks.dynamics.initial(batch.vector.shape[0], batch.vector.device)
    return filter_steps(
        networks, patches, batch.vector, batch.sound, batch.is_first, initial, noise
    )
