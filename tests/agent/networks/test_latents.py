"""Latents: KL against torch's own, samples that follow their law, gradients straight through."""

import pytest
import torch
from torch.distributions import Independent, Normal, OneHotCategorical, kl_divergence

from agent.networks.latents import CategoricalLatent, GaussianLatent
from agent.networks.noise import CounterNoise, TorchNoise


def noise(seed=0):
    made = TorchNoise(torch.device("cpu"))
    made.begin(seed, 0)
    return made


def test_gaussian_kl_is_torchs():
    latent = GaussianLatent(5, 0.1)
    left, right = torch.randn(2, 8, 10)

    def distribution(stats):
        mean, raw = stats.chunk(2, -1)
        return Independent(Normal(mean, torch.nn.functional.softplus(raw) + 0.1), 1)

    expected = kl_divergence(distribution(left), distribution(right))
    torch.testing.assert_close(latent.kl(left, right), expected)
    assert (latent.kl(left, left).abs() < 1e-5).all()


def test_categorical_kl_is_torchs():
    latent = CategoricalLatent(3, 4, 0.01)
    left, right = torch.randn(2, 8, 12)

    def distribution(stats):
        probs = 0.99 * stats.unflatten(-1, (3, 4)).softmax(-1) + 0.01 / 4
        return Independent(OneHotCategorical(probs), 1)

    expected = kl_divergence(distribution(left), distribution(right))
    torch.testing.assert_close(latent.kl(left, right), expected)


def test_categorical_samples_follow_the_probabilities():
    latent = CategoricalLatent(1, 3, 0.0)
    stats = torch.tensor([0.1, 0.6, 0.3]).log().expand(20_000, 3)
    share = latent.sample(stats, noise()).mean(0)
    torch.testing.assert_close(share, torch.tensor([0.1, 0.6, 0.3]), atol=0.015, rtol=0)


def test_categorical_sample_passes_its_gradient_straight_through():
    latent = CategoricalLatent(2, 3, 0.0)
    stats = torch.zeros(6, requires_grad=True)
    weight = torch.arange(6.0)
    (latent.sample(stats, noise()) * weight).sum().backward()
    probs = torch.zeros(6, requires_grad=True)
    (probs.unflatten(-1, (2, 3)).softmax(-1).flatten() * weight).sum().backward()
    torch.testing.assert_close(stats.grad, probs.grad)


@pytest.mark.parametrize("seed", [0, 1])
def test_counter_noise_repeats_by_tick_alone(seed):
    first = CounterNoise(seed, 41).normal((3, 4))
    assert torch.equal(first, CounterNoise(seed, 41).normal((3, 4)))
    assert not torch.equal(first, CounterNoise(seed, 42).normal((3, 4)))
    assert not torch.equal(first, CounterNoise(seed + 1, 41).normal((3, 4)))


def test_without_a_uniform_share_a_class_may_vanish():
    latent = CategoricalLatent(2, 3, 0.0)
    stats = torch.tensor([[200.0, 0, 0, 0, 200.0, 0], [0, 0, 200.0, 0, 0, 200.0]])
    stats.requires_grad_()
    kl = latent.kl(stats[0], stats[1])
    kl.backward()
    assert torch.isfinite(kl)
    assert torch.isfinite(stats.grad).all()
    assert not latent.kl(stats[0], stats[0]).any()
