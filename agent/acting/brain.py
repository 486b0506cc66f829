"""The brain filters observations into a latent state and chooses actions. CPU, no gradient.

Shapes: N rows (agents that share the networks), A actions, F feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import FilteredSequence, LatentState
from agent.networks.noise import CounterNoise, Noise
from agent.networks.observing import filter_steps
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from interfaces.core.world import Observation


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy's choice for one observation.

    `action` (A,) is what to do, in policy units. `chosen` (A,) is the raw sample and `log_prob` its
    log-probability in nats. `value` is the estimated return of `feature` (F,), the latent state.
    """

    action: NDArray[np.float32]
    chosen: NDArray[np.float32]
    log_prob: float
    value: float
    feature: NDArray[np.float32]


class Brain:
    """Holds the acting networks. `load` replaces them between two ticks."""

    def __init__(self, config: Config, networks: ActingNetworks) -> None:
        self._seed = config.seed
        self._networks = networks

    def load(self, networks: ActingNetworks) -> None:
        """Act with these networks from now on. It only switches a reference."""
        self._networks = networks

    @property
    def feature_size(self) -> int:
        """The length F of a feature."""
        return self._networks.dynamics.feature_size

    def initial(self, rows: int = 1) -> LatentState:
        """The state (rows, ...) before the first observation."""
        return self._networks.dynamics.initial(rows)

    def step(
        self, state: LatentState, observation: Observation, tick: int
    ) -> tuple[LatentState, Decision]:
        """One decision: state (1, ...) and observation -> the next state and the decision.

        The noise depends only on (seed, tick), so a tick can be replayed exactly.
        """
        state, decisions = self.step_batch(state, [observation], CounterNoise(self._seed, tick))
        return state, decisions[0]

    @torch.inference_mode()
    def step_batch(
        self, state: LatentState, observations: Sequence[Observation], noise: Noise
    ) -> tuple[LatentState, list[Decision]]:
        """One decision for each of N independent agents: state (N, ...) and N observations."""
        networks = self._networks
        state = last_state(filter_observations(networks, state, observations, noise))
        state = reset_nonfinite_rows(networks, state)
        feature = state.feature
        output = networks.policy(feature, noise)
        value = networks.value(feature)
        return state, [
            Decision(
                action=output.action[i].numpy(),
                chosen=output.chosen[i].numpy(),
                log_prob=float(output.log_prob[i]),
                value=float(value[i]),
                feature=feature[i].numpy(),
            )
            for i in range(len(observations))
        ]


@torch.inference_mode()
def select_actions(
    networks: ActingNetworks,
    state: LatentState,
    observations: Sequence[Observation],
    noise: Noise,
    *,
    explore: bool,
) -> tuple[LatentState, NDArray[np.float32]]:
    """Like Brain.step_batch for fixed networks, without log-probability and value.

    Returns the next state (N, ...) and actions (N, A): samples, or the most likely actions unless
    `explore`.
    """
    observed = filter_observations(networks, state, observations, noise)
    state = reset_nonfinite_rows(networks, last_state(observed))
    policy, feature = networks.policy, state.feature
    action = policy.sample(feature, noise).action if explore else policy.mode(feature)
    return state, action.numpy()


def filter_observations(
    networks: ActingNetworks, state: LatentState, observations: Sequence[Observation], noise: Noise
) -> FilteredSequence:
    """Filter one observation for each row of `state` (N, ...). The result is (N, 1, ...)."""
    image = torch.from_numpy(np.stack([each.image for each in observations]))
    vector = torch.from_numpy(np.stack([each.vector for each in observations]))
    sounds = [each.sound.reshape(-1) for each in observations if each.sound is not None]
    sound = torch.from_numpy(np.stack(sounds)) if sounds else None
    is_first = torch.tensor([[each.is_first] for each in observations])
    return filter_steps(networks, to_patches(image), vector, sound, is_first, state, noise)


def reset_nonfinite_rows(networks: ActingNetworks, state: LatentState) -> LatentState:
    """The state (N, ...) with every row that has a non-finite number reset to the initial state.

    Without the reset such a row would stay non-finite in all later steps.
    """
    finite = torch.isfinite(state.feature).all(-1, keepdim=True)
    if bool(finite.all()):
        return state
    initial = networks.dynamics.initial(len(finite))
    parts = zip(state, initial, strict=True)
    return LatentState(*(torch.where(finite, *part) for part in parts))


def last_state(observed: FilteredSequence) -> LatentState:
    """The state (N, ...) after the last step of a filtered sequence (N, T, ...)."""
    return LatentState(observed.state.deter[:, -1], observed.state.stoch[:, -1])
