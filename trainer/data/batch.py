"""Recorded rows as tensors: windows of a batch, and the policy's own steps with their outcomes.

Shapes: B sequences, T steps, N steps of a rollout, D numbers of a vector, A actions, S numbers of
a sound.
"""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Recorded sequences; row t holds what row t of the journal holds.

    `image`: uint8 (B, T, H, W, 3).
    `vector`: (B, T, D).
    `reward`: (B, T), the weighted sum of all terms.
    `is_first`, `is_terminal`, `is_last`: bool (B, T).
    `loss_mask`: bool (B, T), false where a Step is excluded from learning; None if none is.
    `sound`: (B, T, S), or None in a world without sound.
    """

    image: Tensor
    vector: Tensor
    reward: Tensor
    is_first: Tensor
    is_terminal: Tensor
    is_last: Tensor
    loss_mask: Tensor | None = None
    sound: Tensor | None = None


class Rollout(NamedTuple):
    """Steps of one version of the policy in order of time, with gaps, for on-policy methods.

    `pair`: a Batch of windows (N, 2): the row of the step, and the row after it.
    `chosen`: (N, A), the policy's raw sample at the step.
    `log_prob`: (N,), its log-probability at that time.
    `has_next`: bool (N,), whether row n + 1 is the policy's next step. It is false where an episode
    was cut, a person or the guard acted, the weights changed, or the next Step is excluded.
    """

    pair: Batch
    chosen: Tensor
    log_prob: Tensor
    has_next: Tensor

    @property
    def reward(self) -> Tensor:
        """(N,), the outcome of the action: the reward of the row after it."""
        return self.pair.reward[:, 1]

    @property
    def is_terminal(self) -> Tensor:
        """bool (N,), whether the episode terminated with the row after the action."""
        return self.pair.is_terminal[:, 1]

    def observation(self, rows: Tensor, moment: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Image, vector and sound of the steps `rows` (M,) before (0) or after (1) the action."""
        sound = None if self.pair.sound is None else self.pair.sound[rows, moment]
        return self.pair.image[rows, moment], self.pair.vector[rows, moment], sound
