"""The records of live runs: how commands find a run and its Board without its folder."""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from interfaces.runtime.live_control import process_identity
from interfaces.runtime.live_control.live_runs import (
    LiveRunEntry,
    live_run_records,
    open_board,
    own_record,
    record_of,
)
from interfaces.runtime.live_control.process_identity import ProcessIdentity, identity_of
from interfaces.runtime.live_control.release_plan import ReleasePlan
from interfaces.runtime.run_folder import RunFolder
from tests.conftest import ROOT

PLAN = ReleasePlan(("127.0.0.1", 9000), (b"/input/Jump\0,i\0\0", b"\xff"), 10.0)


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """The entry of a run in tmp_path/run, in a user's folder of its own."""
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    folder = tmp_path / "run"
    folder.mkdir()
    with LiveRunEntry(folder, PLAN) as entry:
        yield entry


def record_file(tmp_path, entry):
    return tmp_path / "state" / "live" / f"{entry.record.id}.json"


def test_record_leads_to_the_run_whose_folder_is_deleted(tmp_path, entry):
    shutil.rmtree(tmp_path / "run")
    entry.board["ticks"] = 4
    entry.note_processes({"guard": os.getppid()})
    record = record_of(tmp_path / "run")
    assert record == entry.record
    assert record.runs
    assert not record.may_be_pressed
    assert record.plan == PLAN
    assert set(record.processes) == {"supervisor", "guard"}
    board = open_board(RunFolder(tmp_path / "run"))
    assert board["ticks"] == 4
    board["halted"] = 1
    assert entry.board["halted"] == 1


def test_record_is_removed_with_the_end_of_the_run(tmp_path, entry):
    entry.__exit__(None, None, None)
    assert record_of(tmp_path / "run") is None
    assert not list((tmp_path / "state" / "live").glob("*.json"))


def test_child_finds_board_and_record_without_the_folder(tmp_path, entry):
    code = (
        "import sys; from pathlib import Path\n"
        "from interfaces.runtime.live_control.live_runs import open_board, own_record\n"
        "from interfaces.runtime.run_folder import RunFolder\n"
        "open_board(RunFolder(Path(sys.argv[1])))['ticks'] = 9\n"
        "assert own_record().folder == Path(sys.argv[1])\n"
    )
    shutil.rmtree(tmp_path / "run")
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(ROOT), **entry.environment},
        pass_fds=entry.descriptors,
        check=True,
    )
    assert entry.board["ticks"] == 9


def test_run_is_found_in_a_folder_that_was_moved_but_not_in_a_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.id").write_text("a" * 32, "utf-8")
    with LiveRunEntry(run, PLAN) as entry:
        shutil.copytree(run, tmp_path / "copy")
        assert record_of(tmp_path / "copy") is None
        run.rename(tmp_path / "moved")
        assert record_of(tmp_path / "moved") == entry.record


def test_run_is_found_after_a_network_has_renamed_the_machine(tmp_path, entry, monkeypatch):
    if not entry.record.boot:
        pytest.skip("this system does not name its starts")
    monkeypatch.setattr(platform, "node", lambda: "another name")
    assert record_of(tmp_path / "run") == entry.record
    monkeypatch.setattr(process_identity, "boot", lambda: "another start")
    assert record_of(tmp_path / "run") is None


def test_inherited_names_are_not_used_for_another_run(tmp_path, entry, monkeypatch):
    """A command that a process of one run starts, for a run in another folder."""
    for name, value in entry.environment.items():
        monkeypatch.setenv(name, value)
    assert own_record() == entry.record
    with pytest.raises(FileNotFoundError):
        open_board(RunFolder(tmp_path / "other"))


def test_killed_run_may_leave_inputs_pressed_until_the_machine_restarts(tmp_path, entry):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = replace(entry.record, processes={"supervisor": identity_of(process.pid)})
    assert record.runs
    process.kill()
    process.communicate()
    assert not record.runs
    assert record.may_be_pressed
    assert not replace(record, boot="an earlier start").may_be_pressed
    elsewhere = replace(PLAN, target=("192.0.2.1", 9000))
    assert replace(record, boot="an earlier start", plan=elsewhere).may_be_pressed


def test_another_process_with_the_same_pid_is_not_the_run():
    own = identity_of(os.getpid())
    assert own.runs
    assert not ProcessIdentity(own.pid, own.start + "1").runs


@pytest.mark.parametrize(
    "change",
    [
        {"target": ["127.0.0.1", 10**400]},
        {"target": ["127.0.0.1"]},
        {"rest": ["no hex"]},
        {"rest": 3},
        {"hz": "often"},
        {"processes": {"guard": [1e999, ""]}},
        {"processes": []},
        {"folder": None},
        {"machine": "another one", "boot": "another start"},
        {"machine": "another one pid:[1]"},
        {"id": "../../other"},
    ],
)
def test_what_is_no_record_of_this_machine_is_left_out(change, tmp_path, entry):
    path = record_file(tmp_path, entry)
    content = json.loads(path.read_text("utf-8"))
    assert len(live_run_records()) == 1
    path.write_text(json.dumps({**content, **change}), "utf-8")
    assert live_run_records() == []


@pytest.mark.parametrize("text", ["", "[" * 100_000, "3", '{"id": 1', "\x00\xff"])
def test_damaged_record_is_left_out(text, tmp_path, entry):
    record_file(tmp_path, entry).write_text(text, "latin-1")
    assert live_run_records() == []


def test_run_without_a_writable_folder_of_the_user_still_has_a_board(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "file"))
    with LiveRunEntry(tmp_path, PLAN) as entry:
        entry.board["ticks"] = 2
        assert entry.board["ticks"] == 2
        assert live_run_records() == []


def test_old_file_of_an_ended_board_is_deleted(tmp_path, entry):
    """Windows cannot delete it at the end of the run, because it is still mapped."""
    live = tmp_path / "state" / "live"
    old, new, other = live / "yume-board-0", live / "yume-board-1", live / "notes"
    used = live / f"yume-board-{entry.record.id}"
    for path in (old, new, other, used):
        path.touch()
    for path in (old, other, used):
        os.utime(path, (0, 0))
    LiveRunEntry(tmp_path / "run", PLAN)
    assert not old.exists()
    assert new.exists(), "of a run that is just starting"
    assert other.exists()
    assert used.exists()
