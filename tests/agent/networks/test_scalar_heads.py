"""The normalised head: predictions go where the targets are; the loss is in their deviations."""

import torch

from agent.networks.scalar_heads import NormalisedHead


def make():
    torch.manual_seed(0)
    return NormalisedHead(4, 16, 1, "layer")


def test_it_begins_as_a_plain_mean():
    head, x = make(), torch.randn(10, 4)
    raw = head.raw(x)
    torch.testing.assert_close(head(x), raw.squeeze(-1))
    target = torch.randn(10)
    torch.testing.assert_close(head.loss(raw, target), 0.5 * (raw.squeeze(-1) - target).square())


def test_it_follows_the_targets_without_being_trained():
    head, x = make(), torch.randn(10, 4)
    target = 100.0 + 5.0 * torch.randn(4000)
    for _ in range(600):
        head.adapt(target)
    assert abs(float(head.mu) - 100.0) < 0.3
    assert abs(float(head.sigma) - 5.0) < 0.3
    raw = head.raw(x)
    torch.testing.assert_close(head.mean(raw), head.mu + head.sigma * raw.squeeze(-1))
    at_one = head.loss(torch.zeros(1, 1), head.mu + head.sigma)
    torch.testing.assert_close(at_one, torch.tensor([0.5]))


def test_equal_targets_and_absurd_ones_do_no_harm():
    head = make()
    for _ in range(1000):
        head.adapt(torch.full((8,), 3.0))
    assert float(head.sigma) >= 0.1
    before = float(head.mu)
    head.adapt(torch.tensor([float("nan"), 1.0]))
    head.adapt(torch.tensor([float("inf")]))
    assert float(head.mu) == before


def test_what_follows_the_targets_goes_where_the_weights_go():
    """To the body and to the slow critic: as parameters, on which nothing descends."""
    head = make()
    names = dict(head.named_parameters())
    assert not names["mu"].requires_grad
    assert not names["square"].requires_grad
