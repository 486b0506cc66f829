"""The bricks of every network: normed dense layers and the normed GRU cell."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NormedLinear(nn.Module):
    """Linear, layer norm, SiLU."""

    # torch's layer norm is one fused kernel on a CPU; its RMS norm is many, forward and back.

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.LayerNorm(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.linear(x)))


def mlp(inputs: int, units: int, layers: int) -> nn.Sequential:
    """`layers` normed dense layers of `units`."""
    return nn.Sequential(*(NormedLinear(inputs if i == 0 else units, units) for i in range(layers)))


def head(inputs: int, units: int, layers: int, outputs: int, scale: float = 1.0) -> nn.Sequential:
    """An mlp and a linear output whose initial weights are multiplied by `scale`."""
    out = nn.Linear(units, outputs)
    with torch.no_grad():
        out.weight.mul_(scale)
        out.bias.zero_()
    return nn.Sequential(*mlp(inputs, units, layers), out)


class NormedGRU(nn.Module):
    """GRU cell with a layer norm over its gates (as in Hafner 2020, DreamerV2's recurrent cell).

    The update bias of -1 makes a fresh cell remember.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.linear = nn.Linear(inputs + units, 3 * units, bias=False)
        self.norm = nn.LayerNorm(3 * units, eps=1e-3)
        self.bias = nn.Parameter(torch.zeros(3 * units))

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        gates = self.norm(self.linear(torch.cat([x, state], -1))) + self.bias
        reset, candidate, update = gates.split(self.units, -1)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        update = torch.sigmoid(update - 1.0)
        return torch.lerp(state, candidate, update)


def symlog(x: Tensor) -> Tensor:
    """sign(x) log(1 + |x|) (Hafner 2023, eq. 9)."""
    return torch.sign(x) * torch.log1p(torch.abs(x))


def symexp(x: Tensor) -> Tensor:
    """The inverse of symlog."""
    return torch.sign(x) * torch.expm1(torch.abs(x))
