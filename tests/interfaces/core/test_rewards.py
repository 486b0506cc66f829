"""Rewards are functions of Steps: for one Step or a batch, weighted, 0 at a first Step."""

import numpy as np

from configs.actions import ActionConfig
from configs.schema import RewardConfig
from interfaces.core.rewards import StepRewards
from interfaces.core.spaces import Spaces

SPACES = Spaces((0, 0, 3), ("Speed", "HeadPat"), (ActionConfig(name="V"), ActionConfig(name="H")))


def test_terms_are_equal_for_one_step_and_for_a_batch():
    config = RewardConfig(parameters={"HeadPat": 2.0}, action_cost=0.5, world=3.0)
    rewards = StepRewards(config, SPACES)
    vector = np.array([9.0, 1.0, 1.0, 0.0], np.float32)  # Speed, HeadPat, last sent V and H
    one = rewards.terms(vector, np.float32(0.1), np.bool_(False))
    np.testing.assert_allclose(one, [2.0, -0.25, 0.3], rtol=1e-6)
    batch = rewards.terms(
        np.stack([vector, vector]), np.full(2, 0.1, np.float32), np.array([False, True])
    )
    np.testing.assert_allclose(batch, [one, np.zeros(3)], rtol=1e-6)


def test_feature_without_weight_may_be_nan_or_infinite():
    rewards = StepRewards(RewardConfig(parameters={"HeadPat": 2.0}, action_cost=0.0), SPACES)
    vector = np.array([[np.nan, 1.0, 0.0, 0.0], [np.inf, 1.0, 0.0, 0.0]], np.float32)
    np.testing.assert_array_equal(rewards.terms(vector, np.zeros(2), np.zeros(2, bool))[:, 0], 2.0)
    vector[0, 1] = np.nan
    assert np.isnan(rewards.terms(vector, np.zeros(2), np.zeros(2, bool))[0, 0])
