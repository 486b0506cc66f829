"""The supervisor restarts processes, even on a full disk."""

import errno
import json
import os
from dataclasses import replace

import pytest

from interfaces.ipc.board import Board
from interfaces.runtime.child_process import OUT_OF_MEMORY, OUT_OF_MEMORY_COUNT, append_log
from interfaces.runtime.process_table import find_process
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.supervisor import ProcessFailure, Supervisor
from tests.conftest import ROOT
from tests.polling import wait_until


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


def test_hung_process_is_killed_and_restarted(tmp_path):
    run = RunFolder(tmp_path)
    board = Board(run.board, create=True)
    spec = replace(find_process("recorder"), hang_after_s=0.3)
    supervisor = Supervisor(run, board, ROOT / "main.py", [spec])
    child = supervisor.children["recorder"]
    child.command = (child.command[0], "-c", "import time; time.sleep(600)")
    try:
        supervisor.start()
        first = child.process
        board.heartbeat("recorder")
        supervisor.check()
        wait_until(lambda: supervisor.check() or child.process is not first, "the restart")
        assert child.running
        assert supervisor.restarts() == {"recorder": 1}
        assert supervisor.restart_causes() == {"recorder": {"hung": 1}}
        assert supervisor.restart_notice() == "restarted: recorder hung"
        kill(child)
        supervisor.check()
        assert supervisor.restart_causes()["recorder"].pop("hung") == 1, "the cause was another"
        assert supervisor.restarts() == {"recorder": 2}
    finally:
        kill(child)


def test_process_without_memory_starts_again_and_learns_how_often(tmp_path):
    run = RunFolder(tmp_path)
    supervisor = Supervisor(
        run, Board(run.board, create=True), ROOT / "main.py", [find_process("trainer")]
    )
    child = supervisor.children["trainer"]
    code = (
        f"import os, sys, time; count = os.environ['{OUT_OF_MEMORY_COUNT}']; "
        f"print(count, flush=True); time.sleep(600) if count == '2' else sys.exit({OUT_OF_MEMORY})"
    )
    child.command = (child.command[0], "-c", code)
    try:
        supervisor.start()
        log = run.logs / "trainer.log"
        wait_until(lambda: supervisor.check() or log.read_text().split() == ["0", "1", "2"])
        assert child.running
        assert supervisor.restart_causes() == {"trainer": {"ran out of GPU memory": 2}}
        assert supervisor.restart_notice() == "restarted: trainer ran out of GPU memory (2 times)"
    finally:
        kill(child)


def test_process_whose_log_has_no_room_runs_without_one(tmp_path, monkeypatch):
    def disk_full(path, *_, **__):
        if str(path).endswith(".log"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return os_open(path, *_, **__)

    os_open = os.open
    monkeypatch.setattr(os, "open", disk_full)
    descriptor = append_log(tmp_path, "body")
    assert os.write(descriptor, b"lost") == 4
    os.close(descriptor)


def check_repeatedly(supervisor, child):
    for _ in range(20):
        supervisor.check()
        child.next_start_s = 0.0


def written_pids(run):
    return json.loads(run.processes.read_text(encoding="utf-8"))


def kill(child):
    child.process.kill()
    child.process.wait()
