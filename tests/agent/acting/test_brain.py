"""The brain: what an absurd number does to it."""

import numpy as np
import pytest
import torch

from agent.acting.brain import Brain, think_together
from agent.networks.agent_networks import build_networks
from agent.networks.noise import CounterNoise
from interfaces.core.world import Observation
from tests.trainer.batches import spaces_of


@pytest.fixture(params=["gaussian", "categorical"])
def config(tiny, request):
    return tiny.model_copy(
        update={"model": tiny.model.model_copy(update={"latent": request.param})}
    )


def seen(spaces, number):
    vector = np.full(spaces.vector_size, number, np.float32)
    return Observation(np.zeros(spaces.image_shape, np.uint8), vector)


def test_what_is_no_number_costs_the_memory_and_not_the_beat(config):
    spaces = spaces_of(config)
    networks = build_networks(spaces, config).eval()
    brain = Brain(config, networks)
    state, _ = brain.step(brain.initial(), seen(spaces, 0.1), 0)
    state, decision = brain.step(state, seen(spaces, float("nan")), 1)
    for number in (decision.action, decision.chosen, decision.log_prob, decision.value):
        assert np.isfinite(number).all()
    assert all(torch.isfinite(part).all() for part in state)


def test_who_lives_beside_it_does_not_notice(config):
    spaces = spaces_of(config)
    networks = build_networks(spaces, config).eval()
    good, bad = seen(spaces, 0.1), seen(spaces, float("nan"))

    def lived(*each):
        state = networks.dynamics.initial(len(each))
        return think_together(networks, state, each, CounterNoise(0, 0), explore=False)[1]

    both = lived(good, bad)
    assert np.isfinite(both).all()
    np.testing.assert_allclose(both[0], lived(good, good)[0])
