"""The brain: filters what is seen into a state and chooses an action. Fast, CPU, no gradient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from agent.codec import to_patches
from agent.dynamics import State
from agent.networks import ActingNetworks
from agent.noise import CounterNoise, Noise
from configs.schema import Config
from interfaces.world import Observation


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy wants: action (num_actions,), its raw sample, and what it thinks of it."""

    action: NDArray[np.float32]
    chosen: NDArray[np.float32]
    log_prob: float
    value: float


class Brain:
    """Holds the acting networks; `load` swaps them between two ticks."""

    def __init__(self, config: Config, networks: ActingNetworks) -> None:
        self._seed = config.seed
        self._networks = networks

    def load(self, networks: ActingNetworks) -> None:
        """Act with these from now on: a flip of a reference."""
        self._networks = networks

    def initial(self) -> State:
        return self._networks.dynamics.initial(1)

    @torch.inference_mode()
    def step(
        self, state: State, observation: Observation, tick: int, *, explore: bool = True
    ) -> tuple[State, Decision]:
        """One beat of thought. The noise depends on (seed, tick) alone: a tick can be replayed."""
        noise = CounterNoise(self._seed, tick)
        networks = self._networks
        state = _filter(networks, state, [observation], noise)
        if not bool(torch.isfinite(state.deter).all()):  # else it would never think again
            state = self.initial()
        feature = state.feature
        choice = networks.policy(feature, noise)
        action = choice.action if explore else networks.policy.mode(feature)
        return state, Decision(
            action=action[0].numpy(),
            chosen=choice.chosen[0].numpy() if explore else action[0].numpy(),
            log_prob=float(choice.log_prob),
            value=float(networks.value(feature)),
        )


@torch.inference_mode()
def think_together(
    networks: ActingNetworks,
    state: State,
    observations: Sequence[Observation],
    noise: Noise,
    *,
    explore: bool,
) -> tuple[State, NDArray[np.float32]]:
    """A beat of thought of many who know nothing of each other: state (N, ...), actions (N, A)."""
    state = _filter(networks, state, observations, noise)
    policy, feature = networks.policy, state.feature
    action = policy.sample(feature, noise).action if explore else policy.mode(feature)
    return state, action.numpy()


def _filter(
    networks: ActingNetworks, state: State, observations: Sequence[Observation], noise: Noise
) -> State:
    """The posterior after these observations, one for each row of the state."""
    image = torch.from_numpy(np.stack([each.image for each in observations]))
    vector = torch.from_numpy(np.stack([each.vector for each in observations]))
    sounds = [each.sound.reshape(-1) for each in observations if each.sound is not None]
    heard = torch.from_numpy(np.stack(sounds)) if sounds else None
    first = torch.tensor([[each.is_first] for each in observations])
    observed = networks.dynamics.observe(
        networks.encoder(to_patches(image), vector, heard).unsqueeze(1),
        vector[:, None, -networks.policy.num_actions :],
        first,
        state,
        noise,
    )
    return State(observed.state.deter[:, 0], observed.state.stoch[:, 0])
