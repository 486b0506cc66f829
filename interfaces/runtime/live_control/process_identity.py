"""Whether a process of an earlier time still runs: its pid may belong to another program now."""

import contextlib
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessIdentity:
    """A process: its pid, and its start in a form that no later process of this pid has."""

    pid: int
    start: str

    @property
    def runs(self) -> bool:
        """Whether this very process still runs. A zombie does not run."""
        return start_of(self.pid) == self.start


def identity_of(pid: int) -> ProcessIdentity:
    """The identity of a process; of one that has ended, an identity that does not run."""
    return ProcessIdentity(pid, start_of(pid) or "ended")


def start_of(pid: int) -> str | None:
    """The start of a running process, independent of changes of the clock. None if none runs."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = Path("/proc", str(pid), "stat").read_text("utf-8").rpartition(")")[2].split()
            state, ticks_since_boot = words[0], words[19]
            return None if state in "ZX" else f"{boot()}/{ticks_since_boot}"
        return None
    import psutil

    with contextlib.suppress(psutil.Error, ValueError):
        process = psutil.Process(pid)
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return f"{process.create_time():.3f}"
    return None


def boot() -> str:
    """Names the time since this machine was started; "" where the system does not tell."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    return ""


def machine() -> str:
    """Names what the pids belong to: this machine, or on Linux this container of it."""
    with contextlib.suppress(OSError, AttributeError):
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    return platform.node()
