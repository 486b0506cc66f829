"""World Models' dynamics: time alignment of memory, z and prediction, and gradient stops."""

import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.mdn_rnn import MdnDynamics
from agent.networks.noise import CounterNoise, TorchNoise
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import spaces_of


@pytest.fixture
def config():
    return load_config(
        ROOT / "tests" / "point.yaml",
        ["method=world_models", "world_models.hidden=6", "world_models.latent=3"],
    )


@pytest.fixture
def dynamics(config):
    return build_networks(spaces_of(config), config).dynamics


def noise(seed=0):
    source = TorchNoise(torch.device("cpu"))
    source.begin(seed, 0)
    return source


def random_sequence(dynamics, length=5, actions=1, seed=0):
    """Random tokens, actions and is_first = False, for a batch of 2."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(2, length, dynamics.posterior.in_features, generator=generator)
    action = torch.randn(2, length, actions, generator=generator)
    return tokens, action, torch.zeros(2, length, dtype=torch.bool)


def same_memory(left, right):
    """For each of the 5 steps, whether the memories are equal."""
    return [torch.equal(left.state.deter[:, t], right.state.deter[:, t]) for t in range(5)]


@torch.no_grad()
def test_memory_depends_on_the_previous_z_and_action_only(dynamics):
    tokens, action, is_first = random_sequence(dynamics)
    initial = dynamics.initial(2)
    before = dynamics.observe(tokens, action, is_first, initial, noise())
    other_tokens = tokens.clone()
    other_tokens[:, 2] += 1.0
    after = dynamics.observe(other_tokens, action, is_first, initial, noise())
    assert same_memory(before, after) == [True, True, True, False, False]
    assert torch.equal(before.prior[:, 2], after.prior[:, 2]), "predicted without observation 2"
    other_action = action.clone()
    other_action[:, 2] += 1.0  # the action that led to observation 2
    after = dynamics.observe(tokens, other_action, is_first, initial, noise())
    assert same_memory(before, after) == [True, True, False, False, False]
    assert torch.equal(before.state.stoch, after.state.stoch), "z depends on the observation alone"


@torch.no_grad()
def test_imagined_step_equals_the_observed_one(dynamics):
    """From the state of row t - 1, the action of row t leads to the memory of row t."""
    tokens, action, is_first = random_sequence(dynamics)
    observed = dynamics.observe(tokens, action, is_first, dynamics.initial(2), noise())
    previous = type(observed.state)(*(part[:, 2] for part in observed.state))
    predicted = dynamics.predict_step(previous, action[:, 3])
    torch.testing.assert_close(predicted.deter, observed.state.deter[:, 3])
    torch.testing.assert_close(predicted.stoch, dynamics.mixture.mode(observed.prior[:, 3]))
    dynamics.temperature = 1e-8
    imagined = dynamics.imagine_step(previous, action[:, 3], noise())
    torch.testing.assert_close(imagined.stoch, predicted.stoch, atol=1e-3, rtol=0)


@torch.no_grad()
def test_is_first_resets_the_memory(dynamics):
    tokens, action, is_first = random_sequence(dynamics)
    is_first[:, 2] = True
    initial = dynamics.initial(2)
    whole = dynamics.observe(tokens, action, is_first, initial, noise())
    alone = dynamics.observe(tokens[:, 2:3], 0 * action[:, 2:3], is_first[:, :1], initial, noise())
    assert torch.equal(whole.state.deter[:, 2], alone.state.deter[:, 0])


@torch.no_grad()
def test_filtering_step_by_step_equals_filtering_the_whole_sequence(dynamics):
    tokens, action, is_first = random_sequence(dynamics)
    zeros = lambda shape: torch.zeros(shape)  # noqa: E731
    zero_noise = type(
        "ZeroNoise", (), {"normal": staticmethod(zeros), "uniform": staticmethod(zeros)}
    )()
    whole = dynamics.observe(tokens, action, is_first, dynamics.initial(2), zero_noise)
    state = dynamics.initial(2)
    for t in range(5):
        now = slice(t, t + 1)
        one = dynamics.observe(tokens[:, now], action[:, now], is_first[:, now], state, zero_noise)
        state = type(state)(*(part[:, 0] for part in one.state))
        torch.testing.assert_close(state.deter, whole.state.deter[:, t])


@torch.no_grad()
def test_noise_of_one_tick_gives_the_same_imagined_step(dynamics):
    state, action = dynamics.initial(2), torch.ones(2, 1)
    first, second = (dynamics.imagine_step(state, action, CounterNoise(3, 8)) for _ in range(2))
    assert torch.equal(first.stoch, second.stoch)


def test_autoencoder_gets_no_gradient_from_the_memory(dynamics):
    tokens, action, is_first = random_sequence(dynamics)
    observed = dynamics.observe(tokens, action, is_first, dynamics.initial(2), noise())
    target = observed.state.stoch.detach()
    dynamics.mixture.log_prob(observed.prior, target).sum().backward()
    assert dynamics.posterior.weight.grad is None
    assert float(dynamics.from_hidden.weight.grad.abs().sum()) > 0


def test_kl_to_the_standard_normal_equals_its_formula(dynamics):
    assert isinstance(dynamics, MdnDynamics)
    stats = torch.randn(4, dynamics.latent.stat_size)
    mean, raw = stats.chunk(2, -1)
    std = torch.nn.functional.softplus(raw) + dynamics.latent.min_std
    expected = 0.5 * (mean**2 + std**2 - 1 - 2 * torch.log(std)).sum(-1)
    torch.testing.assert_close(
        dynamics.kl_to_standard_normal(stats), expected, atol=1e-5, rtol=1e-5
    )


@torch.no_grad()
def test_the_cell_equals_the_lstm_cell_of_torch(dynamics):
    inputs, (hidden, cell) = torch.randn(5, 3 + 1), torch.randn(2, 5, 6)
    reference = torch.nn.LSTMCell(3 + 1, 6)
    reference.weight_ih.copy_(dynamics.from_input.weight)
    reference.bias_ih.copy_(dynamics.from_input.bias)
    reference.weight_hh.copy_(dynamics.from_hidden.weight)
    reference.bias_hh.zero_()
    state = dynamics._cell(dynamics.from_input(inputs), torch.cat([hidden, cell], -1))
    torch.testing.assert_close(state, torch.cat(reference(inputs, (hidden, cell)), -1))
