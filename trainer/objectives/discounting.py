"""Discount and continuation: the only place that says where `dream.discount` is applied.

A return is discounted once. With `dream.discount_in: dream` the continue head predicts whether the
episode continues, and imagined steps multiply its probability by the discount. With
`discount_in: continue` the head's target contains the discount (Hafner 2025), and imagined steps
use its output as it is. Recorded steps know whether the episode ended, so they always use the
number. A method with a discount of its own passes it to `recorded_discount`.

Shapes: ... any axes; H steps.
"""

import torch
from torch import Tensor

from configs.learning import DreamConfig


def continue_target(is_terminal: Tensor, dtype: torch.dtype, config: DreamConfig) -> Tensor:
    """The target (...) of the continue head: 0 where is_terminal (...), else 1 or the discount."""
    target = (~is_terminal).to(dtype)
    return target * config.discount if config.discount_in == "continue" else target


def imagined_factor(config: DreamConfig) -> float:
    """What an imagined step multiplies the continue probability by: the discount, or 1."""
    return config.discount if config.discount_in == "dream" else 1.0


def imagined_discount(continue_prob: Tensor, config: DreamConfig) -> Tensor:
    """The discount (...) of imagined steps, from the continue probability (...) at their ends."""
    return continue_prob if config.discount_in == "continue" else config.discount * continue_prob


def recorded_discount(is_terminal: Tensor, discount: float, dtype: torch.dtype) -> Tensor:
    """The discount (...) of recorded steps: 0 where the episode terminated (...)."""
    return discount * (~is_terminal).to(dtype)


def recorded_weight(steps: int, device: torch.device, config: DreamConfig) -> Tensor:
    """discount^t of recorded steps t = 0..H-1 that follow each other, (H, 1)."""
    return config.discount ** torch.arange(steps, device=device)[:, None]
