"""World Models' dynamics: the mixture against brute force, temperature, alignment."""

import math

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.gaussian_mixture import Mixture
from agent.networks.mdn_rnn import MdnDynamics
from agent.networks.noise import CounterNoise, TorchNoise
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import spaces_of

K, Z = 3, 2


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
    made = TorchNoise(torch.device("cpu"))
    made.begin(seed, 0)
    return made


def stats_of(logits, means, stds, min_std=0.0):
    """Raw statistics of a mixture known otherwise."""
    raw = np.log(np.expm1(np.asarray(stds, np.float64) - min_std))
    return torch.tensor(
        np.concatenate([logits, np.ravel(means), np.ravel(raw)]), dtype=torch.float32
    )


LOGITS = [0.5, -1.0, 2.0]
MEANS = [[0.0, 1.0], [-2.0, 0.5], [3.0, -1.0]]
STDS = [[0.5, 1.0], [0.2, 0.3], [1.5, 0.7]]


def weights(temperature=1.0):
    odds = np.exp(np.array(LOGITS) / temperature)
    return odds / odds.sum()


def density(z):
    """By its definition, component by component and axis by axis."""
    total = 0.0
    for share, mean, std in zip(weights(), MEANS, STDS, strict=True):
        for x, m, s in zip(z, mean, std, strict=True):
            share *= math.exp(-0.5 * ((x - m) / s) ** 2) / (s * math.sqrt(2 * math.pi))
        total += share
    return total


def test_density_is_its_definition_and_integrates_to_one():
    mixture, stats = Mixture(K, Z, 0.0), stats_of(LOGITS, MEANS, STDS)
    axis = np.linspace(-8.0, 10.0, 181)
    grid = torch.tensor(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), dtype=torch.float32)
    found = mixture.log_prob(stats.expand(len(grid), -1), grid).exp()
    assert float(found.sum()) * 0.1**2 == pytest.approx(1.0, abs=1e-3)
    for i in range(0, len(grid), 911):
        assert float(found[i]) == pytest.approx(density(grid[i].tolist()), rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_shares_and_spreads_of_the_temperature(temperature):
    mixture, stats = Mixture(K, Z, 0.1), stats_of(LOGITS, MEANS, STDS, 0.1)
    z = mixture.sample(stats.expand(200_000, -1), noise(), temperature).double().numpy()
    share, mean, std = weights(temperature), np.array(MEANS), np.array(STDS)
    expected = share @ mean
    spread = share @ (mean**2 + temperature * std**2) - expected**2
    np.testing.assert_allclose(z.mean(0), expected, atol=0.02)
    np.testing.assert_allclose(z.var(0), spread, rtol=0.02)


def test_a_cold_sample_is_the_mode():
    mixture, stats = Mixture(K, Z, 0.0), stats_of(LOGITS, MEANS, STDS)
    assert mixture.mode(stats).tolist() == MEANS[2]
    cold = mixture.sample(stats.expand(50, -1), noise(), 1e-6)
    torch.testing.assert_close(cold, mixture.mode(stats).expand(50, -1), atol=0.01, rtol=0)


def test_density_teaches():
    """Climbing the density by autograd agrees with finite differences."""
    mixture = Mixture(K, Z, 0.1)
    stats = torch.randn(mixture.stat_size, dtype=torch.float64, requires_grad=True)
    z = torch.randn(Z, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: mixture.log_prob(s, z), stats)


def sequence(dynamics, length=5, actions=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(2, length, dynamics.posterior.in_features, generator=generator)
    action = torch.randn(2, length, actions, generator=generator)
    return tokens, action, torch.zeros(2, length, dtype=torch.bool)


@torch.no_grad()
def test_memory_at_t_knows_z_and_action_before_and_nothing_of_now(dynamics):
    tokens, action, first = sequence(dynamics)
    begin = dynamics.initial(2)
    before = dynamics.observe(tokens, action, first, begin, noise())
    moved = tokens.clone()
    moved[:, 2] += 1.0
    after = dynamics.observe(moved, action, first, begin, noise())
    same = [torch.equal(before.state.deter[:, t], after.state.deter[:, t]) for t in range(5)]
    assert same == [True, True, True, False, False]
    assert torch.equal(before.prior[:, 2], after.prior[:, 2]), "foretold before it was seen"
    told = action.clone()
    told[:, 2] += 1.0  # of row 2: the one that led to it
    after = dynamics.observe(tokens, told, first, begin, noise())
    same = [torch.equal(before.state.deter[:, t], after.state.deter[:, t]) for t in range(5)]
    assert same == [True, True, False, False, False]
    assert torch.equal(before.state.stoch, after.state.stoch), "z is of the observation alone"


@torch.no_grad()
def test_a_dreamed_step_is_the_observed_one(dynamics):
    """From the state of row t - 1, the action of row t leads to the memory of row t."""
    tokens, action, first = sequence(dynamics)
    lived = dynamics.observe(tokens, action, first, dynamics.initial(2), noise())
    before = type(lived.state)(*(part[:, 2] for part in lived.state))
    ahead = dynamics.expect_step(before, action[:, 3])
    torch.testing.assert_close(ahead.deter, lived.state.deter[:, 3])
    torch.testing.assert_close(ahead.stoch, dynamics.mixture.mode(lived.prior[:, 3]))
    dynamics.temperature = 1e-8
    cold = dynamics.imagine_step(before, action[:, 3], noise())
    torch.testing.assert_close(cold.stoch, ahead.stoch, atol=1e-3, rtol=0)


@torch.no_grad()
def test_a_beginning_forgets_all(dynamics):
    tokens, action, first = sequence(dynamics)
    first[:, 2] = True
    begin = dynamics.initial(2)
    whole = dynamics.observe(tokens, action, first, begin, noise())
    alone = dynamics.observe(tokens[:, 2:3], 0 * action[:, 2:3], first[:, :1], begin, noise())
    assert torch.equal(whole.state.deter[:, 2], alone.state.deter[:, 0])


@torch.no_grad()
def test_step_by_step_is_the_whole_and_noise_of_a_tick_repeats(dynamics):
    tokens, action, first = sequence(dynamics)
    quiet = lambda shape: torch.zeros(shape)  # noqa: E731
    still = type("Still", (), {"normal": staticmethod(quiet), "uniform": staticmethod(quiet)})()
    whole = dynamics.observe(tokens, action, first, dynamics.initial(2), still)
    state = dynamics.initial(2)
    for t in range(5):
        seen = dynamics.observe(
            tokens[:, t : t + 1], action[:, t : t + 1], first[:, t : t + 1], state, still
        )
        state = type(state)(*(part[:, 0] for part in seen.state))
        torch.testing.assert_close(state.deter, whole.state.deter[:, t])
    a, b = (dynamics.imagine_step(state, action[:, 0], CounterNoise(3, 8)) for _ in range(2))
    assert torch.equal(a.stoch, b.stoch)


def test_the_autoencoder_learns_nothing_from_the_memory(dynamics):
    tokens, action, first = sequence(dynamics)
    observed = dynamics.observe(tokens, action, first, dynamics.initial(2), noise())
    target = observed.state.stoch.detach()
    dynamics.mixture.log_prob(observed.prior, target).sum().backward()
    assert dynamics.posterior.weight.grad is None
    assert float(dynamics.from_hidden.weight.grad.abs().sum()) > 0


def test_kl_to_the_standard_normal(dynamics):
    assert isinstance(dynamics, MdnDynamics)
    stats = torch.randn(4, dynamics.latent.stat_size)
    mean, raw = stats.chunk(2, -1)
    std = torch.nn.functional.softplus(raw) + dynamics.latent.min_std
    expected = 0.5 * (mean**2 + std**2 - 1 - 2 * torch.log(std)).sum(-1)
    torch.testing.assert_close(dynamics.standard_kl(stats), expected, atol=1e-5, rtol=1e-5)
