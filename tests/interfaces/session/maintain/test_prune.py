"""`prune` deletes the oldest segments, each once, and of no run that is in use."""

from filelock import FileLock
from typer.testing import CliRunner

from interfaces.cli.session_commands import app
from interfaces.runtime.run_lock import shared_lock
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.overview import find_sessions
from interfaces.session.maintain.prune import find_prunable, prune
from interfaces.session.maintain.recover import recover_run
from tests.interfaces.session.recordings import (
    make_run,
    make_steps,
    record_segments,
    time_of,
)


def test_the_oldest_segments_are_deleted(tmp_path):
    for name in ("one", "two"):
        record_segments(tmp_path / name / "session", make_steps(300), 100)
    now_s = time_of(300) / 1e9
    assert find_prunable([tmp_path], older_days=1.0, keep_gb=None, now_s=now_s) == []
    size = segment_files(tmp_path / "one")[0].stat().st_size
    prunable = find_prunable([tmp_path], older_days=None, keep_gb=4.1 * size / 1e9, now_s=now_s)
    assert [each.path.name for each in prunable] == ["000000000000.mcap"] * 2
    assert prune(prunable) == sum(each.bytes for each in prunable)
    assert len(segment_files(tmp_path / "one")) == 2
    assert len(find_prunable([tmp_path], older_days=1, keep_gb=None, now_s=now_s + 1e6)) == 4


def test_a_segment_that_is_named_twice_counts_once(tmp_path):
    run = tmp_path / "run"
    record_segments(run / "session", make_steps(300), 100)
    segment = segment_files(run)[2]
    paths = [run, run / "session", segment, tmp_path]
    assert find_sessions([run, run / "session"]) == [run]
    size = sum(file.stat().st_size for file in segment_files(run))
    keep_gb = (size + 1) / 1e9
    assert not find_prunable(paths, older_days=None, keep_gb=keep_gb, now_s=1e12)
    assert len(find_prunable(paths, older_days=0.0, keep_gb=None, now_s=1e12)) == 3


def test_recover_does_not_restore_pruned_steps(tmp_path):
    steps = make_steps(300)
    run = make_run(tmp_path, steps, live=True)
    record_segments(run.session, steps, 100)
    prunable = find_prunable([tmp_path], older_days=0.0, keep_gb=None, now_s=1e12)
    prune(prunable[:2])
    assert recover_run(run) == ([], 0)
    assert Session(tmp_path).first == 200


def test_many_runs_are_pruned_or_none_with_few_open_locks(tmp_path, monkeypatch):
    steps = make_steps(40)
    runs = [make_run(tmp_path / f"run {i}", steps) for i in range(12)]
    for run in runs:
        record_segments(run.session, steps)
    words = ["prune", str(tmp_path), "--keep-gb", "0", "--yes"]
    with shared_lock(runs[-1]):
        assert CliRunner().invoke(app, words).exit_code == 2
    assert all(segment_files(run.path) for run in runs)
    open_locks = []

    class CountedLock(FileLock):
        def acquire(self, *args, **kwargs):
            open_locks.append(self)
            assert len(open_locks) <= 8
            return super().acquire(*args, **kwargs)

        def release(self, *args, **kwargs):
            open_locks.remove(self)
            super().release(*args, **kwargs)

    monkeypatch.setattr("interfaces.runtime.run_lock.FileLock", CountedLock)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert not any(segment_files(run.path) for run in runs)
