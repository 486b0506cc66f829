"""Latents: KL equals torch's, samples follow their distribution, gradients are straight-through."""

import torch
from torch.distributions import Independent, Normal, OneHotCategorical, kl_divergence

from agent.networks.latents import CategoricalLatent, GaussianLatent
from agent.networks.noise import TorchNoise


def noise(seed=0):
    source = TorchNoise(torch.device("cpu"))
    source.begin(seed, 0)
    return source


def test_gaussian_kl_equals_torchs():
    latent = GaussianLatent(5, 0.1)
    left, right = torch.randn(2, 8, 10)

    def distribution(stats):
        mean, raw = stats.chunk(2, -1)
        return Independent(Normal(mean, torch.nn.functional.softplus(raw) + 0.1), 1)

    expected = kl_divergence(distribution(left), distribution(right))
    torch.testing.assert_close(latent.kl(left, right), expected)
    assert (latent.kl(left, left).abs() < 1e-5).all()


def test_categorical_kl_equals_torchs():
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


def test_categorical_sample_has_the_gradient_of_the_probabilities():
    latent = CategoricalLatent(2, 3, 0.0)
    stats = torch.zeros(6, requires_grad=True)
    weight = torch.arange(6.0)
    (latent.sample(stats, noise()) * weight).sum().backward()
    probs = torch.zeros(6, requires_grad=True)
    (probs.unflatten(-1, (2, 3)).softmax(-1).flatten() * weight).sum().backward()
    torch.testing.assert_close(stats.grad, probs.grad)


def test_kl_is_finite_where_a_probability_underflows_to_0():
    latent = CategoricalLatent(2, 3, 0.0)
    stats = torch.tensor([[200.0, 0, 0, 0, 200.0, 0], [0, 0, 200.0, 0, 0, 200.0]])
    stats.requires_grad_()
    kl = latent.kl(stats[0], stats[1])
    kl.backward()
    assert torch.isfinite(kl)
    assert torch.isfinite(stats.grad).all()
    assert not latent.kl(stats[0], stats[0]).any()
