"""Optimisers: Adam, and DreamerV3's LaProp with adaptive gradient clipping."""

# torch has no public name for its operations on lists of tensors.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from configs.learning import TrainerConfig

_BETA_SQUARE, _BETA_MOMENTUM = 0.999, 0.9
_TINY, _SMALLEST_NORM = 1e-20, 1e-3


class LaProp(torch.optim.Optimizer):
    """Adaptive clipping, then RMS scaling, then momentum on what is already scaled (Ziyin 2020).

    A tensor's gradient is clipped to `agc` of the tensor's norm, whole tensors, biases and scales
    too (Brock 2021 clips unit by unit). `weight_decay` is for tensors of two or more axes.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        agc: float = 0.3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(list(parameters), {"lr": lr, "agc": agc, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore
        for group in self.param_groups:
            self._step_group(group)

    def _step_group(self, group: dict[str, Any]) -> None:
        params: list[nn.Parameter] = [p for p in group["params"] if p.grad is not None]
        if not params:
            return
        grads = list(clipped([p.grad for p in params], params, group["agc"]))
        states = [self._state(p) for p in params]
        squares = [state["square"] for state in states]
        moments = [state["momentum"] for state in states]
        for state in states:
            state["step"] += 1
        count = float(states[0]["step"])
        torch._foreach_mul_(squares, _BETA_SQUARE)
        torch._foreach_addcmul_(squares, grads, grads, 1.0 - _BETA_SQUARE)
        scale = torch._foreach_div(squares, 1.0 - _BETA_SQUARE**count)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, _TINY)
        torch._foreach_div_(grads, scale)
        torch._foreach_mul_(moments, _BETA_MOMENTUM)
        torch._foreach_add_(moments, grads, alpha=1.0 - _BETA_MOMENTUM)
        moved = torch._foreach_div(moments, 1.0 - _BETA_MOMENTUM**count)
        if group["weight_decay"]:
            for change, p in zip(moved, params, strict=True):
                if p.dim() >= 2:
                    change.add_(p, alpha=group["weight_decay"])
        torch._foreach_add_(list[Tensor](params), moved, alpha=-group["lr"])

    def _state(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["square"] = torch.zeros_like(parameter)
            state["momentum"] = torch.zeros_like(parameter)
        return state


def clipped(
    grads: Sequence[Tensor | None], params: Sequence[Tensor], agc: float
) -> tuple[Tensor, ...]:
    """Gradients (new tensors) whose norm is at most `agc` times their parameter's; 0 is off."""
    found = [g for g in grads if g is not None]
    if not agc:
        return tuple(g.clone() for g in found)
    of_params, of_grads = torch._foreach_norm(list(params)), torch._foreach_norm(found)
    limit = agc * torch.stack(of_params).clamp(min=_SMALLEST_NORM)
    shrink = 1.0 / (torch.stack(of_grads) / limit).clamp(min=1.0)
    return torch._foreach_mul(found, list(shrink.unbind()))


def make_optimizer(module: nn.Module, lr: float, config: TrainerConfig) -> torch.optim.Optimizer:
    parameters = [p for p in module.parameters() if p.requires_grad]
    if config.optimizer == "laprop":
        return LaProp(parameters, lr, config.agc)
    return torch.optim.Adam(parameters, lr=lr, eps=1e-7, fused=True)


def warmed_up(lr: float, update: int, warmup: int) -> float:
    """The learning rate of update 0, 1, ...: rising from 0 over `warmup` updates."""
    return lr * min(1.0, update / warmup) if warmup else lr


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, rate: float) -> None:
    """Move the slow copy of a network towards it: an exponential mean of its parameters."""
    torch._foreach_lerp_(list[Tensor](slow.parameters()), list[Tensor](fast.parameters()), rate)
