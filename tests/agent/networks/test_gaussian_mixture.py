"""The Gaussian mixture: density against its definition, samples at a temperature, mode."""

import math

import numpy as np
import pytest
import torch

from agent.networks.gaussian_mixture import GaussianMixture
from agent.networks.noise import TorchNoise

K, Z = 3, 2
LOGITS = [0.5, -1.0, 2.0]
MEANS = [[0.0, 1.0], [-2.0, 0.5], [3.0, -1.0]]
STDS = [[0.5, 1.0], [0.2, 0.3], [1.5, 0.7]]


def noise(seed=0):
    source = TorchNoise(torch.device("cpu"))
    source.begin(seed, 0)
    return source


def raw_stats(logits, means, stds, min_std=0.0):
    """The raw network outputs that give a mixture with these parameters."""
    raw = np.log(np.expm1(np.asarray(stds, np.float64) - min_std))
    return torch.tensor(
        np.concatenate([logits, np.ravel(means), np.ravel(raw)]), dtype=torch.float32
    )


def weights(temperature=1.0):
    odds = np.exp(np.array(LOGITS) / temperature)
    return odds / odds.sum()


def density(z):
    """The density by its definition: component by component and axis by axis."""
    total = 0.0
    for share, mean, std in zip(weights(), MEANS, STDS, strict=True):
        for x, m, s in zip(z, mean, std, strict=True):
            share *= math.exp(-0.5 * ((x - m) / s) ** 2) / (s * math.sqrt(2 * math.pi))
        total += share
    return total


def test_density_equals_its_definition_and_integrates_to_one():
    mixture, stats = GaussianMixture(K, Z, 0.0), raw_stats(LOGITS, MEANS, STDS)
    axis = np.linspace(-8.0, 10.0, 181)
    grid = torch.tensor(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), dtype=torch.float32)
    ours = mixture.log_prob(stats.expand(len(grid), -1), grid).exp()
    assert float(ours.sum()) * 0.1**2 == pytest.approx(1.0, abs=1e-3)
    for i in range(0, len(grid), 911):
        assert float(ours[i]) == pytest.approx(density(grid[i].tolist()), rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_mean_and_variance_of_the_temperature(temperature):
    mixture, stats = GaussianMixture(K, Z, 0.1), raw_stats(LOGITS, MEANS, STDS, 0.1)
    z = mixture.sample(stats.expand(200_000, -1), noise(), temperature).double().numpy()
    share, mean, std = weights(temperature), np.array(MEANS), np.array(STDS)
    expected = share @ mean
    variance = share @ (mean**2 + temperature * std**2) - expected**2
    np.testing.assert_allclose(z.mean(0), expected, atol=0.02)
    np.testing.assert_allclose(z.var(0), variance, rtol=0.02)


def test_sample_at_temperature_near_0_is_the_mode():
    mixture, stats = GaussianMixture(K, Z, 0.0), raw_stats(LOGITS, MEANS, STDS)
    assert mixture.mode(stats).tolist() == MEANS[2]
    cold = mixture.sample(stats.expand(50, -1), noise(), 1e-6)
    torch.testing.assert_close(cold, mixture.mode(stats).expand(50, -1), atol=0.01, rtol=0)


def test_gradient_of_the_density_agrees_with_finite_differences():
    mixture = GaussianMixture(K, Z, 0.1)
    stats = torch.randn(mixture.stat_size, dtype=torch.float64, requires_grad=True)
    z = torch.randn(Z, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: mixture.log_prob(s, z), stats)
