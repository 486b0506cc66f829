"""One life at a time in a folder."""

import json
import subprocess
import sys

import pytest

from interfaces.runtime import run_lock as lock_module
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.runtime.run_lock import claim
from tests.conftest import ROOT

_HOLD = """
import sys, time
from pathlib import Path
from interfaces.runtime.run_lock import claim
from interfaces.runtime.run_folder import RunFolder
with claim(RunFolder(Path(sys.argv[1]))):
    print("mine", flush=True)
    time.sleep(60)
"""


def hold(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout.readline().strip() == b"mine"
    return process


def test_a_folder_has_one_life_and_a_killed_one_leaves_it_free(tmp_path):
    holder = hold(tmp_path)
    try:
        with pytest.raises(RunError, match="alive in another process"), claim(RunFolder(tmp_path)):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with claim(RunFolder(tmp_path)):
        pass


def test_it_waits_for_who_is_left_of_an_earlier_life(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    body = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", str(run.path)],
        stdout=subprocess.DEVNULL,
    )
    run.processes.write_text(json.dumps({"supervisor": 1, "body": body.pid}), encoding="utf-8")
    monkeypatch.setattr(lock_module, "_PATIENCE_S", 0.3)
    try:
        with pytest.raises(RunError, match=rf"body \(pid {body.pid}\)"), claim(run):
            pass
    finally:
        body.kill()
        body.wait()
    with claim(run):
        pass
    run.processes.write_text(json.dumps({"body": 1}), encoding="utf-8")  # a pid given to another
    with claim(run):
        pass
