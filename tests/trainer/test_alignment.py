"""Alignment of action and answer: a world that echoes actions, lived through the real Body."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.run_folder import create_run
from tests.conftest import ROOT
from tests.worlds import EchoWorld
from trainer.lockstep import Lockstep
from trainer.replay import Replay


@pytest.fixture
def lived(tmp_path):
    config = load_config(
        ROOT / "tests" / "point.yaml",
        ["world.actions=[{name: Move}, {name: Push, kind: press}]", "trainer.prefill=1000"],
    )
    run = create_run(tmp_path / "echo", config, "echo", ROOT)
    world = EchoWorld(config, 0)
    Lockstep(run, config, world).run(170, lambda _: None, lambda: False)
    reader = JournalReader(run.journal)
    return config, world.spaces, reader, reader.read(0, 170, verify=True)


def test_row_t_answers_the_action_of_row_t_minus_1(lived):
    _, spaces, _, rows = lived
    n = spaces.num_actions
    for t in range(1, len(rows)):
        if rows["is_first"][t]:
            assert not rows["vector"][t, :n].any()
            assert not rows["reward"][t].any(), "nothing is paid at a beginning"
            continue
        before = rows["action"][t - 1]
        np.testing.assert_array_equal(rows["vector"][t, :n], before)  # the world's answer
        np.testing.assert_array_equal(rows["vector"][t, -n:], before)  # the last action sent
        assert rows["world_reward"][t] == before[0]
    assert np.abs(rows["action"][:, 0]).max() <= 1
    assert np.abs(rows["chosen"][:, 0]).max() > 1, "what was chosen is kept beside what was sent"


def test_episodes_are_cut_where_they_end(lived):
    _, _, _, rows = lived
    np.testing.assert_array_equal(np.flatnonzero(rows["is_first"]), [0, 51, 102, 153])
    np.testing.assert_array_equal(np.flatnonzero(rows["is_last"]), [50, 101, 152])
    assert not rows["is_terminal"].any()
    assert not rows["action"][rows["is_last"]].any(), "the action after the end is masked"


def test_batches_hold_the_rows_as_they_are_and_recompute_rewards(lived):
    config, spaces, reader, rows = lived
    doubled = config.model_copy(update={"reward": config.reward.model_copy(update={"world": 2.0})})
    for setting, factor in ((config, 1.0), (doubled, 2.0)):
        replay = Replay(reader, spaces, setting, torch.device("cpu"))
        batch = replay.windows(np.array([10, 45, 100]), 16)
        np.testing.assert_array_equal(batch.vector[1], rows["vector"][45:61])
        np.testing.assert_allclose(
            batch.reward[1], factor * rows["reward"][45:61].sum(-1), rtol=1e-6
        )


def test_the_newest_tenth_is_never_sampled(lived):
    config, spaces, reader, rows = lived
    replay = Replay(reader, spaces, config, torch.device("cpu"))
    assert replay.held_out_from == 170 - 17
    newest = max(
        float(replay.sample(update).vector[..., spaces.num_actions].max()) for update in range(300)
    )
    counts = rows["vector"][:, spaces.num_actions]
    assert newest <= counts[replay.held_out_from - 1]
    assert newest >= counts[replay.held_out_from - 3], "up to the border, all of it is"
    held_out = replay.held_out(4, 16)
    assert float(held_out.vector[..., spaces.num_actions].min()) == counts[replay.held_out_from]
