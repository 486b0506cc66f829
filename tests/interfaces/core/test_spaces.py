"""Spaces: random actions have the right distribution."""

import numpy as np

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces

ACTIONS = (
    ActionConfig(name="Vertical"),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="UseLeft", kind="hold", group="hand"),
    ActionConfig(name="GrabLeft", kind="hold", group="hand"),
    ActionConfig(name="DropLeft", kind="hold", group="hand"),
)


def test_sampled_actions_are_uniform_over_axes_buttons_and_groups():
    spaces = Spaces((0, 0, 3), (), ACTIONS)
    drawn = spaces.sample_actions(np.random.default_rng(0), 20_000)
    assert drawn.dtype == np.float32
    axis, button, group = drawn[:, 0], drawn[:, 1], drawn[:, 2:]
    assert -1 <= axis.min() < -0.99 < 0.99 < axis.max() <= 1
    assert abs(axis.mean()) < 0.02
    assert abs(axis.std() - 1 / np.sqrt(3)) < 0.02
    assert set(button) == {0.0, 1.0}
    assert abs(button.mean() - 1 / 2) < 0.02
    assert set(group.flatten()) == {0.0, 1.0}
    np.testing.assert_array_equal(group.sum(1), 1)
    np.testing.assert_allclose(group.mean(0), 1 / 3, atol=0.02)


def test_sampling_one_by_one_equals_sampling_a_batch():
    spaces = Spaces((0, 0, 3), (), ACTIONS)
    one, many = (np.random.default_rng(1) for _ in range(2))
    singles = np.concatenate([spaces.sample_actions(one, 1) for _ in range(5)])
    np.testing.assert_array_equal(singles, spaces.sample_actions(many, 5))
