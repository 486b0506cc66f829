"""Rewards are functions of Steps: for one Step or a batch, weighted, 0 at a first Step."""

import numpy as np

from configs.actions import ActionConfig
from configs.schema import RewardConfig
from interfaces.core.rewards import StepRewards, by_group
from interfaces.core.spaces import Spaces

SPACES = Spaces((0, 0, 3), ("Speed", "HeadPat"), (ActionConfig(name="V"), ActionConfig(name="H")))


def test_terms_are_equal_for_one_step_and_for_a_batch():
    config = RewardConfig(parameters={"HeadPat": 2.0}, action_cost=0.5, world=3.0)
    rewards = StepRewards(config, SPACES)
    vector = np.array([9.0, 1.0, 1.0, 0.0], np.float32)  # Speed, HeadPat, last sent V and H
    one = rewards.weighted(vector, np.float32(0.1), np.bool_(False))
    np.testing.assert_allclose(one, [2.0, -0.25, 0.3], rtol=1e-6)
    batch = rewards.weighted(
        np.stack([vector, vector]), np.full(2, 0.1, np.float32), np.array([False, True])
    )
    np.testing.assert_allclose(batch, [one, np.zeros(3)], rtol=1e-6)


def test_feature_without_weight_may_be_nan_or_infinite():
    rewards = StepRewards(RewardConfig(parameters={"HeadPat": 2.0}, action_cost=0.0), SPACES)
    vector = np.array([[np.nan, 1.0, 0.0, 0.0], [np.inf, 1.0, 0.0, 0.0]], np.float32)
    none = (np.zeros(2), np.zeros(2, bool))
    np.testing.assert_array_equal(rewards.weighted(vector, *none).sum(-1), 2.0)
    vector[0, 1] = np.nan
    assert np.isnan(rewards.weighted(vector, *none)[0].sum())


def test_parameter_with_weight_zero_may_be_nan():
    config = RewardConfig(parameters={"HeadPat": 2.0, "Speed": 0.0}, action_cost=0.0)
    rewards = StepRewards(config, SPACES)
    vector = np.array([np.nan, 1.0, 0.0, 0.0], np.float32)
    paid = rewards.weighted(vector, np.float32(0), np.bool_(False))
    np.testing.assert_array_equal(paid, [2.0, 0.0, 0.0, 0.0])


def test_values_have_no_weight_and_each_term_has_the_name_of_its_key():
    config = RewardConfig(parameters={"HeadPat": 2.0, "Speed": -3.0}, action_cost=0.5, world=3.0)
    rewards = StepRewards(config, SPACES)
    vector = np.array([9.0, 1.0, 1.0, 0.0], np.float32)
    values = rewards.values(vector, np.float32(0.1), np.bool_(False))
    np.testing.assert_allclose(values, [1.0, 9.0, 0.5, 0.1], rtol=1e-6)
    assert rewards.names == ("parameters.HeadPat", "parameters.Speed", "action_cost", "world")
    assert rewards.weights.tolist() == [2.0, -3.0, -0.5, 3.0]
    assert by_group(rewards.names, rewards.weights) == {
        "parameters": -1.0,
        "action_cost": -0.5,
        "world": 3.0,
    }
