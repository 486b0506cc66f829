"""Filtering: a step with is_first resets the latent state."""

import pytest
import torch

from agent.networks.dynamics import LatentState
from agent.networks.noise import TorchNoise
from agent.networks.observing import previous_action
from agent.networks.patch_codec import to_patches
from tests.trainer.batches import spaces_of, training_batch
from tests.trainer.objectives.dreams import networks_with_random_heads
from trainer.objectives.filtering import filter_batch


@pytest.fixture(params=["gaussian", "categorical"])
def config(tiny, request):
    model = tiny.model.model_copy(update={"latent": request.param})
    return tiny.model_copy(update={"model": model})


def test_is_first_removes_the_influence_of_earlier_steps(config):
    networks, batch = networks_with_random_heads(config), training_batch(config)
    noise = TorchNoise(torch.device("cpu"))
    states = []
    for scale in (0.0, 1.0):
        vector = batch.vector.clone()
        vector[0, :3] *= scale  # different steps before is_first at t = 3
        noise.begin(0, 0)
        other = batch._replace(vector=vector)
        observed = filter_batch(networks, other, noise)
        states.append(observed.state.deter)
    assert not torch.equal(states[0][0, 2], states[1][0, 2])
    assert torch.equal(states[0][0, 3:], states[1][0, 3:])


def test_is_first_resets_a_state_with_nan(config):
    networks, batch = networks_with_random_heads(config), training_batch(config)
    tokens = networks.encoder(to_patches(batch.image), batch.vector)
    initial = networks.dynamics.initial(len(tokens))
    broken = LatentState(*(part.fill_(float("nan")) for part in initial))
    action = previous_action(batch.vector, spaces_of(config).num_actions)
    first = torch.zeros(batch.is_first.shape, dtype=torch.bool)
    first[:, 0] = True
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    observed = networks.dynamics.observe(tokens, action, first, broken, noise)
    assert observed.state.deter.isfinite().all()
