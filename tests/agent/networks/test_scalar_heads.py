"""NormalisedHead: predictions track the scale of the targets, and the loss is relative to it."""

import torch

from agent.networks.scalar_heads import NormalisedHead


def make_head():
    torch.manual_seed(0)
    return NormalisedHead(4, 16, 1, "layer")


def test_new_head_equals_a_mean_head():
    head, x = make_head(), torch.randn(10, 4)
    raw = head.raw(x)
    torch.testing.assert_close(head(x), raw.squeeze(-1))
    target = torch.randn(10)
    torch.testing.assert_close(head.loss(raw, target), 0.5 * (raw.squeeze(-1) - target).square())


def test_adapt_tracks_mean_and_deviation_of_the_targets():
    head, x = make_head(), torch.randn(10, 4)
    target = 100.0 + 5.0 * torch.randn(4000)
    for _ in range(600):
        head.adapt(target)
    assert abs(float(head.mu) - 100.0) < 0.3
    assert abs(float(head.sigma) - 5.0) < 0.3
    raw = head.raw(x)
    torch.testing.assert_close(head.mean(raw), head.mu + head.sigma * raw.squeeze(-1))
    one_sigma_off = head.loss(torch.zeros(1, 1), head.mu + head.sigma)
    torch.testing.assert_close(one_sigma_off, torch.tensor([0.5]))


def test_the_first_targets_are_not_mixed_with_the_initial_moments():
    head = make_head()
    for _ in range(35):
        head.adapt(100.0 + torch.randn(1000))
    assert abs(float(head.mu) - 100.0) < 0.1
    assert abs(float(head.sigma) - 1.0) < 0.1
    head.adapt(torch.full((1000,), 200.0))
    assert 103.0 < float(head.mu) < 105.0, "one batch of 36, at a rate of 0.02 / (1 - 0.98^36)"


def test_sigma_has_a_minimum_and_non_finite_targets_are_ignored():
    head = make_head()
    for _ in range(1000):
        head.adapt(torch.full((8,), 3.0))
    assert float(head.sigma) >= 0.1
    before = float(head.mu)
    head.adapt(torch.tensor([float("nan"), 1.0]))
    head.adapt(torch.tensor([float("inf")]))
    assert float(head.mu) == before


def test_scale_is_published_with_the_weights_but_not_trained():
    names = dict(make_head().named_parameters())
    assert not names["mu"].requires_grad
    assert not names["square"].requires_grad
