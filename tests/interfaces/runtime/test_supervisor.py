"""The supervisor goes on where the disk is full."""

import errno
import json

import pytest

from interfaces.ipc.board import Board
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.supervisor import Fault, Supervisor
from tests.conftest import ROOT


def test_a_child_that_dies_on_a_full_disk_is_started_again(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    supervisor = Supervisor(run, Board(run.board, create=True), ROOT / "main.py", ["trainer"])
    child = supervisor.children["trainer"]
    child.command = (child.command[0], "-c", "import time; time.sleep(600)")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    try:
        supervisor.start()
        first = table(run)["trainer"]
        with monkeypatch.context() as patch:
            patch.setattr("interfaces.runtime.supervisor.write_json", full)
            kill(child)
            supervisor.look()
            assert child.running
            patch.setattr("interfaces.runtime.supervisor.append_log", full)
            kill(child)
            supervisor.look()
            assert not child.running, "there was no place for its log"
        assert table(run)["trainer"] == first
        supervisor.look()
        assert not child.running, "not at once again"
        child.next_try = 0.0
        supervisor.look()
        supervisor.look()
        assert child.running
        assert supervisor.restarts() == {"trainer": 2}
        assert table(run)["trainer"] == child.process.pid
        kill(child)
        monkeypatch.setattr("interfaces.runtime.supervisor.append_log", full)
        with pytest.raises(Fault, match=r"cannot be started: .*No space left"):
            look_for_long(supervisor, child)
    finally:
        kill(child)


def look_for_long(supervisor, child):
    for _ in range(20):
        supervisor.look()
        child.next_try = 0.0


def table(run):
    return json.loads(run.processes.read_text(encoding="utf-8"))


def kill(child):
    child.process.kill()
    child.process.wait()
