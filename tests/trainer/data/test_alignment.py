"""Alignment of action and answer: a world that echoes actions, lived through the real Body."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.worlds import EchoWorld
from trainer.data.replay_buffer import Replay, shifted
from trainer.running.lockstep import Lockstep


@pytest.fixture
def lived(tmp_path):
    config = load_config(
        ROOT / "tests" / "point.yaml",
        ["world.actions=[{name: Vertical}, {name: Jump, kind: press}]", "trainer.prefill=1000"],
    )
    run = create_run(tmp_path / "echo", config, "echo", ROOT)
    world = EchoWorld(config, 0)
    Lockstep(run, config, [world]).run(170, lambda _: None, lambda: False)
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


def test_a_share_of_every_batch_begins_in_what_was_just_lived(lived):
    config, spaces, reader, rows = lived
    counts = rows["vector"][:, spaces.num_actions]
    setting = config.trainer.model_copy(update={"batch": 8, "recent": 0.25, "recent_steps": 10})
    replay = Replay(
        reader, spaces, config.model_copy(update={"trainer": setting}), torch.device("cpu")
    )
    last = replay.held_out_from - setting.length
    begun = torch.stack([replay.sample(k).vector[:, 0, spaces.num_actions] for k in range(200)])
    assert float(begun[:, :2].min()) == counts[last - 9]
    assert float(begun[:, :2].max()) == counts[last]
    assert float(begun[:, 2:].min()) == counts[0], "the others come from the whole of it"
    assert float(begun[:, 2:].max()) == counts[last]


def test_a_shift_moves_a_whole_sequence_and_repeats_its_edge():
    image = torch.arange(4 * 3 * 8 * 8 * 3).reshape(4, 3, 8, 8, 3).to(torch.uint8)
    assert shifted(image, 0, np.random.default_rng(0)) is image
    empty = torch.zeros(4, 3, 0, 0, 3, dtype=torch.uint8)
    assert shifted(empty, 2, np.random.default_rng(0)) is empty
    moved = shifted(image, 2, np.random.default_rng(0))
    down, right = np.random.default_rng(0).integers(-2, 3, (2, 4)).tolist()
    assert any(down)
    assert any(right)
    for i in range(4):
        for y in range(8):
            for x in range(8):
                from_y, from_x = (min(max(v, 0), 7) for v in (y + down[i], x + right[i]))
                assert torch.equal(moved[i, :, y, x], image[i, :, from_y, from_x])


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


class NowAndThenAfk(EchoWorld):
    """Away from steps 20 to 29 of each episode."""

    def observe(self):
        observation = super().observe()
        if 20 <= observation.frame_number < 30:
            observation.situation = Situation.AFK
        return observation


def test_what_is_unusual_is_recorded_and_kept_out_of_learning(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", ["trainer.prefill=1000"])
    run = create_run(tmp_path / "echo", config, "echo", ROOT)
    world = NowAndThenAfk(config, 0)
    Lockstep(run, config, [world]).run(60, lambda _: None, lambda: False)
    replay = Replay(JournalReader(run.journal), world.spaces, config, torch.device("cpu"))
    batch = replay.windows(np.array([0, 10, 15]), 16)
    assert batch.learned.tolist()[0] == [True] * 16
    assert batch.learned.tolist()[1] == [True] * 10 + [False] * 6
    assert batch.learned.tolist()[2] == [True] * 5 + [False] * 10 + [True]
    assert replay.windows(np.array([0, 31]), 16).learned is None, "nothing to leave out"
