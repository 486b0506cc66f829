"""From observations to tokens, and from tokens to latent states: the only calls of both networks.

Shapes: B rows, T steps; ... any leading axes; D vector, S sound, A actions, E tokens.
"""

from torch import Tensor

from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import FilteredSequence, LatentState
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches


def previous_action(vector: Tensor, num_actions: int) -> Tensor:
    """The action sent one step before, (..., A): the last A numbers of each vector (..., D)."""
    return vector[..., -num_actions:]


def encode(networks: ActingNetworks, image: Tensor, vector: Tensor, sound: Tensor | None) -> Tensor:
    """Tokens (..., E) of image uint8 (..., H, W, 3), vector (..., D) and sound (..., S)."""
    return networks.encoder(to_patches(image), vector, sound)


def filter_steps(
    networks: ActingNetworks,
    patches: Tensor,
    vector: Tensor,
    sound: Tensor | None,
    is_first: Tensor,
    state: LatentState,
    noise: Noise,
) -> FilteredSequence:
    """Posterior states (B, T, ...) of observed steps that follow `state` (B, ...).

    `patches`: to_patches of the pictures (B, T, H, W, 3), for a caller that needs them too. A
    single step may come without T: patches, vector (B, D) and sound (B, S). `is_first` is (B, T).
    """
    tokens = networks.encoder(patches, vector, sound)
    if vector.dim() == 2:  # encoded without T: another shape may differ in the last bit
        tokens, vector = tokens.unsqueeze(1), vector.unsqueeze(1)
    action = previous_action(vector, networks.policy.num_actions)
    return networks.dynamics.observe(tokens, action, is_first, state, noise)
