"""Dreams: the gradient passes through the dynamics, and frozen modules keep none."""

import pytest
import torch

from agent.networks.dynamics import LatentState
from agent.networks.noise import TorchNoise
from tests.trainer.objectives.dreams import (
    dream_of,
    frozen_parts,
    has_no_gradient,
    networks_with_random_heads,
)
from trainer.objectives.actor_critic_loss import dream_returns, policy_loss
from trainer.objectives.imagination import frozen


@pytest.fixture(params=["gaussian", "categorical"])
def config(tiny, request):
    model = tiny.model.model_copy(update={"latent": request.param})
    return tiny.model_copy(update={"model": model})


def test_the_policy_gets_its_gradient_through_the_dynamics_and_the_model_gets_none(config):
    networks = networks_with_random_heads(config)
    trainable = [p.requires_grad for p in networks.parameters()]
    with frozen(*frozen_parts(networks)):
        dream = dream_of(networks, config)
        returns = dream_returns(networks, dream, config)
    without_entropy = config.actor.model_copy(update={"entropy": 0.0})
    loss = policy_loss(dream, returns, torch.tensor(1.0), without_entropy)
    loss.backward()
    gradients = [parameter.grad.abs().sum() for parameter in networks.policy.parameters()]
    assert all(torch.isfinite(g) for g in gradients)
    assert gradients[-2] > 0  # the output layer
    for part in (*frozen_parts(networks), networks.encoder, networks.decoder):
        assert has_no_gradient(part)
    after = [p.requires_grad for p in networks.parameters()]
    assert after == trainable, "modules are frozen only during the dream"


def test_an_early_action_changes_a_late_reward(config):
    """The gradient crosses all steps of f: only the last reward counts here."""
    networks = networks_with_random_heads(config)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(1, 1)
    start = networks.dynamics.initial(7)
    action = torch.zeros(7, 5, requires_grad=True)
    with frozen(*frozen_parts(networks)):
        state = LatentState(start.deter + 0.1, start.stoch)
        state = networks.dynamics.imagine_step(state, action, noise)
        for _ in range(5):
            state = networks.dynamics.imagine_step(state, torch.zeros(7, 5), noise)
        networks.reward(state.feature).sum().backward()
    assert (action.grad.abs().sum(-1) > 0).all()
