"""Observed steps become the same states, one by one as in the body or as a whole sequence."""

import torch

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import LatentState
from agent.networks.observing import encode, filter_steps
from agent.networks.patch_codec import to_patches
from tests.trainer.batches import spaces_of, training_batch


class ZeroNoise:
    def normal(self, shape):
        return torch.zeros(*shape)

    def uniform(self, shape):
        return torch.full(shape, 0.5)


def test_steps_one_by_one_give_the_states_of_the_sequence(tiny):
    networks, batch = build_networks(spaces_of(tiny), tiny), training_batch(tiny)
    patches, state = to_patches(batch.image), networks.dynamics.initial(len(batch.vector))
    with torch.no_grad():
        whole = filter_steps(
            networks, patches, batch.vector, None, batch.is_first, state, ZeroNoise()
        ).state
        for t in range(batch.vector.shape[1]):
            observed = filter_steps(
                networks,
                patches[:, t],
                batch.vector[:, t],
                None,
                batch.is_first[:, t : t + 1],
                state,
                ZeroNoise(),
            )
            state = LatentState(*(part[:, 0] for part in observed.state))
            torch.testing.assert_close(state.deter, whole.deter[:, t])
            torch.testing.assert_close(state.stoch, whole.stoch[:, t])


def test_encode_takes_pictures_and_any_leading_axes(tiny):
    networks, batch = build_networks(spaces_of(tiny), tiny), training_batch(tiny)
    tokens = encode(networks, batch.image, batch.vector, None)
    assert tokens.shape == (*batch.vector.shape[:2], networks.encoder.size)
    torch.testing.assert_close(encode(networks, batch.image[0], batch.vector[0], None), tokens[0])
