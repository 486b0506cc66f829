"""The losses of policy and value: each number by hand, and the gradients."""

import pytest
import torch

from configs.learning import ActorConfig
from tests.trainer.objectives.dreams import (
    dream_of,
    frozen_parts,
    has_no_gradient,
    networks_with_random_heads,
)
from trainer.objectives.actor_critic_loss import (
    DreamReturns,
    dream_returns,
    policy_losses,
    value_loss,
)
from trainer.objectives.imagination import frozen

H, N = 3, 2


@pytest.mark.parametrize(
    ("gradient", "pathwise", "score"),
    [("dynamics", 1.0, 0.0), ("reinforce", 0.0, 1.0), ("mix", 0.3, 0.7)],
)
def test_policy_loss_and_its_gradients_by_hand(gradient, pathwise, score):
    random = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    log_prob, entropy, lambda_return = (drawn(H, N).requires_grad_() for _ in range(3))
    value, weight = drawn(H + 1, N), drawn(H + 1, N).abs()
    config = ActorConfig(gradient=gradient, mix=0.3, entropy=0.25)
    returns = DreamReturns(lambda_return, value, weight)
    losses = policy_losses(log_prob, entropy, returns, torch.tensor(2.0), config)
    for t in range(H):
        for n in range(N):
            advantage = (lambda_return[t, n].item() - value[t, n].item()) / 2.0
            objective = pathwise * lambda_return[t, n].item() / 2.0
            objective += score * log_prob[t, n].item() * advantage
            expected = -weight[t, n].item() * (objective + 0.25 * entropy[t, n].item())
            assert losses[t, n].item() == pytest.approx(expected)
    losses.sum().backward()

    def gradient_of(tensor):
        return torch.zeros(H, N, dtype=torch.float64) if tensor.grad is None else tensor.grad

    weight = weight[:-1]
    torch.testing.assert_close(gradient_of(lambda_return), -weight * pathwise / 2.0)
    advantage = ((lambda_return - value[:-1]) / 2.0).detach()
    torch.testing.assert_close(gradient_of(log_prob), -weight * score * advantage)
    torch.testing.assert_close(gradient_of(entropy), -0.25 * weight)


@pytest.mark.parametrize("latent", ["gaussian", "categorical"])
def test_the_value_loss_has_a_gradient_only_for_the_value(tiny, latent):
    config = tiny.model_copy(update={"model": tiny.model.model_copy(update={"latent": latent})})
    networks = networks_with_random_heads(config)
    with frozen(*frozen_parts(networks)):
        dream = dream_of(networks, config)
        returns = dream_returns(networks, dream, config)
    value_loss(networks, dream, returns, 0.0).backward()
    assert not has_no_gradient(networks.value)
    for part in (networks.policy, networks.dynamics, networks.reward, networks.continues):
        assert has_no_gradient(part)


@pytest.mark.parametrize("latent", ["gaussian", "categorical"])
def test_descending_the_value_loss_brings_the_value_to_the_returns(tiny, latent):
    config = tiny.model_copy(update={"model": tiny.model.model_copy(update={"latent": latent})})
    networks = networks_with_random_heads(config)
    dream = dream_of(networks, config)
    target = torch.full_like(dream.reward, 3.0)  # (H, N), fixed
    weight = torch.ones_like(dream_returns(networks, dream, config).weight)
    optimizer = torch.optim.Adam(networks.value.parameters(), lr=0.01)

    def distance():
        value = networks.value(dream.feature[:-1].detach())
        return (value - target).square().mean().item()

    before = distance()
    for _ in range(200):
        optimizer.zero_grad()
        value_loss(networks, dream, DreamReturns(target, target, weight), 0.0).backward()
        optimizer.step()
    assert distance() < 0.05 * before
