"""Filtering: latent states of recorded sequences, from their observations and actions."""

from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import FilteredSequence
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches
from trainer.data.batch import Batch, previous_action


def filter_batch(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    noise: Noise,
    *,
    patches: Tensor | None = None,
) -> FilteredSequence:
    """Posterior states and latent statistics (B, T, ...) of a batch, from the zero state.

    `patches`: to_patches(batch.image), for a caller that needs them too.
    """
    if patches is None:
        patches = to_patches(batch.image)
    return networks.dynamics.observe(
        networks.encoder(patches, batch.vector, batch.sound),
        previous_action(batch.vector, num_actions),
        batch.is_first,
        networks.dynamics.initial(batch.vector.shape[0], batch.vector.device),
        noise,
    )
