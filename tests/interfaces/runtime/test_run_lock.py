"""Run locks: one live run per folder, and no change while the recording is read."""

import contextlib
import json
import subprocess
import sys

import pytest

from interfaces.runtime import run_lock
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.runtime.run_lock import claim, exclusive_lock, shared_lock
from tests.conftest import ROOT

_CLAIM = """
import sys, time
from pathlib import Path
from interfaces.runtime.run_lock import claim
from interfaces.runtime.run_folder import RunFolder
with claim(RunFolder(Path(sys.argv[1]))):
    print("claimed", flush=True)
    time.sleep(60)
"""


def start_claim(folder):
    """A process that holds the lock of the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLAIM, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout.readline().strip() == b"claimed"
    return process


def test_folder_has_one_live_run_and_a_killed_one_frees_it(tmp_path):
    process = start_claim(tmp_path)
    try:
        with pytest.raises(RunError, match="in use by another process"), claim(RunFolder(tmp_path)):
            pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with claim(RunFolder(tmp_path)):
        pass


def test_claim_waits_for_processes_of_an_earlier_run(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    body = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", str(run.path)],
        stdout=subprocess.DEVNULL,
    )
    run.processes.write_text(json.dumps({"supervisor": 1, "body": body.pid}), encoding="utf-8")
    monkeypatch.setattr(run_lock, "_PATIENCE_S", 0.3)
    try:
        with pytest.raises(RunError, match=rf"body \(pid {body.pid}\)"), claim(run):
            pass
    finally:
        body.kill()
        body.wait()
    with claim(run):
        pass
    reused_pid = {"body": 1}  # a pid that belongs to another program now
    run.processes.write_text(json.dumps(reused_pid), encoding="utf-8")
    with claim(run):
        pass


def test_recording_with_a_reader_cannot_be_changed(tmp_path):
    run = RunFolder(tmp_path)
    run.config_file.write_text("seed: 1\n")  # what is locked on Windows
    in_use = pytest.raises(RunError, match=r"being (read|changed)")
    with shared_lock(run), shared_lock(run), in_use, exclusive_lock(run):
        pass
    with exclusive_lock(run):
        assert run.config_file.read_text() == "seed: 1\n"
        with in_use, shared_lock(run):
            pass
    with exclusive_lock(run), contextlib.suppress(ValueError):
        raise ValueError  # also an error frees it
    with shared_lock(run):
        names = [each.name for each in tmp_path.iterdir()]
    assert names == ["config.yaml"], "a reader writes nothing"
