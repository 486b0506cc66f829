"""The import of sessions: what the journal then holds, what is held out, and what is refused."""

import errno
import threading

import numpy as np
import pytest

from configs.errors import BadInput
from configs.load import load_config
from interfaces.core.step import recorded_reward
from interfaces.journal import JournalReader
from interfaces.journal.segment import create_segment
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.maintain.cut import cut
from interfaces.session.run_steps import RunSteps
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.interfaces.session.recordings import make_steps, record_segments
from tests.trainer.conftest import RECORDED_STEPS, TINY
from tests.trainer.running.import_recordings import import_recordings, open_recordings
from trainer.running.session_import import (
    ImportInterrupted,
    check_spaces,
    first_held_out_step,
    import_sessions,
    open_sessions,
)

TOTAL = 3 * RECORDED_STEPS


def test_sessions_become_one_journal_with_the_newest_session_held_out(tmp_path, recordings):
    run, _, imported = import_recordings(tmp_path, recordings)
    assert (imported.steps, imported.held_out_from) == (TOTAL, 2 * RECORDED_STEPS)
    rows = JournalReader(run.journal).read(0, TOTAL, verify=True)
    for i in range(3):
        recorded = JournalReader(recordings / f"run{i + 1}" / "journal").read(0, RECORDED_STEPS)
        part = rows[RECORDED_STEPS * i : RECORDED_STEPS * (i + 1)]
        for name in ("image", "vector", "action", "log_prob", "tick"):
            np.testing.assert_array_equal(part[name], recorded[name])
        assert part["is_first"][0]
        assert part["is_last"][-1]


def test_a_gap_in_a_session_becomes_a_cut(tmp_path):
    steps = np.concatenate([make_steps(25), make_steps(25, first=40)])
    steps["is_first"] = steps["is_last"] = False
    record_segments(tmp_path / "session", steps)
    run = RunFolder(tmp_path / "run")
    import_sessions(run, load_config(TINY), open_sessions([str(tmp_path / "session")]))
    rows = JournalReader(run.journal).read(0, 50, verify=True)
    assert np.flatnonzero(rows["is_first"]).tolist() == [0, 25]
    assert np.flatnonzero(rows["is_last"]).tolist() == [24, 49]
    assert not recorded_reward(rows)[[0, 25]].any()
    assert recorded_reward(rows)[1:25].all(), "other Steps have a reward"


def test_full_disk_fails_the_import_and_a_later_one_succeeds(tmp_path, recordings, monkeypatch):
    calls = []

    def create(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return create_segment(*arguments)

    overrides = ["journal.segment_steps=64"]
    with monkeypatch.context() as patch:
        patch.setattr("interfaces.journal.writer.create_segment", create)
        with pytest.raises(OSError, match="disk is full"):
            import_recordings(tmp_path, recordings, *overrides)
    run = RunFolder(tmp_path / "run")
    assert not run.sources.exists()
    config = load_config(TINY, ["trainer.holdout=0.2", *overrides])
    assert import_sessions(run, config, open_recordings(recordings)).steps == TOTAL


def test_interrupted_import_starts_again_from_zero(tmp_path, recordings):
    stopped, run = threading.Event(), RunFolder(tmp_path / "run")
    config, sessions = load_config(TINY), open_recordings(recordings)

    def stop_after_100(steps):
        if steps > 100:
            stopped.set()

    with pytest.raises(ImportInterrupted):
        import_sessions(run, config, sessions, stop_after_100, stopped)
    assert not run.sources.exists()
    assert import_sessions(run, config, sessions).steps == TOTAL


def test_too_few_steps_are_refused_before_anything_is_written(tmp_path, recordings):
    with pytest.raises(BadInput, match="240 steps are too few"):
        import_recordings(tmp_path, recordings, "trainer.prefill=5000")
    assert not (tmp_path / "run" / "journal").exists()


class SizedSession:
    """A session of which only the number of Steps is known."""

    def __init__(self, steps):
        self.steps_recorded = steps


@pytest.mark.parametrize(
    ("sizes", "held_out"),
    [
        ([1_000], 100),
        ([450, 450, 100], 100),  # the newest session
        ([800, 110, 90], 200),  # two sessions, which are at most twice the wanted number
        ([500, 500], 100),  # the session is too long: its newest part
        ([100, 50_000], 2_000),
        ([6_000, 400_000], 2_000),
        ([90_000, 9_000, 1_000], 1_000),
        ([90_000, 9_990, 10], 2_000),
    ],
)
def test_held_out_steps_are_whole_sessions_or_the_newest_part(sizes, held_out):
    config = load_config(TINY, ["trainer.holdout=0.1", "trainer.holdout_steps=2000"])
    first = first_held_out_step([SizedSession(size) for size in sizes], config)
    assert sum(sizes) - first == held_out


def test_sessions_that_share_a_step_are_refused(tmp_path, recordings):
    twice = [str(recordings / "run1"), str(recordings / "run1" / "session")]
    assert len(open_sessions(twice)) == 1
    part = tmp_path / "part.mcap"
    began_ns = Session(recordings / "run1").infos[0].began_ns
    cut(recordings / "run1", part, began_ns + 10**9, began_ns + 2 * 10**9)
    with pytest.raises(SessionError, match="have the same Steps"):
        open_sessions([*twice, str(part)])
    assert len(open_sessions([str(recordings / "run2"), str(part)])) == 2


def test_imported_steps_are_not_replayed_as_steps_of_the_run(tmp_path, recordings):
    run, *_ = import_recordings(tmp_path, recordings)
    with pytest.raises(SessionError, match="no recorded Steps"):
        RunSteps(run)


def test_missing_sessions_and_different_spaces_are_named(tmp_path, recordings):
    with pytest.raises(SessionError, match="no session found"):
        open_sessions([str(tmp_path / "nothing*")])
    (session,) = open_sessions([str(recordings / "run1")])
    other = load_config(TINY, ["world.camera.width=16", "world.camera.height=16"])
    with pytest.raises(SessionError, match=r"image_shape.*\[32, 32, 3\].*\[16, 16, 3\]"):
        check_spaces(session, vrchat_spaces(other.world), "the configuration")
