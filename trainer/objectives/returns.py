"""Returns, computed from the back with any discount at each step (the deck; Sutton & Barto 12).

Shapes: T time first, ... any trailing axes. Row t holds what follows action_t: reward r_{t+1},
discount_{t+1} (0 where life ended), and V(s_{t+1}).
"""

import torch
from torch import Tensor


def from_the_back(first_T: Tensor, factor_T: Tensor, last: Tensor) -> Tensor:
    """The one recursion: x_t = first_t + factor_t x_{t+1}, with x_T = last. Returns x (T, ...)."""
    found: list[Tensor] = []
    for t in reversed(range(first_T.shape[0])):
        last = first_T[t] + factor_T[t] * last
        found.append(last)
    return torch.stack(found[::-1])


def lambda_return(
    reward_T: Tensor, discount_T: Tensor, next_value_T: Tensor, lam: float | Tensor
) -> Tensor:
    """g_t = r_{t+1} + discount_{t+1} ((1-lam) V(s_{t+1}) + lam g_{t+1}), with g_T = V(s_T).

    lam 0 is TD(0), lam 1 the T-step return; a tensor (T, ...) cuts where it is 0 (DreamerV3's
    replay return has lam (1 - last_{t+1})).
    """
    first = reward_T + discount_T * (1.0 - lam) * next_value_T
    return from_the_back(first, discount_T * lam, next_value_T[-1])


def td_return(reward_T: Tensor, discount_T: Tensor, next_value_T: Tensor) -> Tensor:
    """TD(0)'s target: r_{t+1} + discount_{t+1} V(s_{t+1})."""
    return reward_T + discount_T * next_value_T


def n_step_return(reward_T: Tensor, discount_T: Tensor, next_value_T: Tensor, steps: int) -> Tensor:
    """g_t^(n): n rewards, then the value; fewer where the sequence ends before.

    Raises ValueError for steps below 1.
    """
    if steps < 1:
        raise ValueError(f"n-step return of {steps} steps: at least 1")
    returns = td_return(reward_T, discount_T, next_value_T)
    for _ in range(min(steps, len(reward_T)) - 1):  # one step more in front of each
        later = torch.cat([returns[1:], next_value_T[-1:]])
        returns = td_return(reward_T, discount_T, later)
    return returns


def gae(
    reward_T: Tensor, discount_T: Tensor, value_T: Tensor, next_value_T: Tensor, lam: float | Tensor
) -> Tensor:
    """Generalised advantages (Schulman 2016): A_t = delta_t + discount_{t+1} lam A_{t+1}.

    The advantage plus the value is the lambda-return.
    """
    delta = td_return(reward_T, discount_T, next_value_T) - value_T
    return from_the_back(delta, discount_T * lam, torch.zeros_like(delta[0]))
