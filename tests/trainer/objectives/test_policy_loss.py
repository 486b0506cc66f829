"""What the policy climbs, one number at a time: straight through f, by the score, and a mix."""

import pytest
import torch

from configs.learning import ActorConfig
from trainer.objectives.losses import DreamReturns, policy_losses

H, N = 3, 2


@pytest.mark.parametrize(
    ("gradient", "through", "score"),
    [("dynamics", 1.0, 0.0), ("reinforce", 0.0, 1.0), ("mix", 0.3, 0.7)],
)
def test_value_and_gradient(gradient, through, score):
    random = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    log_prob, entropy, returns = (drawn(H, N).requires_grad_() for _ in range(3))
    value, weight = drawn(H + 1, N), drawn(H + 1, N).abs()
    config = ActorConfig(gradient=gradient, mix=0.3, entropy=0.25)
    found = DreamReturns(returns, value, weight)
    losses = policy_losses(log_prob, entropy, found, torch.tensor(2.0), config)
    for t in range(H):
        for n in range(N):
            advantage = (returns[t, n].item() - value[t, n].item()) / 2.0
            climbed = through * returns[t, n].item() / 2.0
            climbed += score * log_prob[t, n].item() * advantage
            expected = -weight[t, n].item() * (climbed + 0.25 * entropy[t, n].item())
            assert losses[t, n].item() == pytest.approx(expected)
    losses.sum().backward()

    def gradient_of(tensor):
        return torch.zeros(H, N, dtype=torch.float64) if tensor.grad is None else tensor.grad

    now = weight[:-1]
    torch.testing.assert_close(gradient_of(returns), -now * through / 2.0)
    advantage = ((returns - value[:-1]) / 2.0).detach()
    torch.testing.assert_close(gradient_of(log_prob), -now * score * advantage)
    torch.testing.assert_close(gradient_of(entropy), -0.25 * now)
