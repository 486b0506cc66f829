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
    steps["vector"][1:, 2:] = steps["action"][:-1]  # the action before, as bodies write it
    write_journal(run.journal, steps).close()
    record(run.session, steps, 200)
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    run.exports.mkdir()
    (run.exports / "life.mp4").write_bytes(b"a video")
    run.replays.mkdir()
    (run.replays / "random.json").write_bytes(b"what was done")
    (run.session / "000000000000.damaged").write_bytes(steps[599]["image"].tobytes())
    (run.session / "recovering").mkdir()
    (run.session / "recovering" / "000000000000.live").write_bytes(steps[598]["image"].tobytes())
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
    assert same(kept[:190], steps[:190])
    assert same(kept[191:], steps[216:])
    rows = JournalReader(run.journal).read(0, 600, verify=True)
    assert rows["is_first"][190:216].all()
    assert same(rows[216:], steps[216:])
    begun = steps[215].copy()
    begun["is_first"], begun["reward"], begun["world_reward"] = True, 0.0, 0.0
    begun["vector"][2:] = 0.0  # the action before it was in the span
    assert same(rows[215], begun)
    assert same(kept[190], begun)


def test_where_the_span_ends_with_a_segment_the_next_one_begins_anew(run):
    run, steps = run
    forget(run, BEGAN_NS + BEAT_NS * 190, BEGAN_NS + BEAT_NS * 200)
    after = Session(run.session).read(200, 2)
    assert not after["vector"][0, 2:].any()
    assert after["is_first"][0]
    assert same(after[1], steps[201])


def test_one_that_was_cut_short_is_done_again(run, monkeypatch):
    run, _ = run
    span = (BEGAN_NS + BEAT_NS * 190, BEGAN_NS + BEAT_NS * 215)

    def refuse(path, ignore_errors=False):
        raise PermissionError(f"{path} is open elsewhere")

    with monkeypatch.context() as patch:
        patch.setattr("interfaces.session.forget.shutil.rmtree", refuse)
        with pytest.raises(PermissionError):
            forget(run, *span)
    assert run.exports.exists()
    assert forget(run, *span).session_steps == 25
    assert not run.exports.exists()


def test_a_span_in_which_nothing_was_lived_is_refused(run):
    run, _ = run
    before = everything(run.path)
    with pytest.raises(SessionError, match="nothing was lived"):
        forget(run, 5, 10)
    assert everything(run.path) == before
