"""The command `stop`: of a run without a folder, and of a run whose processes were all killed."""

import shutil
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from configs.load import write_config
from interfaces.doctor.check_dead_runs import dead_run_findings
from interfaces.osc.message import decode
from interfaces.runtime.live_control.emergency_stop import (
    hold,
    records_of_dead_runs,
    release_records,
    stop,
)
from interfaces.runtime.live_control.live_runs import LiveRunEntry, live_run_records
from interfaces.runtime.live_control.process_identity import identity_of
from interfaces.runtime.live_control.release_plan import release_plan
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.vrchat.endpoints import Endpoints, write_endpoints


class StoppableRun:
    """A run's folder, its record and Board, and a client that receives its datagrams."""

    def __init__(self, folder, config, run_id=""):
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind(("127.0.0.1", 0))
        self.client.settimeout(1.0)
        self.run, self.config = RunFolder(folder), config
        folder.mkdir()
        (folder / "run.id").write_text(run_id, "utf-8")
        self.endpoints = Endpoints("127.0.0.1", self.client.getsockname()[1], 0, "none")
        write_config(config, self.run.config_file)
        write_endpoints(self.run.endpoints, self.endpoints)
        self.entry = LiveRunEntry(folder, release_plan(config, self.endpoints))
        self.board = self.entry.board

    def kill(self):
        """Leave the record of a run whose supervisor was killed."""
        code = "import sys; sys.stdin.read()"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
        self.entry.note_processes({"supervisor": process.pid})
        process.kill()
        process.communicate()

    def is_released(self):
        """Whether every input gets its rest value three times."""
        expected = [f"/input/{action.name}" for action in self.config.world.actions]
        values = [
            next(iter(decode(self.client.recv(4096))))
            for _ in range(3 * len(self.entry.record.plan.rest))
        ]
        assert not any(arguments[0] for _, arguments in values)
        return all([address for address, _ in values].count(name) >= 3 for name in expected)


@pytest.fixture
def stoppable(tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)  # no runs/ here
    stoppable = StoppableRun(tmp_path / "run", tiny)
    yield stoppable
    stoppable.client.close()


@pytest.mark.parametrize("by_name", [True, False])
def test_live_run_without_its_folder_is_stopped_until_the_release(by_name, stoppable):
    path = stoppable.run.path if by_name else None
    board = stoppable.board
    with stoppable.entry:
        shutil.rmtree(stoppable.run.path)
        board.heartbeat("guard")
        board["fence"] = 1  # the guard answers
        assert "every input is released" in stop(path, release=False)
        assert board["halted"] == 1
        board.heartbeat("guard")
        assert "emergency stop released" in stop(path, release=True)
        assert board["halted"] == 0
    assert not stoppable.run.path.exists()


def test_run_whose_folder_was_moved_is_stopped_by_its_new_place(tmp_path, tiny, monkeypatch):
    """Else the command sends the rest values once, says "not running", and the run acts on."""
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    stoppable = StoppableRun(tmp_path / "run", tiny, run_id="a" * 32)
    with stoppable.entry, stoppable.client:
        stoppable.run.path.rename(tmp_path / "moved")
        stoppable.board.heartbeat("guard")
        stoppable.board["fence"] = 1
        assert "every input is released" in stop(tmp_path / "moved", release=False)
        assert stoppable.board["halted"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_emergency_stop_writes_through_no_link(tmp_path, stoppable):
    (tmp_path / "file").write_text("mine", "utf-8")
    stoppable.run.stop_file.symlink_to(tmp_path / "file")
    with stoppable.entry:
        hold(stoppable.run, stoppable.board)
    assert stoppable.board["halted"] == 1
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_trainer_that_outlives_its_run_hides_no_pressed_input(stoppable):
    """A long update of the trainer goes on after body, guard and supervisor were killed."""
    stoppable.kill()
    trainer = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    processes = {**stoppable.entry.record.processes, "trainer": identity_of(trainer.pid)}
    replace(stoppable.entry.record, processes=processes).write()
    try:
        assert len(dead_run_findings()) == 1
        stop(None, release=False)
        assert stoppable.is_released()
        assert dead_run_findings() == []
    finally:
        trainer.kill()
        trainer.communicate()


def test_command_releases_the_inputs_itself_where_no_guard_answers(stoppable):
    with stoppable.entry:
        stoppable.board.heartbeat("body")
        message = stop(stoppable.run.path, release=False)
    assert "this command released every input" in message
    assert stoppable.is_released()
    assert stoppable.board["halted"] == 1


def test_hung_run_is_released_and_may_not_press_again(stoppable):
    """Neither guard nor body has a heartbeat, but the supervisor exists."""
    with stoppable.entry:
        assert "released" in stop(None, release=False)
        assert stoppable.is_released()
        assert stoppable.board["halted"] == 1
        assert live_run_records() == [stoppable.entry.record], "it still runs"
        assert records_of_dead_runs() == []


@pytest.mark.parametrize("has_folder", [True, False])
@pytest.mark.parametrize("by_name", [True, False])
def test_killed_run_is_reported_and_then_released_by_its_record(by_name, has_folder, stoppable):
    stoppable.kill()
    if not has_folder:
        shutil.rmtree(stoppable.run.path)
    (finding,) = dead_run_findings()
    assert finding.level == "problem"
    assert f"stop {stoppable.run.path}" in finding.remedy
    message = stop(stoppable.run.path if by_name else None, release=False)
    assert str(stoppable.run.path) in message
    assert stoppable.is_released()
    assert live_run_records() == []
    assert dead_run_findings() == []


def test_next_run_releases_the_inputs_of_a_killed_one(stoppable):
    stoppable.kill()
    assert len(release_records(records_of_dead_runs())) == 1
    assert stoppable.is_released()
    assert live_run_records() == []


def test_run_without_a_record_is_released_by_the_files_of_its_folder(stoppable):
    assert "is not running" in stop(stoppable.run.path, release=False)
    assert stoppable.is_released()
    assert not stoppable.run.stop_file.exists(), "a resumed run may act"


def test_folder_without_a_record_may_not_name_another_host(stoppable):
    write_endpoints(stoppable.run.endpoints, Endpoints("192.0.2.1", 9000, 0, "none"))
    with pytest.raises(RunError, match=r"192\.0\.2\.1"):
        stop(stoppable.run.path, release=False)


def test_without_any_run_the_command_says_so(stoppable):
    with pytest.raises(RunError, match="no live run"):
        stop(None, release=False)
    with pytest.raises(RunError, match="not a live run"):
        stop(stoppable.run.path, release=True)
