"""The forward dynamics f: a recurrent state-space model (PlaNet, Hafner 2019).

Shapes: B batch, T time (second axis), N rows, A action, E tokens, D deter, S flat stoch. The
`action` of step t is the one that led to it: action_{t-1} of the journal.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from agent.networks.latents import make_latent
from agent.networks.layers import linear, make_norm, mlp, truncated_normal_
from agent.networks.noise import Noise
from agent.networks.recurrent_cores import make_core
from configs.learning import ModelConfig


class LatentState(NamedTuple):
    """The state of the model: deter (..., D) is the memory, stoch (..., S) is a sample."""

    deter: Tensor
    stoch: Tensor

    @property
    def feature(self) -> Tensor:
        """[deter, stoch] (..., D + S): the input of every head."""
        return torch.cat([self.deter, self.stoch], -1)

    def with_feature(self, feature: Tensor) -> "LatentState":
        """The state whose feature (..., D + S) this is. It has the sizes D and S of this state."""
        return LatentState(*feature.split((self.deter.shape[-1], self.stoch.shape[-1]), -1))

    def detach(self) -> "LatentState":
        """The same state without its gradient history."""
        return LatentState(self.deter.detach(), self.stoch.detach())


class FilteredSequence(NamedTuple):
    """States and raw latent statistics of a sequence of observations, all (B, T, ...)."""

    state: LatentState
    posterior: Tensor
    prior: Tensor


class Dynamics(nn.Module):
    """deter' = core(deter, stoch, action); prior p(stoch | deter); posterior q(stoch | deter, o).

    `feature_size` is D + S.
    """

    def __init__(self, config: ModelConfig, token_size: int, num_actions: int) -> None:
        super().__init__()
        self.latent = make_latent(config)
        self._deter = config.deter
        self.feature_size = config.deter + self.latent.size
        self.core = make_core(config, self.latent.size, num_actions)
        norm, units, stats = config.norm, config.units, self.latent.stat_size
        self.prior_net = nn.Sequential(
            *mlp(config.deter, units, config.prior_layers, norm), linear(units, stats, norm)
        )
        # One layer on [deter, tokens] in two halves: the tokens' half runs on all steps at once.
        self.posterior_from_deter = nn.Linear(config.deter, units, bias=False)
        self.posterior_from_tokens = nn.Linear(token_size, units)
        if norm == "rms":
            for half in (self.posterior_from_deter, self.posterior_from_tokens):
                truncated_normal_(half.weight, config.deter + token_size)
            nn.init.zeros_(self.posterior_from_tokens.bias)
        self.posterior_norm = make_norm(norm, units)
        self.posterior_out = linear(units, stats, norm)

    def initial(self, batch: int, device: torch.device | None = None) -> LatentState:
        """The state before the first observation: zeros (batch, D) and (batch, S)."""
        return LatentState(
            torch.zeros(batch, self._deter, device=device),
            torch.zeros(batch, self.latent.size, device=device),
        )

    def observe(
        self, tokens: Tensor, action: Tensor, is_first: Tensor, state: LatentState, noise: Noise
    ) -> FilteredSequence:
        """Filter tokens (B, T, E), action (B, T, A) and is_first (B, T), starting at `state`.

        `state` is (B, ...). Where is_first is set, the previous state and the action become zeros.
        """
        begins = is_first.unsqueeze(-1)
        projected_action = self.core.project_action(action.masked_fill(begins, 0.0))
        projected_tokens = self.posterior_from_tokens(tokens)
        deter, stoch = state
        deters: list[Tensor] = []
        stochs: list[Tensor] = []
        posteriors: list[Tensor] = []
        for t in range(tokens.shape[1]):
            deter = deter.masked_fill(begins[:, t], 0.0)
            stoch = stoch.masked_fill(begins[:, t], 0.0)
            deter = self.core(deter, stoch, projected_action[:, t])
            stats = self._posterior(deter, projected_tokens[:, t])
            stoch = self.latent.sample(stats, noise)
            deters.append(deter)
            stochs.append(stoch)
            posteriors.append(stats)
        deter_BT = torch.stack(deters, 1)
        states = LatentState(deter_BT, torch.stack(stochs, 1))
        return FilteredSequence(states, torch.stack(posteriors, 1), self.prior_net(deter_BT))

    def imagine_step(self, state: LatentState, action: Tensor, noise: Noise) -> LatentState:
        """One step of f without an observation, as a differentiable sample of the prior.

        state (N, ...), action (N, A) -> state (N, ...).
        """
        deter = self.core(state.deter, state.stoch, self.core.project_action(action))
        return LatentState(deter, self.latent.sample(self.prior_net(deter), noise))

    def predict_step(self, state: LatentState, action: Tensor) -> LatentState:
        """Like imagine_step with the prior's mode instead of a sample; any leading axes."""
        lead = state.deter.shape[:-1]
        flat = LatentState(*(part.flatten(0, -2) for part in state))
        deter = self.core(*flat, self.core.project_action(action.flatten(0, -2)))
        stoch = self.latent.mode(self.prior_net(deter))
        return LatentState(deter.unflatten(0, lead), stoch.unflatten(0, lead))

    def surprise(self, observed: FilteredSequence) -> Tensor:
        """KL(posterior || prior) in nats: (B, T)."""
        return self.latent.kl(observed.posterior, observed.prior)

    def _posterior(self, deter: Tensor, projected_tokens: Tensor) -> Tensor:
        x = self.posterior_norm(self.posterior_from_deter(deter) + projected_tokens)
        return self.posterior_out(nn.functional.silu(x))
