"""The watch on a process where the system has no handle for it, as on macOS."""

import os
import subprocess
import sys

import psutil
import pytest

from interfaces.safety.process_watch import ProcessWatch


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a handle for each process")
def test_process_that_ends_between_two_questions_has_ended(monkeypatch):
    """Else the guard itself ended with an error, at the moment when the body died."""

    def refuse(_pid):
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = ProcessWatch(process.pid)
    assert not watch.wait(0.0)
    runs = psutil.Process.is_running

    def ends_just_after(self):
        answer = runs(self)
        process.kill()
        process.communicate()
        return answer

    monkeypatch.setattr(psutil.Process, "is_running", ends_just_after)
    assert watch.wait(0.0)
    watch.close()
