"""The replay buffer: sampling, holdout, excluded Steps and the rollouts of PPO."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.core.step import Sender, recorded_reward
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.trainer.rollouts import policy_journal
from tests.worlds import EchoWorld, PointWorld
from trainer.data.replay_buffer import ReplayBuffer
from trainer.running.lockstep import LockstepTrainer

CPU = torch.device("cpu")


@pytest.fixture
def recorded(tmp_path):
    """170 steps of EchoWorld; one number of its vector counts them."""
    config = load_config(
        ROOT / "tests" / "point.yaml",
        ["world.actions=[{name: Vertical}, {name: Jump, kind: press}]", "trainer.prefill=1000"],
    )
    run = create_run(tmp_path / "echo", config, "echo", ROOT)
    world = EchoWorld(config, 0)
    LockstepTrainer(run, config, [world]).run(170, lambda _: None, lambda: False)
    reader = JournalReader(run.journal)
    return config, world.spaces, reader, reader.read(0, 170, verify=True)


def test_batches_hold_the_recorded_rows_and_recomputed_rewards(recorded):
    config, spaces, reader, rows = recorded
    doubled = config.model_copy(update={"reward": config.reward.model_copy(update={"world": 2.0})})
    for setting, factor in ((config, 1.0), (doubled, 2.0)):
        replay = ReplayBuffer(reader, spaces, setting, CPU)
        batch = replay.windows(np.array([10, 45, 100]), 16)
        np.testing.assert_array_equal(batch.vector[1], rows["vector"][45:61])
        np.testing.assert_allclose(
            batch.reward[1], factor * recorded_reward(rows[45:61]), rtol=1e-6
        )


def test_a_share_of_every_batch_starts_in_the_newest_steps(recorded):
    config, spaces, reader, rows = recorded
    counts = rows["vector"][:, spaces.num_actions]
    setting = config.trainer.model_copy(update={"batch": 8, "recent": 0.25, "recent_steps": 10})
    replay = ReplayBuffer(reader, spaces, config.model_copy(update={"trainer": setting}), CPU)
    last = replay.held_out_from - setting.length
    starts = torch.stack([replay.sample(k).vector[:, 0, spaces.num_actions] for k in range(200)])
    assert float(starts[:, :2].min()) == counts[last - 9]
    assert float(starts[:, :2].max()) == counts[last]
    assert float(starts[:, 2:].min()) == counts[0], "the other windows start anywhere"
    assert float(starts[:, 2:].max()) == counts[last]


def test_the_newest_tenth_is_never_sampled(recorded):
    config, spaces, reader, rows = recorded
    replay = ReplayBuffer(reader, spaces, config, CPU)
    assert replay.held_out_from == 170 - 17
    newest = max(
        float(replay.sample(update).vector[..., spaces.num_actions].max()) for update in range(300)
    )
    counts = rows["vector"][:, spaces.num_actions]
    assert newest <= counts[replay.held_out_from - 1]
    assert newest >= counts[replay.held_out_from - 3], "the Steps before the holdout are sampled"
    held_out = replay.held_out_windows(4, 16)
    assert float(held_out.vector[..., spaces.num_actions].min()) == counts[replay.held_out_from]


class SometimesAfkWorld(EchoWorld):
    """The avatar is AFK in steps 20 to 29 of each episode."""

    def observe(self):
        observation = super().observe()
        if 20 <= observation.frame_number < 30:
            observation.situation = Situation.AFK
        return observation


def test_afk_steps_are_recorded_and_excluded_from_learning(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", ["trainer.prefill=1000"])
    run = create_run(tmp_path / "echo", config, "echo", ROOT)
    world = SometimesAfkWorld(config, 0)
    LockstepTrainer(run, config, [world]).run(60, lambda _: None, lambda: False)
    replay = ReplayBuffer(JournalReader(run.journal), world.spaces, config, CPU)
    batch = replay.windows(np.array([0, 10, 15]), 16)
    assert batch.loss_mask.tolist()[0] == [True] * 16
    assert batch.loss_mask.tolist()[1] == [True] * 10 + [False] * 6
    assert batch.loss_mask.tolist()[2] == [True] * 5 + [False] * 10 + [True]
    assert replay.windows(np.array([0, 31]), 16).loss_mask is None, "no Step is excluded"


def test_a_rollout_holds_only_the_own_steps_of_one_weights_version(tmp_path):
    config = load_config(ROOT / "tests" / "point_ppo.yaml")
    spaces = PointWorld(config, 0).spaces
    reader = policy_journal(
        tmp_path,
        spaces,
        40,
        *((t, "weights_version", 2) for t in range(4)),  # steps of older weights
        (9, "sender", Sender.HUMAN),
        (10, "sender", Sender.SAFETY),
        (14, "is_last", True),  # a cut: the action is masked
        (15, "is_first", True),
        (19, "is_last", True),
        (19, "is_terminal", True),
        (20, "is_first", True),
        (24, "situation", int(Situation.PAUSED)),  # an excluded Step
        (28, "is_first", True),  # a gap without is_last: the outcome of 27 is unknown
        (31, "vector", np.nan),
        (34, "world_reward", np.inf),
        (36, "weights_version", 4),
        (39, "weights_version", 3),  # the newest step has no outcome yet
    )
    replay = ReplayBuffer(reader, spaces, config, CPU)
    indices = replay.policy_steps(3, 0)
    unusable = {0, 1, 2, 3, 9, 10, 14, 19, 23, 24, 27, 30, 31, 33, 34, 36, 39}
    assert indices.tolist() == [t for t in range(40) if t not in unusable]
    assert replay.policy_steps(3, 17).tolist() == [t for t in indices.tolist() if t >= 17]
    assert replay.policy_steps(2, 0).tolist() == [0, 1, 2, 3]
    assert replay.policy_steps(5, 0).tolist() == []
    rollout = replay.rollout(indices)
    at = {t: i for i, t in enumerate(indices.tolist())}
    assert rollout.pair.vector[at[8], :, 0].tolist() == [8.0, 9.0], "row 9 is the outcome of step 8"
    assert rollout.reward.tolist() == [10.0 * (t + 1) for t in indices], "r of the next row"
    torch.testing.assert_close(rollout.log_prob, torch.tensor(indices * -0.01, dtype=torch.float32))
    torch.testing.assert_close(rollout.chosen[:, 0], torch.tensor(indices * 0.1).float())
    assert [t for t in indices if rollout.is_terminal[at[t]]] == [18]
    cut = [t for t in indices if not rollout.has_next[at[t]]]
    assert cut == [8, 13, 18, 22, 26, 29, 32, 35, 38]
    assert torch.isfinite(rollout.pair.vector).all()
    assert torch.isfinite(rollout.reward).all()
