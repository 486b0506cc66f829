"""The recorded states that dreams start from.

Shapes: B batch, T time, N dreams.
"""

import torch
from torch import Tensor

from agent.networks.dynamics import LatentState


def choose_starts(
    states: LatentState, loss_mask: Tensor | None, count: int, sequence_ends: bool
) -> tuple[LatentState, Tensor | None]:
    """About `count` of the posterior states (B, T, ...) as starts (N, ...), detached.

    Also returns bool (N,), which of the starts may be learned from; None if all may.
    `sequence_ends`: the last states of every sequence, in order, as the replay value needs them.
    Otherwise: states at even intervals over the batch, without excluded Steps.
    """
    if sequence_ends:
        size, length = states.deter.shape[:2]
        last = min(length, max(2, count // size))
        mask = None if loss_mask is None else loss_mask[:, -last:].flatten()
        return LatentState(*(part.detach()[:, -last:].flatten(0, 1) for part in states)), mask
    deter, stoch = (part.detach().flatten(0, 1) for part in states)
    if loss_mask is not None and bool(loss_mask.any()):
        deter, stoch = deter[loss_mask.flatten()], stoch[loss_mask.flatten()]
    size = deter.shape[0]
    number = min(count, size)
    # Counted from the end: the last state of a window has seen the most observations.
    chosen = size - 1 - torch.arange(number, device=deter.device) * size // number
    return LatentState(deter[chosen], stoch[chosen]), None
