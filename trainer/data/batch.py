"""A batch of recorded sequences.

Shapes: B sequences, T steps, D numbers of a vector, A actions, S numbers of a sound.
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


def previous_action(vector: Tensor, num_actions: int) -> Tensor:
    """The action sent one step before, (..., A): the last A numbers of each vector."""
    return vector[..., -num_actions:]
