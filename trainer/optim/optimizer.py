"""Optimisers: Adam, and DreamerV3's LaProp with adaptive gradient clipping."""

# torch has no public name for its operations on lists of tensors.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from configs.learning import TrainerConfig

_BETA_SQUARE, _BETA_MOMENTUM = 0.999, 0.9
_TINY = 1e-18  # official: 1e-20; a gradient whose square is flushed to zero then takes 300 steps
_ADAM_TINY, _SMALLEST_NORM = 1e-7, 1e-3


class Optimizer(ABC):
    """Steps down the gradient of some parameters of one device and kind of number.

    Not torch.optim's: its own loads the compiler with the first step, 75 MB and 1.4 s of every
    trainer's start, for a program that compiles nothing.
    """

    keeps: tuple[str, ...] = ()  # of each parameter, beside its "step"
    counts_on: str | None = None  # where "step" is kept; None: where the parameter is

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        self.parameters = list(parameters)
        self.lr = lr
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}  # of those stepped so far, by name

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        if moving := [p for p in self.parameters if p.grad is not None]:
            self._step(moving, [p.grad for p in moving if p.grad is not None])

    def put_back(self, parameter: nn.Parameter, kept: dict[str, Tensor]) -> None:
        """What a checkpoint kept of a parameter; empty where it was never stepped. Raises
        ValueError where another optimiser kept it."""
        if kept and kept.keys() != {"step", *self.keeps}:
            raise ValueError(f"of a parameter are kept {sorted(kept)}, not {sorted(self.keeps)}")
        self.state.pop(parameter, None)
        if kept:
            # In the memory order of the parameter: the fused step walks both alike, and a
            # checkpoint knows nothing of channels-last.
            self.state[parameter] = {
                name: torch.empty_like(parameter).copy_(value)
                if value.dim()
                else value.to(self.counts_on or parameter.device, copy=True)
                for name, value in kept.items()
            }

    @abstractmethod
    def _step(self, params: list[nn.Parameter], grads: list[Tensor]) -> None:
        """Move these parameters by these gradients, one each."""

    def _state(self, params: list[nn.Parameter]) -> list[list[Tensor]]:
        """What is kept of each parameter, a list for each name, after their "step"."""
        for p in params:
            if p not in self.state:
                step = torch.zeros((), device=self.counts_on or p.device)
                self.state[p] = {"step": step} | {name: torch.zeros_like(p) for name in self.keeps}
        return [[self.state[p][name] for p in params] for name in ("step", *self.keeps)]


class Adam(Optimizer):
    """Kingma & Ba 2014, with torch's fused kernel, to the bit as torch.optim.Adam has it."""

    keeps = ("exp_avg", "exp_avg_sq")

    def _step(self, params: list[nn.Parameter], grads: list[Tensor]) -> None:
        steps, means, squares = self._state(params)
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            list[Tensor](params),
            grads,
            means,
            squares,
            [],
            steps,
            lr=self.lr,
            beta1=_BETA_MOMENTUM,
            beta2=_BETA_SQUARE,
            weight_decay=0.0,
            eps=_ADAM_TINY,
            amsgrad=False,
            maximize=False,
        )


class LaProp(Optimizer):
    """Adaptive clipping, then RMS scaling, then momentum on what is already scaled (Ziyin 2020).

    A tensor's gradient is clipped to `agc` of the tensor's norm, whole tensors, biases and scales
    too (Brock 2021 clips unit by unit). `weight_decay` is for tensors of two or more axes.
    """

    keeps = ("square", "momentum")
    counts_on = "cpu"  # read as a number each step: on a GPU it would be waited for

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        agc: float = 0.3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        self._agc, self._weight_decay = agc, weight_decay

    def _step(self, params: list[nn.Parameter], grads: list[Tensor]) -> None:
        grads = list(clipped(grads, params, self._agc))
        steps, squares, moments = self._state(params)
        torch._foreach_add_(steps, 1)
        count = float(steps[0])
        torch._foreach_mul_(squares, _BETA_SQUARE)
        torch._foreach_addcmul_(squares, grads, grads, 1.0 - _BETA_SQUARE)
        scale = torch._foreach_div(squares, 1.0 - _BETA_SQUARE**count)
        torch._foreach_sqrt_(scale)
        torch._foreach_add_(scale, _TINY)
        torch._foreach_div_(grads, scale)
        torch._foreach_mul_(moments, _BETA_MOMENTUM)
        torch._foreach_add_(moments, grads, alpha=1.0 - _BETA_MOMENTUM)
        moved = torch._foreach_div(moments, 1.0 - _BETA_MOMENTUM**count)
        if self._weight_decay:
            for change, p in zip(moved, params, strict=True):
                if p.dim() >= 2:
                    change.add_(p, alpha=self._weight_decay)
        torch._foreach_add_(list[Tensor](params), moved, alpha=-self.lr)


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


def make_optimizer(module: nn.Module, lr: float, config: TrainerConfig) -> Optimizer:
    parameters = [p for p in module.parameters() if p.requires_grad]
    if config.optimizer == "laprop":
        return LaProp(parameters, lr, config.agc)
    return Adam(parameters, lr)


def warmed_up(lr: float, update: int, warmup: int) -> float:
    """The learning rate of update 0, 1, ...: rising from 0 over `warmup` updates."""
    return lr * min(1.0, update / warmup) if warmup else lr


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, rate: float) -> None:
    """Move the slow copy of a network towards it: an exponential mean of its parameters."""
    torch._foreach_lerp_(list[Tensor](slow.parameters()), list[Tensor](fast.parameters()), rate)
