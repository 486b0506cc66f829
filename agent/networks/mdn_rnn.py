"""World Models' V and M: z of a variational autoencoder, and an LSTM that foretells the next z as a
mixture of Gaussians (Ha & Schmidhuber 2018, 2.2 and 2.3).

Shapes: B batch, T time, A action, E tokens, Z latent. From outside it is like agent.networks.dynamics:
State.deter is the LSTM's [h, c], State.stoch is z. Row t has z_t of observation_t alone, and
h_t = LSTM([z_{t-1}, a_{t-1}], h_{t-1}), which has not seen it.
"""

import math

import torch
from torch import Tensor, nn

from agent.networks.dynamics import Observed, State
from agent.networks.gaussian_mixture import Mixture
from agent.networks.latents import GaussianLatent
from agent.networks.noise import Noise
from agent.networks.patch_codec import Decoded, Decoder
from configs.schema import Config
from interfaces.core.spaces import Spaces


class MdnDynamics(nn.Module):
    """z ~ q(z|o); h' = LSTM([z, a], h); z' ~ sum_k pi_k(h') N(z + mu_k(h'), sigma_k(h')).

    The means are changes of z, where the paper's are z itself: little data goes further. V learns
    nothing from M, as there: where M reads z, the gradient ends.
    """

    def __init__(self, config: Config, token_size: int, num_actions: int) -> None:
        super().__init__()
        own, min_std = config.world_models, config.model.min_std
        self.latent = GaussianLatent(own.latent, min_std)
        self.mixture = Mixture(own.mixtures, own.latent, min_std)
        self.temperature = own.temperature
        self._hidden = own.hidden
        self.feature_size = 2 * own.hidden + own.latent
        self.posterior = nn.Linear(token_size, self.latent.stat_size)
        self.from_input = nn.Linear(own.latent + num_actions, 4 * own.hidden)
        self.from_hidden = nn.Linear(own.hidden, 4 * own.hidden, bias=False)
        self.foretell = nn.Linear(own.hidden, self.mixture.stat_size)
        with torch.no_grad():  # a fresh cell remembers, and a fresh mixture expects no change
            self.from_input.bias[own.hidden : 2 * own.hidden] += 1.0
            self.foretell.weight.mul_(0.1)

    def initial(self, batch: int, device: torch.device | None = None) -> State:
        return State(
            torch.zeros(batch, 2 * self._hidden, device=device),
            torch.zeros(batch, self.latent.size, device=device),
        )

    def observe(
        self, tokens: Tensor, action: Tensor, is_first: Tensor, state: State, noise: Noise
    ) -> Observed:
        """Filter tokens (B, T, E), action (B, T, A), is_first (B, T) from `state` (B, ...).

        Where is_first is set, memory, z and action before it are zeros. `prior` are the mixture's
        stats of each z, from what came before it.
        """
        goes_on = (~is_first).unsqueeze(-1).to(tokens.dtype)
        posterior = self.posterior(tokens)
        z = self.latent.sample(posterior, noise)
        before = torch.cat([state.stoch.unsqueeze(1), z[:, :-1]], 1).detach() * goes_on
        told = self.from_input(torch.cat([before, action * goes_on], -1))
        deter, deters = state.deter, list[Tensor]()
        for t in range(tokens.shape[1]):
            deter = self._cell(told[:, t], deter * goes_on[:, t])
            deters.append(deter)
        deter = torch.stack(deters, 1)
        return Observed(State(deter, z), posterior, self._stats(deter, before))

    def imagine_step(self, state: State, action: Tensor, noise: Noise) -> State:
        """f: one step without an observation, a sample at the temperature. state (..., Z)."""
        deter, stats = self._ahead(state, action)
        return State(deter, self.mixture.sample(stats, noise, self.temperature))

    def expect_step(self, state: State, action: Tensor) -> State:
        """Like imagine_step, with the likeliest component's mean instead of a sample."""
        deter, stats = self._ahead(state, action)
        return State(deter, self.mixture.mode(stats))

    def surprise(self, observed: Observed) -> Tensor:
        """KL(posterior || prior) in nats by the sample that was drawn, (B, T)."""
        z = observed.state.stoch.detach()
        foretold = self.mixture.log_prob(observed.prior, z)
        return (self.latent.log_prob(observed.posterior, z) - foretold).detach()

    def standard_kl(self, posterior: Tensor) -> Tensor:
        """KL(q(z|o) || N(0, 1)) in nats (...), of raw posterior statistics."""
        mean, raw_std = torch.zeros_like(posterior).chunk(2, -1)
        raw_std = raw_std + math.log(math.expm1(1.0 - self.latent.min_std))
        return self.latent.kl(posterior, torch.cat([mean, raw_std], -1))

    def _ahead(self, state: State, action: Tensor) -> tuple[Tensor, Tensor]:
        told = self.from_input(torch.cat([state.stoch, action], -1))
        deter = self._cell(told, state.deter)
        return deter, self._stats(deter, state.stoch)

    def _cell(self, told: Tensor, deter: Tensor) -> Tensor:
        """[h, c] after what the input told (..., 4 hidden) (Gers 2000)."""
        hidden, cell = deter.chunk(2, -1)
        gates = told + self.from_hidden(hidden)
        enter, keep, candidate, show = gates.chunk(4, -1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
        return torch.cat([torch.sigmoid(show) * torch.tanh(cell), cell], -1)

    def _stats(self, deter: Tensor, z: Tensor) -> Tensor:
        logits, change, raw_std = self.foretell(deter[..., : self._hidden]).tensor_split(
            (self.mixture.components, self.mixture.components * (1 + self.mixture.size)), -1
        )
        mean = change + z.repeat(*(1,) * (z.dim() - 1), self.mixture.components)
        return torch.cat([logits, mean, raw_std], -1)


class LatentDecoder(nn.Module):
    """V's decoder: it reads z, the end of a feature, and nothing of M's memory."""

    def __init__(self, spaces: Spaces, config: Config) -> None:
        super().__init__()
        self._size = config.world_models.latent
        self.net = Decoder(spaces, config.model, self._size)

    def forward(self, feature: Tensor) -> Decoded:
        return self.net(feature[..., -self._size :])

    def feel(self, feature: Tensor) -> Tensor:
        """(..., F) -> the vector alone, (..., D)."""
        return self.net.feel(feature[..., -self._size :])
