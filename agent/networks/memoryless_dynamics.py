"""Dynamics without memory: the state is what is seen now, and nothing can be dreamed from it."""

import torch
from torch import Tensor, nn

from agent.networks.dynamics import Observed, State
from agent.networks.noise import Noise


class Memoryless(nn.Module):
    """Stands where a world model's dynamics stand: deter is the tokens themselves, stoch is
    empty."""

    def __init__(self, token_size: int) -> None:
        super().__init__()
        self.feature_size = token_size

    def initial(self, batch: int, device: torch.device | None = None) -> State:
        return State(
            torch.zeros(batch, self.feature_size, device=device),
            torch.zeros(batch, 0, device=device),
        )

    def observe(
        self, tokens: Tensor, action: Tensor, is_first: Tensor, state: State, noise: Noise
    ) -> Observed:
        """Tokens (B, T, E) as states; the others, which say what was before, are not needed."""
        nothing = tokens[..., :0]
        return Observed(State(tokens, nothing), nothing, nothing)

    def surprise(self, observed: Observed) -> Tensor:
        """Zeros (B, T): who foretells nothing is never surprised."""
        return torch.zeros_like(observed.state.deter[..., 0])
