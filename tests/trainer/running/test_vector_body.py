"""Several worlds with one journal: every Step is recorded once, and a resume is exact."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from configs.errors import BadInput
from configs.load import load_config
from interfaces.core.step import recorded_reward
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run, open_run
from interfaces.runtime.worlds import make_lockstep_worlds
from tests.conftest import ROOT
from trainer.learners.checkpoints import Checkpoints
from trainer.running.lockstep import LockstepTrainer
from trainer.running.vector_body import FRAGMENT_STEPS

WORLDS, STEPS = 3, 700
SMALL = (
    *("world.kind=gymnasium", "world.id=CartPole-v1", f"world.gymnasium.worlds={WORLDS}"),
    *("model.deter=16", "model.units=16", "model.stoch=4", "dream.starts=4", "dream.horizon=3"),
    *("trainer.batch=2", "trainer.length=8", "trainer.prefill=200", "trainer.train_ratio=2"),
)


def make_lockstep(
    folder: Path, *overrides: str, preset: str = "dreamer", resume: bool = False
) -> LockstepTrainer:
    if resume:
        run = open_run(folder)
        config = run.config
    else:
        config = load_config(Path(preset), [*SMALL, *overrides])
        run = create_run(folder, config, preset, ROOT)
    worlds = make_lockstep_worlds(config, config.seed)
    return LockstepTrainer(run, config, worlds, resume=resume)


def train(lockstep: LockstepTrainer, steps: int = STEPS) -> None:
    lockstep.run(steps, lambda _: None, lambda: False)


def recorded_rows(folder: Path):
    reader = JournalReader(folder / "journal")
    reader.refresh()
    return reader.read(0, reader.end, verify=True)


def test_bodies_before_a_failing_world_finish_the_tick_and_the_others_do_not(tmp_path):
    failing, intact = (make_lockstep(tmp_path / name) for name in ("failing", "intact"))
    for _ in range(5):
        for lockstep in (failing, intact):
            lockstep.vector_body.tick(lockstep._pacer.wait())
    before = [part.clone() for part in failing.vector_body.state]

    def fail(action):
        raise BadInput("gone")

    failing.vector_body.bodies[1].world.act = fail
    with pytest.raises(BadInput, match="gone"):
        failing.vector_body.tick(failing._pacer.wait())
    intact.vector_body.tick(intact._pacer.wait())
    states = zip(failing.vector_body.state, before, intact.vector_body.state, strict=True)
    for part, old, new in states:
        np.testing.assert_array_equal(part[0], new[0])
        np.testing.assert_array_equal(part[1:], old[1:])
        assert not np.array_equal(old[0], new[0])
    assert [body.ticks for body in failing.vector_body.bodies] == [6, 5, 5]
    for lockstep in (failing, intact):
        lockstep.vector_body.rest()
        lockstep._journal.close()
        lockstep._reader.stop()


def test_every_step_of_every_body_is_recorded_once_in_whole_fragments(awkward_path):
    lockstep = make_lockstep(awkward_path)
    train(lockstep)
    rows = recorded_rows(awkward_path)
    assert len(rows) == lockstep.steps
    assert STEPS <= lockstep.steps < STEPS + WORLDS
    starts = np.flatnonzero(rows["is_first"])
    ends = np.flatnonzero(rows["is_last"])
    assert starts[0] == 0
    assert ends[-1] == len(rows) - 1
    np.testing.assert_array_equal(starts[1:], ends[:-1] + 1)
    assert (ends - starts).max() < FRAGMENT_STEPS
    assert not recorded_reward(rows)[rows["is_first"]].any()
    # A fragment is from one world, so its ticks are consecutive. Each tick occurs once per world.
    for start, end in zip(starts, ends, strict=True):
        np.testing.assert_array_equal(np.diff(rows["tick"][start : end + 1].astype(int)), 1)
    ticks, counts = np.unique(rows["tick"], return_counts=True)
    np.testing.assert_array_equal(ticks, np.arange(len(ticks)))
    assert (counts == WORLDS).all()
    # The worlds differ, and the speed of each cart follows the recorded action.
    assert len(np.unique(rows["vector"][rows["tick"] == 0], axis=0)) == WORLDS
    has_previous = ~rows["is_first"][1:]
    speed = rows["vector"][:, 1]
    push = np.where(rows["action"][:-1, 1] > 0, 1.0, -1.0)
    assert (np.sign(np.diff(speed))[has_previous] == push[has_previous]).all()


def test_resumed_run_equals_an_uninterrupted_run(tmp_path):
    train(make_lockstep(tmp_path / "whole", "trainer.checkpoint_steps=360"))
    train(make_lockstep(tmp_path / "half", "trainer.checkpoint_steps=360"), 360)
    train(make_lockstep(tmp_path / "half", resume=True))
    whole, half = recorded_rows(tmp_path / "whole"), recorded_rows(tmp_path / "half")
    for field in whole.dtype.names:
        if field != "wall_ns":
            np.testing.assert_array_equal(whole[field], half[field], err_msg=field)
    newest = [
        Checkpoints(tmp_path / name / "checkpoints", 3).newest() for name in ("whole", "half")
    ]
    for name, tensor in newest[0].tensors.items():
        np.testing.assert_array_equal(tensor, newest[1].tensors[name], err_msg=name)


def test_ppo_updates_from_almost_every_step_of_the_current_weights(tmp_path):
    lockstep = make_lockstep(tmp_path / "run", "ppo.rollout=400", "ppo.epochs=1", preset="ppo")
    train(lockstep, 2100)
    versions = recorded_rows(tmp_path / "run")["weights_version"]
    assert lockstep.learner.updates >= 4  # at most 2100 / 400 = 5.25
    assert (np.diff(np.unique(versions)) == 1).all()
