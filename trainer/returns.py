"""Returns, computed from the back (the deck; Sutton & Barto 12.1)."""

import torch
from torch import Tensor


def lambda_return(
    reward_TB: Tensor, discount_TB: Tensor, next_value_TB: Tensor, lam: float
) -> Tensor:
    """g_t = r_{t+1} + discount_{t+1} ((1-lam) V(s_{t+1}) + lam g_{t+1}), with g_T = V(s_T).

    All (T, ...), time first; row t holds what follows action_t: r_{t+1}, discount_{t+1},
    V(s_{t+1}). Returns g (T, ...). lam 0 is TD(0), lam 1 the T-step return.
    """
    later = next_value_TB[-1]
    returns: list[Tensor] = []
    for t in reversed(range(reward_TB.shape[0])):
        mixed = (1.0 - lam) * next_value_TB[t] + lam * later
        later = reward_TB[t] + discount_TB[t] * mixed
        returns.append(later)
    return torch.stack(returns[::-1])
