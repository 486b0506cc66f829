"""Commands to a live run reach it, even on a full disk."""

import pytest

from interfaces.ipc.board import Board
from interfaces.runtime.live_control.emergency_stop import hold, let_go
from interfaces.runtime.live_control.run_control import find_live_run, is_stopped, pause
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


@pytest.mark.parametrize("blocked", ["a folder instead of the file", "no folder at all"])
def test_emergency_stop_holds_without_its_file_until_it_is_released(blocked, tmp_path):
    run, board = live_run(tmp_path / "run", 1)
    if blocked == "no folder at all":
        moved = tmp_path / "moved"
        run.path.rename(moved)
        hold(run, board)
        moved.rename(run.path)
    else:
        run.stop_file.mkdir()
        hold(run, board)
        run.stop_file.rmdir()
    assert not run.stop_file.exists()
    assert is_stopped(run, board)
    assert "the emergency stop still holds" in pause(run, paused=False)
    let_go(run, board)
    assert not is_stopped(run, board)


def test_emergency_stop_also_holds_a_resumed_run_by_its_file(tmp_path):
    run, board = live_run(tmp_path / "run", 1)
    hold(run, board)
    assert is_stopped(run, Board(tmp_path / "next", create=True))
    let_go(run, board)
    assert not is_stopped(run, Board(tmp_path / "next", create=True))


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
