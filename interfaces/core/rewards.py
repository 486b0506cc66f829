"""Rewards that are functions of Steps, for one Step or for a whole batch.

A reward term is a named number without a weight, and a weight. Journal and session record both, so
a recorded reward can be read without the configuration, and computed again with other weights.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.schema import RewardConfig
from interfaces.core.plugin_term import PluginTerm
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout, value_field
from interfaces.core.world import Observation


@dataclass(frozen=True)
class RewardInput:
    """The part of the Steps from which reward terms are computed, for Steps (...).

    `vector`: (..., vector_size). `world_reward`: (...), the reward of the world itself.
    `is_first`: (...); where it is true, every reward is 0.
    """

    spaces: Spaces
    vector: NDArray[np.float32]
    world_reward: NDArray[np.float32]
    is_first: NDArray[np.bool_]

    def feature(self, name: str) -> NDArray[np.float32]:
        """The avatar parameter or other feature with this name, (...). Raises ValueError."""
        return self.vector[..., _index(name, self.spaces.features, "feature")]

    def sent(self, name: str) -> NDArray[np.float32]:
        """The action with this name as really sent one Step before, (...). Raises ValueError."""
        names = [action.name for action in self.spaces.actions]
        return self.last_action[..., _index(name, names, "action")]

    @property
    def last_action(self) -> NDArray[np.float32]:
        """The action that was really sent one Step before, (..., num_actions)."""
        return self.vector[..., -self.spaces.num_actions :]


def _index(name: str, names: Sequence[str], what: str) -> int:
    if name not in names:
        raise ValueError(f"no {what} {name}; known: {', '.join(names) or 'none'}")
    return names.index(name)


@dataclass(frozen=True)
class RewardTerm:
    """One term: its name, its weight, and its value (...) without the weight for Steps (...).

    The name is its key in the section `reward` of the configuration. `source`: the plugin that
    computes the value. Until StepRewards loads it, the value is 0.
    """

    name: str
    weight: float
    value: Callable[[RewardInput], NDArray[np.float32]]
    source: str | None = None


def _parameters(config: RewardConfig) -> Iterator[RewardTerm]:
    for name, weight in config.parameters.items():
        yield RewardTerm(f"parameters.{name}", weight, lambda steps, name=name: steps.feature(name))


def _action_cost(config: RewardConfig) -> Iterator[RewardTerm]:
    def mean_square(steps: RewardInput) -> NDArray[np.float32]:
        return np.mean(np.square(steps.last_action), axis=-1)

    yield RewardTerm("action_cost", -config.action_cost, mean_square)


def _world(config: RewardConfig) -> Iterator[RewardTerm]:
    yield RewardTerm("world", config.world, lambda steps: steps.world_reward)


def _plugins(config: RewardConfig) -> Iterator[RewardTerm]:
    def zero(steps: RewardInput) -> NDArray[np.float32]:
        return np.zeros_like(steps.world_reward)

    for name, term in config.terms.items():
        yield RewardTerm(name, term.weight, zero, term.source)


# Every term that needs only Steps. To add one, write a function like those above and add it here,
# and its key to RewardConfig. `surprise` needs the world model and belongs to the trainer.
TERMS: tuple[Callable[[RewardConfig], Iterator[RewardTerm]], ...] = (
    _parameters,
    _action_cost,
    _world,
    _plugins,
)


def make_reward_terms(config: RewardConfig) -> list[RewardTerm]:
    """The terms of a configuration, in the order in which they are recorded."""
    return [term for make in TERMS for term in make(config)]


def step_layout(config: RewardConfig, spaces: Spaces) -> StepLayout:
    """The fields of the Steps that a run with these rewards and spaces records."""
    return StepLayout(spaces, tuple(term.name for term in make_reward_terms(config)))


def _loaded(term: RewardTerm, spaces: Spaces) -> RewardTerm:
    """The term with the code of its plugin, if it has one."""
    if term.source is None:
        return term
    value = PluginTerm(term.name, term.source)
    value.try_out(RewardInput, spaces)
    return replace(term, value=value)


def recorded_plugin_reward(config: RewardConfig, step: NDArray[np.void]) -> float:
    """The sum of the weighted terms of plugins of one Step, by their recorded values.

    A term that the Step lacks is 0. Loads no plugin.
    """
    names, total = step.dtype.names or (), 0.0
    for name, term in config.terms.items():
        if term.weight and value_field(name) in names:
            total += term.weight * float(step[value_field(name)])
    return total


def by_group(names: Sequence[str], values: Sequence[float] | NDArray[Any]) -> dict[str, float]:
    """The sum of the values of each group of terms, by name.

    All avatar parameters are one group, `parameters`. Other terms are groups of their own.
    """
    sums = {"parameters": 0.0}
    for name, value in zip(names, values, strict=True):
        group = "parameters" if name.startswith("parameters.") else name
        sums[group] = sums.get(group, 0.0) + float(value)
    return sums


class StepRewards:
    """The reward_t of Steps, the answer to action_{t-1}; zero where is_first.

    `names` (K) and `weights` (K,) are those of the terms.
    """

    def __init__(self, config: RewardConfig, spaces: Spaces, *, load_plugins: bool = True) -> None:
        """Raises ValueError if a rewarded parameter is not among the features.

        `load_plugins`: False for the configuration of a recording, which may come from another
        person; see `recorded_plugin_reward`. Raises PluginError for a plugin that cannot be used.
        """
        self._terms, self._spaces = make_reward_terms(config), spaces
        if load_plugins:
            self._terms = [_loaded(term, spaces) for term in self._terms]
        for name in config.parameters:
            spaces.features.index(name)
        self.names = tuple(term.name for term in self._terms)
        self.weights = np.array([term.weight for term in self._terms], np.float32)

    def of(self, observation: Observation) -> NDArray[np.float32]:
        """The unweighted terms (K,) of one observation, as the answer to the last action."""
        return self.values(
            observation.vector,
            np.asarray(observation.reward, np.float32),
            np.asarray(observation.is_first),
        )

    def values(
        self,
        vector: NDArray[np.float32],
        world_reward: NDArray[np.float32],
        is_first: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """vector (..., vector_size), world_reward and is_first (...) -> unweighted terms (..., K).

        `world_reward` is the unweighted reward of the world itself.
        """
        steps = RewardInput(self._spaces, vector, world_reward, is_first)
        values = np.stack([term.value(steps) for term in self._terms], axis=-1)
        return np.where(is_first[..., None], np.float32(0), values).astype(np.float32)

    def weighted(
        self,
        vector: NDArray[np.float32],
        world_reward: NDArray[np.float32],
        is_first: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Like `values`, but each term times its weight, (..., K)."""
        return self.weigh(self.values(vector, world_reward, is_first))

    def weigh(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unweighted terms (..., K) times their weights."""
        # A term without a weight may be NaN or infinite: it must not change the reward.
        return np.where(self.weights != 0, values, np.float32(0)) * self.weights
