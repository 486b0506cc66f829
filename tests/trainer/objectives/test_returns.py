"""Returns against their definitions, written out as sums."""

import pytest
import torch

from trainer.objectives.returns import gae, lambda_return, n_step_return, td_return


def n_step(reward, discount, next_value, t, n):
    """r_{t+1} + d_{t+1} r_{t+2} + … + (product of d) V(s_{t+n}) of one sequence."""
    total, weight = 0.0, 1.0
    for k in range(n):
        total += weight * reward[t + k]
        weight *= discount[t + k]
    return total + weight * next_value[t + n - 1]


def sum_of_n_step_returns(reward, discount, next_value, lam):
    """(1-λ) Σ λ^{n-1} g^(n), where the longest n-step return takes the remaining weight."""
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
def test_lambda_return_is_the_weighted_sum_of_n_step_returns(lam, terminates):
    generator = torch.Generator().manual_seed(3)
    reward, value = torch.randn(2, 9, 4, generator=generator, dtype=torch.float64)
    continues = torch.ones(9, 4, dtype=torch.float64)
    if terminates:
        continues[3, 0] = continues[0, 1] = continues[8, 2] = 0.0
    discount = 0.97 * continues
    result = lambda_return(reward, discount, value, lam)
    for b in range(4):
        expected = sum_of_n_step_returns(
            reward[:, b].tolist(), discount[:, b].tolist(), value[:, b].tolist(), lam
        )
        torch.testing.assert_close(result[:, b], expected)


def test_rewards_after_a_termination_do_not_count():
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


def random_sequences(seed=5):
    """reward, discount, next value and another tensor, (9, 4) each, with three terminations."""
    generator = torch.Generator().manual_seed(seed)
    reward, value, other = torch.randn(3, 9, 4, generator=generator, dtype=torch.float64)
    continues = torch.ones(9, 4, dtype=torch.float64)
    continues[3, 0] = continues[0, 1] = continues[8, 2] = 0.0
    return reward, 0.97 * continues, value, other


@pytest.mark.parametrize("steps", [1, 2, 5, 9, 50])
def test_n_step_return_is_n_rewards_and_a_value(steps):
    reward, discount, value, _ = random_sequences()
    result = n_step_return(reward, discount, value, steps)
    for b in range(4):
        lists = [part[:, b].tolist() for part in (reward, discount, value)]
        expected = [n_step(*lists, t, min(steps, 9 - t)) for t in range(9)]
        torch.testing.assert_close(result[:, b], torch.tensor(expected, dtype=torch.float64))


def test_n_step_return_refuses_less_than_one_step():
    with pytest.raises(ValueError, match="at least 1"):
        n_step_return(*random_sequences()[:3], 0)


def test_lambda_0_is_the_td_target_and_lambda_1_the_full_return():
    reward, discount, value, _ = random_sequences()
    torch.testing.assert_close(
        lambda_return(reward, discount, value, 0.0), td_return(reward, discount, value)
    )
    torch.testing.assert_close(
        lambda_return(reward, discount, value, 1.0), n_step_return(reward, discount, value, 9)
    )


def test_a_lambda_of_zero_at_one_step_cuts_the_recursion_there():
    reward, discount, value, _ = random_sequences()
    lam = torch.full_like(reward, 0.9)
    lam[4] = 0.0
    whole = lambda_return(reward, discount, value, lam)
    torch.testing.assert_close(
        whole[:5], lambda_return(reward[:5], discount[:5], value[:5], lam[:5])
    )


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_gae_is_the_lambda_return_minus_the_value(lam):
    """A_t is also the discounted sum of TD errors (Schulman 2016, eq. 16)."""
    reward, discount, next_value, other = random_sequences()
    value = torch.cat([other[:1], next_value[:-1]])  # V(s_t) is V(s_{t+1}) of the row before
    result = gae(reward, discount, value, next_value, lam)
    torch.testing.assert_close(result, lambda_return(reward, discount, next_value, lam) - value)
    delta = reward + discount * next_value - value
    for b in range(4):
        for t in range(9):
            total, weight = 0.0, 1.0
            for k in range(t, 9):
                total += weight * delta[k, b]
                weight *= lam * discount[k, b]
            torch.testing.assert_close(result[t, b], torch.as_tensor(total))
