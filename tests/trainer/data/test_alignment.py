"""Alignment of action and outcome in the journal: EchoWorld returns each action it receives."""

import numpy as np
import pytest

from configs.load import load_config
from interfaces.core.step import recorded_reward
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.worlds import EchoWorld
from trainer.running.lockstep import LockstepTrainer


@pytest.fixture
def recorded(tmp_path):
    """The spaces and the rows of 170 steps, recorded by the real body."""
    config = load_config(
        ROOT / "tests" / "point.yaml",
        ["world.actions=[{name: Vertical}, {name: Jump, kind: press}]", "trainer.prefill=1000"],
    )
    run = create_run(tmp_path / "echo", config, "echo", ROOT)
    world = EchoWorld(config, 0)
    LockstepTrainer(run, config, [world]).run(170, lambda _: None, lambda: False)
    return world.spaces, JournalReader(run.journal).read(0, 170, verify=True)


def test_row_t_holds_the_outcome_of_the_action_of_row_t_minus_1(recorded):
    spaces, rows = recorded
    n = spaces.num_actions
    for t in range(1, len(rows)):
        if rows["is_first"][t]:
            assert not rows["vector"][t, :n].any()
            assert not recorded_reward(rows[t]), "the first row of an episode has no reward"
            continue
        before = rows["action"][t - 1]
        np.testing.assert_array_equal(rows["vector"][t, :n], before)  # the world's outcome
        np.testing.assert_array_equal(rows["vector"][t, -n:], before)  # the last action sent
        assert rows["world_reward"][t] == before[0]
    assert np.abs(rows["action"][:, 0]).max() <= 1
    assert np.abs(rows["chosen"][:, 0]).max() > 1, "the raw sample is recorded beside the action"


def test_episodes_are_cut_at_their_last_step(recorded):
    _, rows = recorded
    np.testing.assert_array_equal(np.flatnonzero(rows["is_first"]), [0, 51, 102, 153])
    np.testing.assert_array_equal(np.flatnonzero(rows["is_last"]), [50, 101, 152])
    assert not rows["is_terminal"].any()
    assert not rows["action"][rows["is_last"]].any(), "the action after the end is masked"
