"""The brain: filters what is seen into a state and chooses an action. Fast, CPU, no gradient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import Observed, State
from agent.networks.noise import CounterNoise, Noise
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from interfaces.core.world import Observation


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy wants: action (num_actions,), its raw sample, and what it thinks of it.

    feature (F,): the state that it was decided by.
    """

    action: NDArray[np.float32]
    chosen: NDArray[np.float32]
    log_prob: float
    value: float
    feature: NDArray[np.float32]


class Brain:
    """Holds the acting networks; `load` swaps them between two ticks."""

    def __init__(self, config: Config, networks: ActingNetworks) -> None:
        self._seed = config.seed
        self._networks = networks

    def load(self, networks: ActingNetworks) -> None:
        """Act with these from now on: a flip of a reference."""
        self._networks = networks

    @property
    def feature_size(self) -> int:
        return self._networks.dynamics.feature_size

    def initial(self, rows: int = 1) -> State:
        return self._networks.dynamics.initial(rows)

    def step(self, state: State, observation: Observation, tick: int) -> tuple[State, Decision]:
        """One beat of thought. The noise depends on (seed, tick) alone: a tick can be replayed."""
        state, decisions = self.step_together(state, [observation], CounterNoise(self._seed, tick))
        return state, decisions[0]

    @torch.inference_mode()
    def step_together(
        self, state: State, observations: Sequence[Observation], noise: Noise
    ) -> tuple[State, list[Decision]]:
        """A beat of thought of several, a row of the state (N, ...) each, who know nothing of each
        other."""
        networks = self._networks
        state = newest(perceive(networks, state, observations, noise))
        state = sane(networks, state)
        feature = state.feature
        choice = networks.policy(feature, noise)
        value = networks.value(feature)
        return state, [
            Decision(
                action=choice.action[i].numpy(),
                chosen=choice.chosen[i].numpy(),
                log_prob=float(choice.log_prob[i]),
                value=float(value[i]),
                feature=feature[i].numpy(),
            )
            for i in range(len(observations))
        ]


@torch.inference_mode()
def think_together(
    networks: ActingNetworks,
    state: State,
    observations: Sequence[Observation],
    noise: Noise,
    *,
    explore: bool,
) -> tuple[State, NDArray[np.float32]]:
    """Like Brain.step_together, of frozen networks and without what it costs to judge: actions
    (N, A), sampled or, without `explore`, the likeliest."""
    state = sane(networks, newest(perceive(networks, state, observations, noise)))
    policy, feature = networks.policy, state.feature
    action = policy.sample(feature, noise).action if explore else policy.mode(feature)
    return state, action.numpy()


def perceive(
    networks: ActingNetworks, state: State, observations: Sequence[Observation], noise: Noise
) -> Observed:
    """What these observations, one for each row of the state (N, ...), make of it: (N, 1, ...)."""
    image = torch.from_numpy(np.stack([each.image for each in observations]))
    vector = torch.from_numpy(np.stack([each.vector for each in observations]))
    sounds = [each.sound.reshape(-1) for each in observations if each.sound is not None]
    heard = torch.from_numpy(np.stack(sounds)) if sounds else None
    first = torch.tensor([[each.is_first] for each in observations])
    return networks.dynamics.observe(
        networks.encoder(to_patches(image), vector, heard).unsqueeze(1),
        vector[:, None, -networks.policy.num_actions :],
        first,
        state,
        noise,
    )


def sane(networks: ActingNetworks, state: State) -> State:
    """The same state (N, ...) but for rows that an absurd number has spoiled: they begin anew, else
    they would never think again."""
    whole = torch.isfinite(state.feature).all(-1, keepdim=True)
    if bool(whole.all()):
        return state
    fresh = networks.dynamics.initial(len(whole))
    return State(*(torch.where(whole, *parts) for parts in zip(state, fresh, strict=True)))


def newest(observed: Observed) -> State:
    """The last states (N, ...) of what was filtered."""
    return State(observed.state.deter[:, -1], observed.state.stoch[:, -1])
