"""The brain: filters what is seen into a state and chooses an action. Fast, CPU, no gradient."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from agent.codec import to_patches
from agent.dynamics import State
from agent.networks import ActingNetworks
from agent.noise import CounterNoise
from configs.schema import Config
from interfaces.spaces import Spaces
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

    def __init__(self, spaces: Spaces, config: Config, networks: ActingNetworks) -> None:
        self._num_actions = spaces.num_actions
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
        image = torch.from_numpy(observation.image).unsqueeze(0)
        vector = torch.from_numpy(observation.vector).unsqueeze(0)
        sound = observation.sound
        heard = None if sound is None else torch.from_numpy(sound.reshape(1, -1))
        observed = networks.dynamics.observe(
            networks.encoder(to_patches(image), vector, heard).unsqueeze(1),
            vector[:, None, -self._num_actions :],
            torch.tensor([[observation.is_first]]),
            state,
            noise,
        )
        state = State(observed.state.deter[:, 0], observed.state.stoch[:, 0])
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
