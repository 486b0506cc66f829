"""Whether a process of an earlier time still runs: its pid may belong to another program now."""

import contextlib
import ctypes
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
    if sys.platform == "darwin":
        name, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        wanted = b"kern.bootsessionuuid"
        failed = ctypes.CDLL(None).sysctlbyname(wanted, name, ctypes.byref(size), None, 0)
        return "" if failed else name.value.decode("ascii", "replace")
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    return ""


def machine() -> str:
    """Names what the pids belong to: this machine, or on Linux this container of it."""
    namespace = ""
    with contextlib.suppress(OSError, AttributeError):
        namespace = os.readlink("/proc/self/ns/pid")
    return f"{platform.node()} {namespace}"


def is_here(machine_then: str, boot_then: str) -> bool:
    """Whether the pids of a record are pids of this machine and container.

    A network can change the name of the machine during a run. Then the same start of the machine
    tells that it is this one.
    """
    if machine_then == machine():
        return True
    same_start = boot_then != "" and boot_then == boot()
    return same_start and machine_then.rpartition(" ")[2] == machine().rpartition(" ")[2]
