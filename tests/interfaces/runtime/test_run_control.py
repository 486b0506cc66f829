"""What a person tells a running life arrives, whatever the disk says."""

import errno

import pytest

from interfaces.ipc.board import Board
from interfaces.runtime import run_control as people
from interfaces.runtime.run_folder import RunError, RunFolder


def life(folder, first_tick_ns):
    """The run, and the page of a life that is heard of."""
    folder.mkdir(parents=True)
    run = RunFolder(folder.resolve())
    run.config_file.touch()
    board = Board(run.board, create=True)
    board.beat("guard")
    board["first_tick_ns"] = first_tick_ns
    return run, board


def test_the_emergency_stop_needs_no_place_on_the_disk(tmp_path, monkeypatch):
    run, board = life(tmp_path / "life", 1)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", full)
        assert "at rest" in people.stop(run, release=False)
        assert run.stop_file.exists(), "empty, it is there"
        people.stop(run, release=True)
        assert not people.is_stopped(run)
        patch.setattr("pathlib.Path.touch", full)
        assert "at rest" in people.stop(run, release=False)
    assert not run.stop_file.exists()
    assert board["halted"] == 1
    assert "the emergency stop still holds" in people.pause(run, paused=False)
    people.stop(run, release=True)
    assert board["halted"] == 0


def test_without_a_name_it_is_the_life_that_began_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no run in runs/ is alive"):
        people.living_run(None)
    older, _ = life(tmp_path / "runs" / "test", 100)
    newer, _ = life(tmp_path / "runs" / "2026-11-29_12-00-00_default", 200)
    assert people.living_run(None).path == newer.path
    assert people.living_run(older.path).path == older.path
    with pytest.raises(RunError, match="not a run"):
        people.living_run(tmp_path / "runs" / "nobody")
