"""Optimisers: Adam, and DreamerV3's LaProp with adaptive gradient clipping."""

# torch has no public names for its operations on lists of tensors.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from configs.training import TrainerConfig

_BETA_SQUARE, _BETA_MOMENTUM = 0.999, 0.9
# DreamerV3's code has 1e-20. A gradient whose square is flushed to zero would then make a step of
# 300 learning rates.
_TINY = 1e-18
_ADAM_TINY, _SMALLEST_NORM = 1e-7, 1e-3


class Optimizer(ABC):
    """Gradient steps for parameters on one device and of one dtype.

    It replaces torch.optim, whose first step imports the compiler: 75 MB and 1.4 s at every start
    of a trainer, which compiles nothing.
    """

    state_names: tuple[str, ...] = ()  # the state of each parameter, besides its "step"
    step_device: str | None = None  # device of "step"; None: the parameter's

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        self.parameters = list(parameters)
        self.lr = lr
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}  # only parameters stepped before

    def zero_grad(self) -> None:
        """Drop the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step for every parameter that has a gradient."""
        if params := [p for p in self.parameters if p.grad is not None]:
            self._step(params, [p.grad for p in params if p.grad is not None])

    def restore_state(self, parameter: nn.Parameter, state: dict[str, Tensor]) -> None:
        """Restores a parameter's state from a checkpoint; {} if it was never stepped.

        Raises ValueError if the state belongs to another optimiser.
        """
        names = {"step", *self.state_names}
        if state and state.keys() != names:
            raise ValueError(
                f"the optimiser state has {sorted(state)}, but {sorted(names)} is needed"
            )
        for name, value in state.items():
            if value.dim() and value.shape != parameter.shape:
                shapes = f"{list(value.shape)}, but the parameter is {list(parameter.shape)}"
                raise ValueError(f"the optimiser state {name} is {shapes}")
        self.state.pop(parameter, None)
        if state:
            # The fused step needs the parameter's memory order; a checkpoint does not store
            # channels-last.
            self.state[parameter] = {
                name: torch.empty_like(parameter).copy_(value)
                if value.dim()
                else value.to(self.step_device or parameter.device, copy=True)
                for name, value in state.items()
            }

    @abstractmethod
    def _step(self, params: list[nn.Parameter], grads: list[Tensor]) -> None:
        """Updates each parameter with its gradient."""

    def _state(self, params: list[nn.Parameter]) -> list[list[Tensor]]:
        """One list over all parameters for "step" and for each of state_names; zeros at first."""
        for p in params:
            if p not in self.state:
                step = torch.zeros((), device=self.step_device or p.device)
                zeros = {name: torch.zeros_like(p) for name in self.state_names}
                self.state[p] = {"step": step} | zeros
        return [[self.state[p][name] for p in params] for name in ("step", *self.state_names)]


class Adam(Optimizer):
    """Adam (Kingma & Ba 2014) by torch's fused kernel, bit-identical to torch.optim.Adam."""

    state_names = ("exp_avg", "exp_avg_sq")

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
    """Adaptive clipping, then RMS scaling, then momentum of the scaled gradient (Ziyin 2020).

    The norm of a gradient tensor is clipped to `agc` times the norm of its parameter. This is done
    for whole tensors, biases and scales included (Brock 2021 clips each unit). `weight_decay`
    applies to tensors with two or more axes.
    """

    state_names = ("square", "momentum")
    step_device = "cpu"  # read as a number in each step: on a GPU this would be a sync point

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
        grads = list(clip_adaptively(grads, params, self._agc))
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


def clip_adaptively(
    grads: Sequence[Tensor | None], params: Sequence[Tensor], agc: float
) -> tuple[Tensor, ...]:
    """New gradients, each with a norm of at most `agc` times its parameter's norm; 0 is off."""
    given = [g for g in grads if g is not None]
    if not agc:
        return tuple(g.clone() for g in given)
    param_norms, grad_norms = torch._foreach_norm(list(params)), torch._foreach_norm(given)
    limit = agc * torch.stack(param_norms).clamp(min=_SMALLEST_NORM)
    factor = 1.0 / (torch.stack(grad_norms) / limit).clamp(min=1.0)
    return torch._foreach_mul(given, list(factor.unbind()))


def make_optimizer(module: nn.Module, lr: float, config: TrainerConfig) -> Optimizer:
    """The optimiser of `trainer.optimizer` for a module's trainable parameters."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    if config.optimizer == "laprop":
        return LaProp(parameters, lr, config.agc)
    return Adam(parameters, lr)


def warmup_lr(lr: float, update: int, warmup: int) -> float:
    """The learning rate of update 0, 1, ...: it rises linearly from 0 over `warmup` updates."""
    return lr * min(1.0, update / warmup) if warmup else lr


@torch.no_grad()
def ema_update(slow: nn.Module, fast: nn.Module, rate: float) -> None:
    """Moves the parameters of `slow` towards `fast` by `rate`: an exponential moving average."""
    torch._foreach_lerp_(list[Tensor](slow.parameters()), list[Tensor](fast.parameters()), rate)
