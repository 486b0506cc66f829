"""Commands to a live run reach it, even on a full disk."""

import errno

import pytest

from interfaces.ipc.board import Board
from interfaces.runtime.run_control import find_live_run, is_stopped, pause, stop
from interfaces.runtime.run_folder import RunError, RunFolder


def live_run(folder, first_tick_ns):
    """A run folder and its Board, with a heartbeat of the guard."""
    folder.mkdir(parents=True)
    run = RunFolder(folder.resolve())
    run.config_file.touch()
    board = Board(run.board, create=True)
    board.heartbeat("guard")
    board["first_tick_ns"] = first_tick_ns
    return run, board


def disk_full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_emergency_stop_works_on_a_full_disk(tmp_path, monkeypatch):
    run, board = live_run(tmp_path / "run", 1)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", disk_full)
        assert "every input is released" in stop(run, release=False)
        assert run.stop_file.exists(), "an empty file"
        stop(run, release=True)
        assert not is_stopped(run)
        patch.setattr("pathlib.Path.touch", disk_full)
        assert "every input is released" in stop(run, release=False)
    assert not run.stop_file.exists()
    assert board["halted"] == 1
    assert "the emergency stop still holds" in pause(run, paused=False)
    stop(run, release=True)
    assert board["halted"] == 0


def test_without_a_name_the_live_run_that_started_last_is_chosen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no live run in runs/"):
        find_live_run(None)
    older, _ = live_run(tmp_path / "runs" / "test", 100)
    newer, _ = live_run(tmp_path / "runs" / "2026-11-29_12-00-00_default", 200)
    assert find_live_run(None).path == newer.path
    assert find_live_run(older.path).path == older.path
    with pytest.raises(RunError, match="not a run"):
        find_live_run(tmp_path / "runs" / "missing")
