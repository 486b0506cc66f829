"""What somebody asked to be forgotten is nowhere any more."""

import numpy as np
import pytest

from configs.load import load_config, write_config
from interfaces.journal import JournalReader
from interfaces.run_folder import RunFolder
from interfaces.session.forget import forget, newest_ns
from interfaces.session.messages import EVENTS
from interfaces.session.recover import refill
from interfaces.session.segment import SessionError
from interfaces.session.session import Session
from interfaces.vrchat.situations import unlearned
from interfaces.world import Situation
from tests.conftest import ROOT
from tests.interfaces.session.lives import BEAT_NS, BEGAN_NS, make_steps, same, write_journal
from tests.interfaces.session.test_session import record


@pytest.fixture
def run(awkward_path):
    run = RunFolder(awkward_path)
    steps = make_steps(600)
    steps["situation"] = 0
    write_journal(run.journal, steps).close()
    record(run.session, steps, 200)
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    run.exports.mkdir()
    (run.exports / "life.mp4").write_bytes(b"a video")
    run.replays.mkdir()
    (run.replays / "random.json").write_bytes(b"what was done")
    (run.session / "000000000000.damaged").write_bytes(steps[599]["image"].tobytes())
    run.checkpoints.mkdir()
    (run.checkpoints / "000000000005.safetensors").write_bytes(b"weights")
    run.view.write_bytes(b"a picture")
    return run, steps


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_of_the_span_is_left(run):
    run, steps = run
    end = newest_ns(run)
    assert end == BEGAN_NS + BEAT_NS * 599
    begin = end - BEAT_NS * 249  # the last 250 Steps: 350 to 599
    found = forget(run, begin, end + 1)
    assert (found.journal_steps, found.session_steps) == (250, 250)
    names = ["life.mp4", "random.json", "000000000000.damaged"]
    assert [path.name for path in found.exports] == names
    assert [path.name for path in found.checkpoints] == ["000000000005.safetensors"]
    assert not run.exports.exists()
    assert not run.replays.exists()
    assert not run.view.exists()

    reader = JournalReader(run.journal)
    rows = reader.read(0, 600, verify=True)
    assert same(rows[:350], steps[:350])
    for name in ("image", "vector", "action", "chosen", "world_reward", "reward", "log_prob"):
        assert not rows[name][350:].any(), name
    assert (rows["situation"][350:] == Situation.FORGOTTEN).all()
    config = load_config(run.config_file)
    assert unlearned(config.world.situations) & Situation.FORGOTTEN

    session = Session(run.session)
    assert session.end == 350

    assert refill(run.session, run.journal) == 0, "the journal does not bring it back"
    left = everything(run.path)
    for step in steps[350:]:
        assert step["image"].tobytes() not in left
    assert steps[10]["image"].tobytes() in left


def test_a_span_in_the_middle_is_a_gap_and_what_follows_begins_anew(run):
    run, steps = run
    found = forget(run, BEGAN_NS + BEAT_NS * 190, BEGAN_NS + BEAT_NS * 215)
    assert (found.journal_steps, found.session_steps) == (25, 25)
    session = Session(run.session)
    assert session.gaps == [(190, 25)]
    after = next(each for _, each in session.messages(215))
    assert EVENTS not in after.messages, "what changed meanwhile is not told either"
    kept = np.array([step for _, step in session.steps()])
    assert same(kept, np.concatenate([steps[:190], steps[215:]]))
    rows = JournalReader(run.journal).read(0, 600, verify=True)
    assert rows["is_first"][190:216].all()
    assert same(rows[216:], steps[216:])


def test_a_span_in_which_nothing_was_lived_is_refused(run):
    run, _ = run
    before = everything(run.path)
    with pytest.raises(SessionError, match="nothing was lived"):
        forget(run, 5, 10)
    assert everything(run.path) == before
