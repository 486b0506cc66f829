"""Interrupts, kills and suspends processes on every system, for benchmarks and tests."""

import signal
import subprocess
import sys
from typing import Any

import psutil

# Arguments of subprocess.Popen for a process that `interrupt` can end.
INTERRUPTIBLE: dict[str, Any] = (
    {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if sys.platform == "win32" else {}
)
# Exit code of a process that psutil or subprocess has killed: (psutil, subprocess).
KILLED = (15, 1) if sys.platform == "win32" else (-9, -9)


def interrupt(process: "subprocess.Popen[Any]") -> None:
    """As Ctrl-C; on Windows Ctrl-Break, which reaches one process group only."""
    process.send_signal(signal.CTRL_BREAK_EVENT if sys.platform == "win32" else signal.SIGINT)


def kill(pid: int) -> None:
    """End at once, without a last word."""
    psutil.Process(pid).kill()


def suspend(pid: int) -> None:
    """Stop all threads until `resume`, as in a sleep of the machine."""
    psutil.Process(pid).suspend()


def resume(pid: int) -> None:
    """Let a suspended process go on; one that has ended is no error."""
    try:
        psutil.Process(pid).resume()
    except psutil.NoSuchProcess:
        return


def is_started_by(pid: int, process: "subprocess.Popen[Any]") -> bool:
    """Whether `pid` is the process or its child: in a virtual environment on Windows the started
    process is a launcher, and Python its child."""
    try:
        return pid == process.pid or process.pid in (
            each.pid for each in psutil.Process(pid).parents()
        )
    except psutil.Error:
        return False
