"""The emergency stop of a real run whose folder is deleted."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from interfaces.runtime.live_control.live_runs import open_board, record_of
from interfaces.runtime.run_folder import RunFolder
from interfaces.safety.body_watch import is_fenced
from tests.cli import command, here
from tests.conftest import ROOT
from tests.polling import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no folder in use"),
]
WAIT_S = 60.0


def test_run_without_its_folder_is_stopped_by_signal_and_command_and_does_not_end_clean(tmp_path):
    run = tmp_path / "run"
    process = subprocess.Popen(
        command("run", "tiny", "--out", run),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    try:
        wait_until(lambda: record_of(run) is not None, "the record", WAIT_S)
        board = open_board(RunFolder(run))
        wait_until(lambda: board["ticks"] > 5, "ticks", WAIT_S)
        shutil.rmtree(run)
        process.send_signal(signal.SIGUSR1)
        wait_until(lambda: is_fenced(board), "the fence after the signal", WAIT_S)
        here("stop", "--release", run)
        wait_until(lambda: not is_fenced(board), "the end of the fence", WAIT_S)
        assert "every input is released" in here("stop").all
        assert is_fenced(board)
        os.kill(record_of(run).processes["guard"].pid, signal.SIGKILL)
        guard = record_of(run).processes["guard"]
        wait_until(lambda: record_of(run).processes["guard"] != guard, "another guard", WAIT_S)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 1, output
    assert "was deleted or moved while the run used it" in output
    assert not run.exists(), "a deleted folder is not made again"
    assert record_of(run) is None
