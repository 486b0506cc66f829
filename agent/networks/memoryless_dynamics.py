"""Dynamics without memory: the state is the current observation, and there is no world model.

Shapes: B batch, T time, A action, E tokens.
"""

import torch
from torch import Tensor, nn

from agent.networks.dynamics import FilteredSequence, LatentState
from agent.networks.noise import Noise


class MemorylessDynamics(nn.Module):
    """Has the interface of Dynamics, without imagined steps: deter is the tokens, stoch is empty.

    PPO uses it.
    """

    def __init__(self, token_size: int) -> None:
        super().__init__()
        self.feature_size = token_size

    def initial(self, batch: int, device: torch.device | None = None) -> LatentState:
        """Zeros: deter (batch, E), stoch (batch, 0)."""
        return LatentState(
            torch.zeros(batch, self.feature_size, device=device),
            torch.zeros(batch, 0, device=device),
        )

    def observe(
        self, tokens: Tensor, action: Tensor, is_first: Tensor, state: LatentState, noise: Noise
    ) -> FilteredSequence:
        """Tokens (B, T, E) as states. The other arguments describe the past and are not used."""
        nothing = tokens[..., :0]
        return FilteredSequence(LatentState(tokens, nothing), nothing, nothing)

    def surprise(self, observed: FilteredSequence) -> Tensor:
        """Zeros (B, T): without a prediction there is no surprise."""
        return torch.zeros_like(observed.state.deter[..., 0])
