"""lambda_return against the written-out sum of n-step returns."""

import pytest
import torch

from trainer.returns import lambda_return


def n_step(reward, discount, next_value, t, n):
    """r_{t+1} + d_{t+1} r_{t+2} + … + (product of d) V(s_{t+n}), for one dream."""
    total, weight = 0.0, 1.0
    for k in range(n):
        total += weight * reward[t + k]
        weight *= discount[t + k]
    return total + weight * next_value[t + n - 1]


def written_out(reward, discount, next_value, lam):
    """(1-λ) Σ λ^{n-1} g^(n), the last n-step return taking the remaining weight."""
    steps = len(reward)
    returns = []
    for t in range(steps):
        longest = steps - t
        total = sum(
            (1 - lam) * lam ** (n - 1) * n_step(reward, discount, next_value, t, n)
            for n in range(1, longest)
        )
        returns.append(
            total + lam ** (longest - 1) * n_step(reward, discount, next_value, t, longest)
        )
    return torch.tensor(returns, dtype=torch.float64)


@pytest.mark.parametrize("lam", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("terminates", [False, True])
def test_equals_the_sum_of_n_step_returns(lam, terminates):
    generator = torch.Generator().manual_seed(3)
    reward, value = torch.randn(2, 9, 4, generator=generator, dtype=torch.float64)
    alive = torch.ones(9, 4, dtype=torch.float64)
    if terminates:
        alive[3, 0] = alive[0, 1] = alive[8, 2] = 0.0
    discount = 0.97 * alive
    result = lambda_return(reward, discount, value, lam)
    for b in range(4):
        expected = written_out(
            reward[:, b].tolist(), discount[:, b].tolist(), value[:, b].tolist(), lam
        )
        torch.testing.assert_close(result[:, b], expected)


def test_nothing_after_a_termination_counts():
    reward = torch.tensor([[1.0], [2.0], [100.0]])
    discount = torch.tensor([[0.9], [0.0], [0.9]])
    value = torch.full((3, 1), 50.0)
    result = lambda_return(reward, discount, value, 1.0)
    assert result[0, 0] == pytest.approx(1.0 + 0.9 * 2.0)


def test_gradient_reaches_rewards_values_and_discounts():
    reward, discount, value = (torch.rand(5, 2, requires_grad=True) for _ in range(3))
    lambda_return(reward, discount, value, 0.9).sum().backward()
    for tensor in (reward, discount, value):
        assert (tensor.grad.abs() > 0).all()
