"""The forward dynamics f: a recurrent state-space model (Hafner 2019, PlaNet).

Shapes: B batch, T time, A action, E tokens. Time axis second. `action` of step t is the one that
led to it, action_{t-1} of the journal's row t.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from agent.networks.latents import make_latent
from agent.networks.layers import linear, make_norm, mlp, truncated_normal_
from agent.networks.noise import Noise
from agent.networks.recurrent_cores import make_core
from configs.learning import ModelConfig


class State(NamedTuple):
    """deter (..., deter) carries memory, stoch (..., latent.size) is a sample."""

    deter: Tensor
    stoch: Tensor

    @property
    def feature(self) -> Tensor:
        """What every head reads."""
        return torch.cat([self.deter, self.stoch], -1)

    def like(self, feature: Tensor) -> "State":
        """The state that this feature (..., deter + stoch) is of, split where this one is."""
        return State(*feature.split((self.deter.shape[-1], self.stoch.shape[-1]), -1))

    def detach(self) -> "State":
        return State(self.deter.detach(), self.stoch.detach())


class Observed(NamedTuple):
    """A filtered sequence: states and the raw latent statistics, all (B, T, ...)."""

    state: State
    posterior: Tensor
    prior: Tensor


class Dynamics(nn.Module):
    """deter' = core(deter, stoch, action); prior p(stoch|deter); posterior q(stoch|deter, o)."""

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
        # A layer on [deter, tokens], in two halves: the tokens' is computed for all steps at once.
        self.posterior_from_deter = nn.Linear(config.deter, units, bias=False)
        self.posterior_from_tokens = nn.Linear(token_size, units)
        if norm == "rms":
            for half in (self.posterior_from_deter, self.posterior_from_tokens):
                truncated_normal_(half.weight, config.deter + token_size)
            nn.init.zeros_(self.posterior_from_tokens.bias)
        self.posterior_norm = make_norm(norm, units)
        self.posterior_out = linear(units, stats, norm)

    def initial(self, batch: int, device: torch.device | None = None) -> State:
        return State(
            torch.zeros(batch, self._deter, device=device),
            torch.zeros(batch, self.latent.size, device=device),
        )

    def observe(
        self, tokens: Tensor, action: Tensor, is_first: Tensor, state: State, noise: Noise
    ) -> Observed:
        """Filter tokens (B, T, E), action (B, T, A), is_first (B, T) from `state` (B, ...).

        Where is_first is set, state and action are replaced by zeros.
        """
        begins = is_first.unsqueeze(-1)
        act = self.core.project_action(
            action.masked_fill(begins, 0.0)
        )  # projected outside of the loop
        seen = self.posterior_from_tokens(tokens)
        deter, stoch = state
        deters: list[Tensor] = []
        stochs: list[Tensor] = []
        posteriors: list[Tensor] = []
        for t in range(tokens.shape[1]):
            deter = deter.masked_fill(begins[:, t], 0.0)
            stoch = stoch.masked_fill(begins[:, t], 0.0)
            deter = self.core(deter, stoch, act[:, t])
            stats = self._posterior(deter, seen[:, t])
            stoch = self.latent.sample(stats, noise)
            deters.append(deter)
            stochs.append(stoch)
            posteriors.append(stats)
        deter_BT = torch.stack(deters, 1)
        states = State(deter_BT, torch.stack(stochs, 1))
        return Observed(states, torch.stack(posteriors, 1), self.prior_net(deter_BT))

    def imagine_step(self, state: State, action: Tensor, noise: Noise) -> State:
        """f: one step without an observation, a differentiable sample. state (N, ...)."""
        deter = self.core(state.deter, state.stoch, self.core.project_action(action))
        return State(deter, self.latent.sample(self.prior_net(deter), noise))

    def expect_step(self, state: State, action: Tensor) -> State:
        """Like imagine_step, with the prior's mode instead of a sample; any leading axes."""
        lead = state.deter.shape[:-1]
        flat = State(*(part.flatten(0, -2) for part in state))
        deter = self.core(*flat, self.core.project_action(action.flatten(0, -2)))
        stoch = self.latent.mode(self.prior_net(deter))
        return State(deter.unflatten(0, lead), stoch.unflatten(0, lead))

    def surprise(self, observed: Observed) -> Tensor:
        """KL(posterior || prior) in nats, (B, T)."""
        return self.latent.kl(observed.posterior, observed.prior)

    def _posterior(self, deter: Tensor, projected_tokens: Tensor) -> Tensor:
        x = self.posterior_norm(self.posterior_from_deter(deter) + projected_tokens)
        return self.posterior_out(nn.functional.silu(x))
