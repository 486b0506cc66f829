"""Rewards that are functions of Steps: the lived terms, for one Step or a whole batch."""

import numpy as np
from numpy.typing import NDArray

from configs.schema import RewardConfig
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation

# The terms a Step alone can answer for, in the order of the record. `surprise` needs the model and
# belongs to the trainer.
LIVED_TERMS = ("parameters", "action_cost", "world")


class LivedRewards:
    """Weighted terms of reward_t, the answer to action_{t-1}; zero where is_first."""

    def __init__(self, config: RewardConfig, spaces: Spaces) -> None:
        self._weights = np.zeros(spaces.vector_size, np.float32)
        for name, weight in config.parameters.items():
            self._weights[spaces.features.index(name)] = weight
        self._is_paid = self._weights != 0
        self._num_actions = spaces.num_actions
        self._action_cost = config.action_cost
        self._world = config.world

    def of(self, observation: Observation) -> NDArray[np.float32]:
        """The terms (3,) of what one observation says about the last action."""
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

        `world_reward` is what the world itself paid, unweighted.
        """
        last_sent = vector[..., -self._num_actions :]
        # What nobody is paid for may be no number, and costs nothing then.
        weighed = np.where(self._is_paid, vector, np.float32(0))
        terms = np.stack(
            [
                weighed @ self._weights,
                -self._action_cost * np.mean(np.square(last_sent), axis=-1),
                self._world * world_reward,
            ],
            axis=-1,
        )
        return np.where(is_first[..., None], np.float32(0), terms).astype(np.float32)
