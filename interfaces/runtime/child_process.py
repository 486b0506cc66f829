"""What all processes of a run need: a title, a log, a stop event, and a watch on a process."""

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import psutil
import setproctitle
from loguru import logger

from interfaces.ipc.no_links import open_descriptor
from interfaces.runtime.process_table import process_title

SUPERVISOR_PID = "YUME_SUPERVISOR_PID"
_LOG_FORMAT = "{time:HH:mm:ss.SSS} {level: <7} {message}"


def set_up_process(name: str) -> threading.Event:
    """Set the process title yume-NAME, log to stderr, and handle stop signals.

    Returns an event that SIGTERM, SIGINT and SIGBREAK set.
    """
    setproctitle.setproctitle(process_title(name))
    logger.remove()
    logger.add(sys.stderr, format=_LOG_FORMAT, level="INFO")
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):  # SIGBREAK: Windows only
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    return stopped


def lower_priority() -> None:
    """Run below the priority of all other programs: nice 19, on Windows below normal."""
    process = psutil.Process()
    process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 19)


class ProcessWatch:
    """Notices at once when a process ends, also as a zombie. A reused pid does not confuse it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd: int | None = None
        self._handle: int | None = None
        self._process: psutil.Process | None = None
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # ended, or not allowed here: psutil tells which
                self._fd = os.pidfd_open(pid)
        elif sys.platform == "win32":
            synchronize = 0x00100000
            handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, pid)
            self._handle = handle or None
        if self._fd is None and self._handle is None:
            with contextlib.suppress(psutil.NoSuchProcess):  # already ended: wait() returns True
                self._process = psutil.Process(pid)

    def wait(self, timeout_s: float) -> bool:
        """True once the process has ended; returns at the latest after `timeout_s` seconds."""
        if self._fd is not None:
            return bool(select.select([self._fd], [], [], timeout_s)[0])
        if self._handle is not None and sys.platform == "win32":
            kernel = ctypes.windll.kernel32
            return kernel.WaitForSingleObject(self._handle, int(timeout_s * 1000)) == 0
        if self._process is None:
            return True
        time.sleep(timeout_s)
        return not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        if self._handle is not None and sys.platform == "win32":
            ctypes.windll.kernel32.CloseHandle(self._handle)
        self._fd = self._handle = self._process = None


def watch_supervisor() -> threading.Event:
    """An event that is set within half a second after the supervisor ends.

    The environment holds the supervisor's pid. In a virtual environment on Windows the parent is a
    launcher, which runs as long as its child.
    """
    supervisor = int(os.environ.get(SUPERVISOR_PID) or os.getppid())
    orphaned, watch = threading.Event(), ProcessWatch(supervisor)

    def wait_for_end() -> None:
        while not watch.wait(0.5):
            pass
        orphaned.set()

    threading.Thread(target=wait_for_end, name="parent-watch", daemon=True).start()
    return orphaned


def append_log(folder: Path, name: str) -> int:
    """Open NAME.log for appending. Returns the file descriptor, which the caller must close."""
    folder.mkdir(parents=True, exist_ok=True)
    return open_descriptor(folder / f"{name}.log", "ab")
