"""On-policy data for PPO: the steps of one version of the policy, and their outcomes.

Shapes: N steps in order of time, with gaps; A actions. Pairs (N, 2, ...) hold the observation
before the action and the observation after it.
"""

from typing import NamedTuple

from torch import Tensor


class Rollout(NamedTuple):
    """Steps of one version of the policy.

    `image`, `vector`, `sound`: (N, 2, ...); `sound` is None in a world without sound.
    `chosen`: (N, A), the policy's raw sample.
    `log_prob`: (N,), its log-probability at that time.
    `reward`, `is_terminal`: (N,), the outcome of the action.
    `has_next`: bool (N,), whether row n + 1 is the policy's next step. It is false where an episode
    was cut, a person or the guard acted, the weights changed, or the next Step is excluded.
    """

    image: Tensor
    vector: Tensor
    chosen: Tensor
    log_prob: Tensor
    reward: Tensor
    is_terminal: Tensor
    has_next: Tensor
    sound: Tensor | None = None
