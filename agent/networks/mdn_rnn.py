"""World Models' V and M (Ha & Schmidhuber 2018, sections 2.2 and 2.3).

V is a variational autoencoder with the latent z. M is an LSTM that predicts the next z as a
mixture of Gaussians.

Shapes: B batch, T time, A action, E tokens, Z latent, H hidden, F feature. The interface is that
of agent.networks.dynamics: LatentState.deter is the LSTM's [h, c] and LatentState.stoch is z.
Row t has z_t of observation_t alone. Its h_t = LSTM([z_{t-1}, a_{t-1}], h_{t-1}) does not depend
on observation_t.
"""

import math

import torch
from torch import Tensor, nn

from agent.networks.dynamics import FilteredSequence, LatentState
from agent.networks.gaussian_mixture import GaussianMixture
from agent.networks.latents import GaussianLatent
from agent.networks.noise import Noise
from agent.networks.patch_codec import DecodedObservation, Decoder
from configs.methods.world_models_method import WorldModelsConfig
from configs.schema import Config
from interfaces.core.spaces import Spaces


class MdnDynamics(nn.Module):
    """z ~ q(z|o); h' = LSTM([z, a], h); z' ~ sum_k pi_k(h') N(z + mu_k(h'), sigma_k(h')).

    The means are changes of z, where the paper's are z itself: this needs less data. As in the
    paper, V learns nothing from M: gradients stop where M reads z. `feature_size` is 2 H + Z.
    """

    def __init__(self, config: Config, token_size: int, num_actions: int) -> None:
        super().__init__()
        own, min_std = config.section(WorldModelsConfig), config.model.min_std
        self.latent = GaussianLatent(own.latent, min_std)
        self.mixture = GaussianMixture(own.mixtures, own.latent, min_std)
        self.temperature = own.temperature
        self._hidden = own.hidden
        self.feature_size = 2 * own.hidden + own.latent
        self.posterior = nn.Linear(token_size, self.latent.stat_size)
        self.from_input = nn.Linear(own.latent + num_actions, 4 * own.hidden)
        self.from_hidden = nn.Linear(own.hidden, 4 * own.hidden, bias=False)
        self.foretell = nn.Linear(own.hidden, self.mixture.stat_size)
        # A new cell keeps its memory, and a new mixture predicts almost no change.
        with torch.no_grad():
            self.from_input.bias[own.hidden : 2 * own.hidden] += 1.0
            self.foretell.weight.mul_(0.1)

    def initial(self, batch: int, device: torch.device | None = None) -> LatentState:
        """The state before the first observation: zeros (batch, 2 H) and (batch, Z)."""
        return LatentState(
            torch.zeros(batch, 2 * self._hidden, device=device),
            torch.zeros(batch, self.latent.size, device=device),
        )

    def observe(
        self, tokens: Tensor, action: Tensor, is_first: Tensor, state: LatentState, noise: Noise
    ) -> FilteredSequence:
        """Filter tokens (B, T, E), action (B, T, A) and is_first (B, T), starting at `state`.

        `state` is (B, ...). Where is_first is set, the previous memory, z and action become zeros.
        `prior` holds the mixture statistics of each z, predicted from the steps before it.
        """
        continues = (~is_first).unsqueeze(-1).to(tokens.dtype)
        posterior = self.posterior(tokens)
        z = self.latent.sample(posterior, noise)
        previous_z = torch.cat([state.stoch.unsqueeze(1), z[:, :-1]], 1).detach() * continues
        projected_input = self.from_input(torch.cat([previous_z, action * continues], -1))
        deter, deters = state.deter, list[Tensor]()
        for t in range(tokens.shape[1]):
            deter = self._cell(projected_input[:, t], deter * continues[:, t])
            deters.append(deter)
        deter = torch.stack(deters, 1)
        return FilteredSequence(LatentState(deter, z), posterior, self._stats(deter, previous_z))

    def imagine_step(self, state: LatentState, action: Tensor, noise: Noise) -> LatentState:
        """One step of f without an observation, sampled at `temperature`; any leading axes."""
        deter, stats = self._next(state, action)
        return LatentState(deter, self.mixture.sample(stats, noise, self.temperature))

    def predict_step(self, state: LatentState, action: Tensor) -> LatentState:
        """Like imagine_step with the mean of the most likely component instead of a sample."""
        deter, stats = self._next(state, action)
        return LatentState(deter, self.mixture.mode(stats))

    def surprise(self, observed: FilteredSequence) -> Tensor:
        """A one-sample estimate of KL(posterior || prior) in nats, at the drawn z: (B, T)."""
        z = observed.state.stoch.detach()
        prior_log_prob = self.mixture.log_prob(observed.prior, z)
        return (self.latent.log_prob(observed.posterior, z) - prior_log_prob).detach()

    def kl_to_standard_normal(self, posterior: Tensor) -> Tensor:
        """KL(q(z|o) || N(0, 1)) in nats (...), from raw posterior statistics (..., 2 Z)."""
        mean, raw_std = torch.zeros_like(posterior).chunk(2, -1)
        raw_std = raw_std + math.log(math.expm1(1.0 - self.latent.min_std))
        return self.latent.kl(posterior, torch.cat([mean, raw_std], -1))

    def _next(self, state: LatentState, action: Tensor) -> tuple[Tensor, Tensor]:
        projected_input = self.from_input(torch.cat([state.stoch, action], -1))
        deter = self._cell(projected_input, state.deter)
        return deter, self._stats(deter, state.stoch)

    def _cell(self, projected_input: Tensor, deter: Tensor) -> Tensor:
        """The LSTM's next [h, c] (..., 2 H) from the projected input (..., 4 H) (Gers 2000)."""
        hidden, cell = deter.chunk(2, -1)
        gates = projected_input + self.from_hidden(hidden)
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, -1)
        cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
        return torch.cat([torch.sigmoid(output_gate) * torch.tanh(cell), cell], -1)

    def _stats(self, deter: Tensor, z: Tensor) -> Tensor:
        logits, change, raw_std = self.foretell(deter[..., : self._hidden]).tensor_split(
            (self.mixture.components, self.mixture.components * (1 + self.mixture.size)), -1
        )
        mean = change + z.repeat(*(1,) * (z.dim() - 1), self.mixture.components)
        return torch.cat([logits, mean, raw_std], -1)


class LatentDecoder(nn.Module):
    """V's decoder. It reads z, the end of a feature, and not the memory of M."""

    def __init__(self, spaces: Spaces, config: Config) -> None:
        super().__init__()
        self._size = config.section(WorldModelsConfig).latent
        self.net = Decoder(spaces, config.model, self._size)

    def forward(self, feature: Tensor) -> DecodedObservation:
        """(B, F) -> the decoded observation; B stands for any leading axes."""
        return self.net(feature[..., -self._size :])

    def decode_vector(self, feature: Tensor) -> Tensor:
        """(..., F) -> the vector part only (..., D)."""
        return self.net.decode_vector(feature[..., -self._size :])
