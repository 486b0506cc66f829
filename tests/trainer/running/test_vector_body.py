"""Several worlds side by side, one journal: nothing lost, nothing twice, and a resume is exact."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from configs.errors import BadInput
from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.runtime.lockstep_worlds import make_lockstep_worlds
from interfaces.runtime.run_folder import create_run, open_run
from tests.conftest import ROOT
from trainer.running.checkpoints import Checkpoints
from trainer.running.lockstep import Lockstep
from trainer.running.vector_body import PIECE

WORLDS, STEPS = 3, 700
SMALL = (
    *("world.kind=gymnasium", "world.id=CartPole-v1", f"world.gymnasium.worlds={WORLDS}"),
    *("model.deter=16", "model.units=16", "model.stoch=4", "dream.starts=4", "dream.horizon=3"),
    *("trainer.batch=2", "trainer.length=8", "trainer.prefill=200", "trainer.train_ratio=2"),
)


def lockstep(folder: Path, *words: str, name: str = "dreamer", resume: bool = False) -> Lockstep:
    if resume:
        run = open_run(folder)
        config = run.config
    else:
        config = load_config(Path(name), [*SMALL, *words])
        run = create_run(folder, config, name, ROOT)
    return Lockstep(run, config, make_lockstep_worlds(config, config.seed), resume=resume)


def live(lived: Lockstep, steps: int = STEPS) -> None:
    lived.run(steps, lambda _: None, lambda: False)


def rows(folder: Path):
    reader = JournalReader(folder / "journal")
    reader.refresh()
    return reader.read(0, reader.end, verify=True)


def test_where_one_world_fails_those_before_it_have_lived_the_beat_and_others_not(tmp_path):
    failing, whole = (lockstep(tmp_path / name) for name in ("failing", "whole"))
    for _ in range(5):
        for made in (failing, whole):
            made.choir.tick(made._pacer.wait())
    before = [part.clone() for part in failing.choir.state]

    def fails(action):
        raise BadInput("gone")

    failing.choir.bodies[1].world.act = fails
    with pytest.raises(BadInput, match="gone"):
        failing.choir.tick(failing._pacer.wait())
    whole.choir.tick(whole._pacer.wait())
    for part, old, new in zip(failing.choir.state, before, whole.choir.state, strict=True):
        np.testing.assert_array_equal(part[0], new[0])
        np.testing.assert_array_equal(part[1:], old[1:])
        assert not np.array_equal(old[0], new[0])
    assert [body.ticks for body in failing.choir.bodies] == [6, 5, 5]
    for made in (failing, whole):
        made.choir.rest()
        made._journal.close()
        made._reader.stop()


def test_every_step_of_every_life_is_there_once_in_whole_pieces(awkward_path):
    made = lockstep(awkward_path)
    live(made)
    found = rows(awkward_path)
    assert len(found) == made.steps
    assert STEPS <= made.steps < STEPS + WORLDS
    begins = np.flatnonzero(found["is_first"])
    ends = np.flatnonzero(found["is_last"])
    assert begins[0] == 0
    assert ends[-1] == len(found) - 1
    np.testing.assert_array_equal(begins[1:], ends[:-1] + 1)
    assert (ends - begins).max() < PIECE
    assert not found["reward"][found["is_first"]].any()
    # Each piece is of one world: its ticks are neighbours, and no tick is there more than thrice.
    for begin, end in zip(begins, ends, strict=True):
        np.testing.assert_array_equal(np.diff(found["tick"][begin : end + 1].astype(int)), 1)
    lived, times = np.unique(found["tick"], return_counts=True)
    np.testing.assert_array_equal(lived, np.arange(len(lived)))
    assert (times == WORLDS).all()
    # They differ, and what the poles do follows from what was done.
    assert len(np.unique(found["vector"][found["tick"] == 0], axis=0)) == WORLDS
    followed = ~found["is_first"][1:]
    speed = found["vector"][:, 1]
    pushed = np.where(found["action"][:-1, 1] > 0, 1.0, -1.0)
    assert (np.sign(np.diff(speed))[followed] == pushed[followed]).all()


def test_a_resume_is_exact(tmp_path):
    live(lockstep(tmp_path / "whole", "trainer.checkpoint_steps=360"))
    half = lockstep(tmp_path / "half", "trainer.checkpoint_steps=360")
    live(half, 360)
    live(lockstep(tmp_path / "half", resume=True))
    one, other = rows(tmp_path / "whole"), rows(tmp_path / "half")
    for field in one.dtype.names:
        if field != "wall_ns":
            np.testing.assert_array_equal(one[field], other[field], err_msg=field)
    newest = [
        Checkpoints(tmp_path / name / "checkpoints", 3).newest() for name in ("whole", "half")
    ]
    for name, tensor in newest[0].tensors.items():
        np.testing.assert_array_equal(tensor, newest[1].tensors[name], err_msg=name)


def test_ppo_wastes_little_of_what_the_weights_in_force_have_lived(tmp_path):
    made = lockstep(tmp_path / "run", "ppo.rollout=400", "ppo.epochs=1", name="ppo")
    live(made, 2100)
    versions = rows(tmp_path / "run")["weights_version"]
    assert made.learner.updates >= 4  # of 5.25, were nothing cut
    assert (np.diff(np.unique(versions)) == 1).all()
