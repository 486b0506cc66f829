"""A reward term from a plugin is a function of Steps; where it fails, its value is 0."""

import re

import numpy as np
import pytest
from loguru import logger
from pydantic import ValidationError

from configs.actions import ActionConfig
from configs.errors import BadInput
from configs.schema import RewardConfig
from interfaces.core.rewards import StepRewards
from interfaces.core.spaces import Spaces
from tests.plugin_modules import write_module
from tests.polling import wait_until

SPACES = Spaces((0, 0, 3), ("Speed", "Height"), (ActionConfig(name="Run"),))
SOURCE = """
    import numpy as np
    calls = 0

    def good(steps):
        return steps.feature("Speed") - 2 * steps.sent("Run") + steps.world_reward

    def after_trial(broken):
        def term(steps):
            global calls
            calls += 1
            return good(steps) if calls <= 2 else broken(steps)
        return term

    def fail(steps): raise KeyError("speed")
    def write(steps): steps.vector[..., 0] = 0
    raises = after_trial(fail)
    exits = after_trial(lambda steps: exit(0))
    shape = after_trial(lambda steps: np.zeros(7, np.float32))
    nothing = after_trial(lambda steps: None)
    writes = after_trial(write)
    nan = after_trial(lambda steps: np.where(steps.feature("Speed") > 2, np.nan, good(steps)))
    infinite = after_trial(lambda steps: np.log(good(steps) * 0))

    def unknown(steps): return steps.feature("Sped")
    def scalar_only(steps): return float(steps.feature("Speed"))
    def sums(steps): return steps.feature("Speed").sum()
    def text(steps): return np.full(steps.is_first.shape, "much")
    def two(steps, more): pass
"""


@pytest.fixture(autouse=True)
def my_rewards(tmp_path, monkeypatch):
    write_module(monkeypatch, tmp_path, "my_rewards", SOURCE)


@pytest.fixture
def warnings():
    lines = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


def rewards(name, weight=0.5, **more):
    term = {"source": f"my_rewards:{name}", "weight": weight}
    config = RewardConfig(parameters={}, action_cost=0.0, terms={"mine": term}, **more)
    return StepRewards(config, SPACES)


def values(made, vector, world_reward=0.0):
    vector = np.asarray(vector, np.float32)
    shape = vector.shape[:-1]
    return made.values(vector, np.full(shape, world_reward, np.float32), np.zeros(shape, bool))


def test_term_of_a_plugin_is_a_function_of_one_step_and_of_a_batch():
    made = rewards("good")
    assert made.names == ("action_cost", "world", "mine")
    np.testing.assert_array_equal(made.weights, np.float32([0.0, 1.0, 0.5]))
    batch = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32)
    together = values(made, batch, 4.0)[..., 2]
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, batch[..., 0] - 2 * batch[..., 2] + np.float32(4))
    assert values(made, batch[1, 2], 4.0)[2] == together[1, 2], "one Step gives the same bits"
    first = made.values(batch, np.ones((2, 3), np.float32), np.ones((2, 3), bool))
    assert not first.any(), "0 where is_first"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", r"the reward term failed in my_rewards.fail, line \d+ \(KeyError: 'speed'\)"),
        ("exits", r"SystemExit: 0"),
        ("shape", r"my_rewards.after_trial.<locals>.term returned float32 \(7,\); allowed is"),
        ("nothing", r"returned object \(\); allowed is float32 \(2,\), one number for each Step"),
        ("writes", r"in my_rewards.write, line \d+ \(ValueError: assignment destination is read"),
        ("infinite", r"returned NaN or infinity for 2 of 2 Steps; allowed are finite numbers"),
    ],
)
def test_term_that_fails_during_a_run_counts_as_0_and_is_named_once(name, message, warnings):
    made, vector = rewards(name), np.float32([[1, 0, 0], [3, 0, 0]])
    before = vector.copy()
    for _ in range(5):
        assert values(made, vector, 1.0).tolist() == [[0, 1, 0], [0, 1, 0]]
    np.testing.assert_array_equal(vector, before)
    wait_until(lambda: warnings, "a warning")
    assert len(warnings) == 1
    assert re.search(
        rf"reward.terms my_rewards:{name} \(term mine\): .*{message}.*its value counts as 0",
        warnings[0],
    ), warnings


def test_only_the_steps_without_a_number_count_as_0(warnings):
    made = rewards("nan")
    assert values(made, [[1, 0, 0], [3, 0, 0]])[:, 2].tolist() == [1.0, 0.0]
    wait_until(lambda: warnings, "a warning")
    assert "NaN or infinity for 1 of 2 Steps" in warnings[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unknown", r"no feature Sped; known: Speed, Height"),
        ("scalar_only", r"TypeError"),
        ("sums", r"returned float32 \(\); allowed is float32 \(2, 3\)"),
        ("text", r"returned <U4"),
        ("two", r"its signature is \(steps, more\), but Yume calls it with \(steps\)"),
        ("missing", r"has no missing"),
    ],
)
def test_unusable_term_is_refused_before_the_run(name, message):
    with pytest.raises(BadInput, match=f"reward.terms my_rewards:{name}.*{message}"):
        rewards(name)


@pytest.mark.parametrize("name", ["world", "surprise", "parameters", "sum", "a.b"])
def test_name_of_a_built_in_term_is_refused(name):
    with pytest.raises(ValidationError, match=f"terms.{name}"):
        RewardConfig.model_validate({"terms": {name: {"source": "my_rewards:good"}}})
