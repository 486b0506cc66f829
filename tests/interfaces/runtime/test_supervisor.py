"""The supervisor restarts processes, even on a full disk."""

import errno
import json
from dataclasses import replace

import pytest

from interfaces.ipc.board import Board
from interfaces.runtime.process_table import find_process
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.supervisor import ProcessFailure, Supervisor
from tests.conftest import ROOT


def test_child_that_ends_on_a_full_disk_is_restarted(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    supervisor = Supervisor(
        run, Board(run.board, create=True), ROOT / "main.py", [find_process("trainer")]
    )
    child = supervisor.children["trainer"]
    child.command = (child.command[0], "-c", "import time; time.sleep(600)")

    def disk_full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    try:
        supervisor.start()
        first_pid = written_pids(run)["trainer"]
        with monkeypatch.context() as patch:
            patch.setattr("interfaces.runtime.supervisor.write_json", disk_full)
            kill(child)
            supervisor.check()
            assert child.running
            patch.setattr("interfaces.runtime.supervisor.append_log", disk_full)
            kill(child)
            supervisor.check()
            assert not child.running, "without its log it cannot start"
        assert written_pids(run)["trainer"] == first_pid
        supervisor.check()
        assert not child.running, "the next attempt follows a second later"
        child.next_start_s = 0.0
        supervisor.check()
        supervisor.check()
        assert child.running
        assert supervisor.restarts() == {"trainer": 2}
        assert written_pids(run)["trainer"] == child.process.pid
        kill(child)
        monkeypatch.setattr("interfaces.runtime.supervisor.append_log", disk_full)
        with pytest.raises(ProcessFailure, match=r"cannot be started: .*No space left"):
            check_repeatedly(supervisor, child)
    finally:
        kill(child)


def test_memory_that_cannot_be_read_does_not_end_the_run(tmp_path, monkeypatch):
    """As on Wine, where Windows' call for the unique set size is missing."""
    run = RunFolder(tmp_path)
    board = Board(run.board, create=True)
    supervisor = Supervisor(run, board, ROOT / "main.py", [find_process("trainer")])
    assert supervisor.memory_mb()["supervisor"] > 1.0

    def refused(process):
        raise OSError(errno.EINVAL, "Invalid parameter")

    monkeypatch.setattr("psutil.Process.memory_full_info", refused)
    assert supervisor.memory_mb() == {}


def test_a_process_that_never_restarts_stays_ended(tmp_path):
    run = RunFolder(tmp_path)
    once = replace(find_process("trainer"), restart="never")
    supervisor = Supervisor(run, Board(run.board, create=True), ROOT / "main.py", [once])
    child = supervisor.children["trainer"]
    child.command = (child.command[0], "-c", "pass")
    supervisor.start()
    child.process.wait(timeout=20)
    supervisor.check()
    assert not child.running
    assert supervisor.restarts() == {"trainer": 0}


def check_repeatedly(supervisor, child):
    for _ in range(20):
        supervisor.check()
        child.next_start_s = 0.0


def written_pids(run):
    return json.loads(run.processes.read_text(encoding="utf-8"))


def kill(child):
    child.process.kill()
    child.process.wait()
