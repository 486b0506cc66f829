"""Returns by backward recursion, with a discount for each step (Sutton & Barto 2018, chapter 12).

Shapes: T time first, ... any trailing axes. Row t holds the outcome of action_t: reward r_{t+1},
discount_{t+1} (0 after a termination), and V(s_{t+1}).
"""

import torch
from torch import Tensor


def backward_recursion(offset_T: Tensor, factor_T: Tensor, last: Tensor) -> Tensor:
    """x_t = offset_t + factor_t x_{t+1} with x_T = last; returns x (T, ...)."""
    result: list[Tensor] = []
    for t in reversed(range(offset_T.shape[0])):
        last = offset_T[t] + factor_T[t] * last
        result.append(last)
    return torch.stack(result[::-1])


def lambda_return(
    reward_T: Tensor, discount_T: Tensor, next_value_T: Tensor, lam: float | Tensor
) -> Tensor:
    """g_t = r_{t+1} + discount_{t+1} ((1-lam) V(s_{t+1}) + lam g_{t+1}), with g_T = V(s_T)
    (Hafner 2019, eq. 6, in recursive form).

    lam 0 gives the TD(0) target, lam 1 the T-step return. A tensor lam (T, ...) cuts the recursion
    where it is 0.
    """
    offset = reward_T + discount_T * (1.0 - lam) * next_value_T
    return backward_recursion(offset, discount_T * lam, next_value_T[-1])


def td_return(reward_T: Tensor, discount_T: Tensor, next_value_T: Tensor) -> Tensor:
    """The TD(0) target r_{t+1} + discount_{t+1} V(s_{t+1})."""
    return reward_T + discount_T * next_value_T


def n_step_return(reward_T: Tensor, discount_T: Tensor, next_value_T: Tensor, steps: int) -> Tensor:
    """g_t^(n): n rewards, then the value; fewer rewards near the end of the sequence.

    Raises ValueError for steps below 1.
    """
    if steps < 1:
        raise ValueError(f"n-step return: steps is {steps}, but must be at least 1")
    returns = td_return(reward_T, discount_T, next_value_T)
    for _ in range(min(steps, len(reward_T)) - 1):  # each pass adds one reward in front
        later = torch.cat([returns[1:], next_value_T[-1:]])
        returns = td_return(reward_T, discount_T, later)
    return returns


def gae(
    reward_T: Tensor, discount_T: Tensor, value_T: Tensor, next_value_T: Tensor, lam: float | Tensor
) -> Tensor:
    """Generalised advantages A_t = delta_t + discount_{t+1} lam A_{t+1} (Schulman 2016, eq. 16).

    The advantage plus the value is the lambda-return.
    """
    delta = td_return(reward_T, discount_T, next_value_T) - value_T
    return backward_recursion(delta, discount_T * lam, torch.zeros_like(delta[0]))
