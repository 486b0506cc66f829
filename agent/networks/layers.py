"""Building blocks of every network: normalised dense layers, block-diagonal layers and symlog.

Shapes: ... any leading axes, last axis features; N batch.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Norm = Literal["layer", "rms"]
_RMS_EPS = 1e-4
_LAYER_EPS = 1e-3


def make_norm(kind: Norm, size: int) -> nn.Module:
    """Layer norm (one fused kernel on a CPU) or RMS norm with a scale (DreamerV3)."""
    if kind == "rms":
        return nn.RMSNorm(size, eps=_RMS_EPS)
    return nn.LayerNorm(size, eps=_LAYER_EPS)


class NormedLinear(nn.Module):
    """A linear map, a norm and SiLU: (..., inputs) -> (..., outputs)."""

    def __init__(self, inputs: int, outputs: int, norm: Norm = "layer") -> None:
        super().__init__()
        self.linear = linear(inputs, outputs, norm)
        self.norm = make_norm(norm, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return F.silu(self.norm(self.linear(x)))


def linear(inputs: int, outputs: int, norm: Norm, *, bias: bool = True) -> nn.Linear:
    """A linear layer. `norm` selects its initialisation: DreamerV3's for rms, torch's for layer."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    if norm == "rms":
        truncated_normal_(layer.weight, inputs)
        if bias:
            nn.init.zeros_(layer.bias)
    return layer


def truncated_normal_(weight: Tensor, fan_in: int, scale: float = 1.0) -> None:
    """Fill `weight` in place from a normal truncated at two standard deviations (DreamerV3).

    The standard deviation before truncation is 1.1368 sqrt(1 / fan_in), times `scale`.
    """
    std = 1.1368 * math.sqrt(1.0 / fan_in) * scale
    with torch.no_grad():
        nn.init.trunc_normal_(weight, 0.0, std, -2.0 * std, 2.0 * std)


class BlockLinear(nn.Module):
    """A block-diagonal linear map: each of `blocks` equal parts of the input has its own matrix.

    weight is (blocks, inputs / blocks, outputs / blocks). With the last two axes in the other
    order, the batched product takes ten times as long on a CPU.
    """

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.weight = nn.Parameter(torch.empty(blocks, inputs // blocks, outputs // blocks))
        self.bias = nn.Parameter(torch.zeros(outputs))
        truncated_normal_(self.weight, inputs)  # fan-in is the whole input, as in DreamerV3

    def forward(self, parts: Tensor) -> Tensor:
        """(N, blocks, inputs / blocks) -> (N, outputs), in the order of the blocks."""
        out = torch.baddbmm(self.bias.view(self.blocks, 1, -1), parts.transpose(0, 1), self.weight)
        return out.transpose(0, 1).reshape(parts.shape[0], -1)


def mlp(inputs: int, units: int, layers: int, norm: Norm = "layer") -> nn.Sequential:
    """`layers` NormedLinear layers of `units` units: (..., inputs) -> (..., units)."""
    return nn.Sequential(
        *(NormedLinear(inputs if i == 0 else units, units, norm) for i in range(layers))
    )


def head(
    inputs: int, units: int, layers: int, outputs: int, scale: float = 1.0, norm: Norm = "layer"
) -> nn.Sequential:
    """An mlp and a linear output layer: (..., inputs) -> (..., outputs).

    The output layer's initial weights are multiplied by `scale`; its bias starts at 0.
    """
    out = linear(units if layers else inputs, outputs, norm)
    with torch.no_grad():
        out.weight.mul_(scale)
        out.bias.zero_()
    return nn.Sequential(*mlp(inputs, units, layers, norm), out)


def symlog(x: Tensor) -> Tensor:
    """sign(x) log(1 + |x|), elementwise (Hafner 2023, eq. 9)."""
    return torch.sign(x) * torch.log1p(torch.abs(x))


def symexp(x: Tensor) -> Tensor:
    """sign(x) (exp(|x|) - 1), elementwise: the inverse of symlog."""
    return torch.sign(x) * torch.expm1(torch.abs(x))
