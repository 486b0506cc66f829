"""The brain recovers from observations with numbers that are not finite."""

import numpy as np
import pytest
import torch

from agent.acting.brain import Brain, select_actions
from agent.networks.agent_networks import build_networks
from agent.networks.noise import CounterNoise
from interfaces.core.world import Observation
from tests.trainer.batches import spaces_of


@pytest.fixture(params=["gaussian", "categorical"])
def config(tiny, request):
    return tiny.model_copy(
        update={"model": tiny.model.model_copy(update={"latent": request.param})}
    )


def observation_of(spaces, number):
    vector = np.full(spaces.vector_size, number, np.float32)
    return Observation(np.zeros(spaces.image_shape, np.uint8), vector)


def test_nan_observation_resets_the_state_and_gives_a_finite_decision(config):
    spaces = spaces_of(config)
    networks = build_networks(spaces, config).eval()
    brain = Brain(config, networks)
    state, _ = brain.step(brain.initial(), observation_of(spaces, 0.1), 0)
    state, decision = brain.step(state, observation_of(spaces, float("nan")), 1)
    for number in (decision.action, decision.chosen, decision.log_prob, decision.value):
        assert np.isfinite(number).all()
    assert all(torch.isfinite(part).all() for part in state)


def test_nan_observation_does_not_change_the_other_rows(config):
    spaces = spaces_of(config)
    networks = build_networks(spaces, config).eval()
    good, bad = observation_of(spaces, 0.1), observation_of(spaces, float("nan"))

    def actions(*observations):
        state = networks.dynamics.initial(len(observations))
        noise = CounterNoise(0, 0)
        return select_actions(networks, state, observations, noise, explore=False)[1]

    mixed = actions(good, bad)
    assert np.isfinite(mixed).all()
    np.testing.assert_allclose(mixed[0], actions(good, good)[0])
