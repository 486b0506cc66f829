"""Rewards that are functions of Steps, for one Step or for a whole batch."""

import numpy as np
from numpy.typing import NDArray

from configs.schema import RewardConfig
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation

# The reward terms that need only the Step, in the order of the record. `surprise` needs the world
# model and belongs to the trainer.
REWARD_TERMS = ("parameters", "action_cost", "world")


class StepRewards:
    """Weighted terms of reward_t, the answer to action_{t-1}; zero where is_first."""

    def __init__(self, config: RewardConfig, spaces: Spaces) -> None:
        self._weights = np.zeros(spaces.vector_size, np.float32)
        for name, weight in config.parameters.items():
            self._weights[spaces.features.index(name)] = weight
        self._has_weight = self._weights != 0
        self._num_actions = spaces.num_actions
        self._action_cost = config.action_cost
        self._world = config.world

    def of(self, observation: Observation) -> NDArray[np.float32]:
        """The terms (3,) of one observation, as the answer to the last action."""
        return self.terms(
            observation.vector,
            np.asarray(observation.reward, np.float32),
            np.asarray(observation.is_first),
        )

    def terms(
        self,
        vector: NDArray[np.float32],
        world_reward: NDArray[np.float32],
        is_first: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """vector (..., vector_size), world_reward and is_first (...) -> terms (..., 3).

        `world_reward` is the unweighted reward of the world itself.
        """
        last_sent = vector[..., -self._num_actions :]
        # A feature without a weight may be NaN or infinite: it must not change the reward.
        rewarded = np.where(self._has_weight, vector, np.float32(0))
        terms = np.stack(
            [
                rewarded @ self._weights,
                -self._action_cost * np.mean(np.square(last_sent), axis=-1),
                self._world * world_reward,
            ],
            axis=-1,
        )
        return np.where(is_first[..., None], np.float32(0), terms).astype(np.float32)
