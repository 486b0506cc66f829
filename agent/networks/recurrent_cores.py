"""The recurrent cores of the dynamics: deter' = core(deter, stoch, action).

Shapes: N batch, A action, S flat stoch, D deter, U units. The action has its own projection, so
the actions of a whole sequence can be projected at once.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.networks.layers import BlockLinear, NormedLinear, make_norm
from configs.learning import ModelConfig


class RecurrentCore(Protocol):
    """One step of the deterministic memory."""

    def project_action(self, action: Tensor) -> Tensor:
        """(..., A) -> (..., U)."""
        ...

    def __call__(self, deter: Tensor, stoch: Tensor, projected_action: Tensor) -> Tensor:
        """(N, D), (N, S), (N, U) -> (N, D)."""
        ...


class GRUCore(nn.Module):
    """A dense layer on [stoch, action], then a GRU with a layer norm over its gates.

    Source: Hafner 2019; the norm as in DreamerV2's cell. The update gate has a bias of -1, so a
    new cell keeps most of its memory.
    """

    def __init__(self, config: ModelConfig, stoch_size: int, num_actions: int) -> None:
        super().__init__()
        units, deter = config.units, config.deter
        self.units = deter
        self.from_stoch = nn.Linear(stoch_size, units, bias=False)
        self.from_action = nn.Linear(num_actions, units)
        self.input_norm = make_norm(config.norm, units)
        self.gates = nn.Linear(units + deter, 3 * deter, bias=False)
        self.gate_norm = make_norm(config.norm, 3 * deter)
        self.gate_bias = nn.Parameter(torch.zeros(3 * deter))

    def project_action(self, action: Tensor) -> Tensor:
        """(..., A) -> (..., U)."""
        return self.from_action(action)

    def forward(self, deter: Tensor, stoch: Tensor, projected_action: Tensor) -> Tensor:
        """(N, D), (N, S), (N, U) -> (N, D)."""
        x = F.silu(self.input_norm(self.from_stoch(stoch) + projected_action))
        gates = self.gate_norm(self.gates(torch.cat([x, deter], -1))) + self.gate_bias
        reset, candidate, update = gates.split(self.units, -1)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        return torch.lerp(deter, candidate, torch.sigmoid(update - 1.0))


class BlockGRUCore(nn.Module):
    """DreamerV3's core: a GRU whose hidden layer and gates are block-diagonal.

    deter, stoch and action each pass through one layer. Every block of the hidden layer reads all
    three results and its own part of deter. Each block's gates are [reset, candidate, update], so
    the bias is laid out block by block too.
    """

    def __init__(self, config: ModelConfig, stoch_size: int, num_actions: int) -> None:
        super().__init__()
        units, deter, blocks, norm = config.units, config.deter, config.blocks, config.norm
        self.blocks = blocks
        self.from_deter = NormedLinear(deter, units, norm)
        self.from_stoch = NormedLinear(stoch_size, units, norm)
        self.from_action = NormedLinear(num_actions, units, norm)
        self.hidden = BlockLinear(deter + blocks * 3 * units, deter, blocks)
        self.hidden_norm = make_norm(norm, deter)
        self.gates = BlockLinear(deter, 3 * deter, blocks)

    def project_action(self, action: Tensor) -> Tensor:
        """(..., A) -> (..., U). Clips the action to -1..1; beyond it the gradient is 1/|a|."""
        return self.from_action(action / action.abs().clamp(min=1.0).detach())

    def forward(self, deter: Tensor, stoch: Tensor, projected_action: Tensor) -> Tensor:
        """(N, D), (N, S), (N, U) -> (N, D)."""
        shared = torch.cat([self.from_deter(deter), self.from_stoch(stoch), projected_action], -1)
        own_parts = deter.unflatten(-1, (self.blocks, -1))
        shared_by_block = shared.unsqueeze(-2).expand(-1, self.blocks, -1)
        x = F.silu(self.hidden_norm(self.hidden(torch.cat([own_parts, shared_by_block], -1))))
        gates = self.gates(x.unflatten(-1, (self.blocks, -1))).unflatten(-1, (self.blocks, 3, -1))
        reset, candidate, update = (gate.flatten(-2) for gate in gates.unbind(-2))
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        return torch.lerp(deter, candidate, torch.sigmoid(update - 1.0))


def make_core(config: ModelConfig, stoch_size: int, num_actions: int) -> RecurrentCore:
    """The core that `model.core` selects: block_gru or gru."""
    kind = BlockGRUCore if config.core == "block_gru" else GRUCore
    return kind(config, stoch_size, num_actions)
