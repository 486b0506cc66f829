"""Notices at once when a process ends."""

import contextlib
import ctypes
import os
import select
import sys
import time

import psutil


class ProcessWatch:
    """Notices at once when a process ends, also as a zombie. A reused pid does not confuse it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd: int | None = None
        self._handle: int | None = None
        self._process: psutil.Process | None = None
        if sys.platform == "linux":
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
        if self._fd is not None and sys.platform == "linux":
            poll = select.poll()  # select() refuses file descriptors above 1023
            poll.register(self._fd, select.POLLIN)
            return bool(poll.poll(timeout_s * 1e3))
        if self._handle is not None and sys.platform == "win32":
            kernel = ctypes.windll.kernel32
            return kernel.WaitForSingleObject(self._handle, int(timeout_s * 1000)) == 0
        if self._process is None:
            return True
        time.sleep(timeout_s)
        try:
            return not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # it ended between the two questions
            return True

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        if self._handle is not None and sys.platform == "win32":
            ctypes.windll.kernel32.CloseHandle(self._handle)
        self._fd = self._handle = self._process = None
