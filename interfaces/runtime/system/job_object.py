"""A Windows job object: the processes in it end when the last process that holds it ends.

The supervisor puts trainer, recorder and stand-in into the job, and gives the guard a handle to it.
When the supervisor is killed, these processes get the time until the guard ends to close their
files. The guard ends last, after it has released the inputs. Body and guard are not in the job: a
body whose supervisor and guard are both killed must still release its inputs.

Elsewhere nothing is needed: each process watches the supervisor (`child_process.watch_supervisor`).
"""

import ctypes
import sys
from typing import Any

from loguru import logger

_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_KILL_ON_JOB_CLOSE = 0x2000
_SAME_ACCESS = 0x2  # DUPLICATE_SAME_ACCESS


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("limit_flags", ctypes.c_uint32),
        ("smallest_working_set", ctypes.c_size_t),
        ("largest_working_set", ctypes.c_size_t),
        ("most_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("basic", _BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("memory_limits", ctypes.c_size_t * 4),
    )


class JobObject:
    """One job. `kernel`: kernel32.dll. Raises OSError if the system makes none."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._handle = kernel.CreateJobObjectW(None, None)
        if not self._handle:
            raise OSError("no job object can be made")
        limits = ExtendedLimits()
        limits.basic.limit_flags = _KILL_ON_JOB_CLOSE
        pointer, size = ctypes.byref(limits), ctypes.sizeof(limits)
        if not kernel.SetInformationJobObject(self._handle, _EXTENDED_LIMITS, pointer, size):
            kernel.CloseHandle(self._handle)
            raise OSError("the job object refuses its limits")

    def add(self, process_handle: int) -> bool:
        """End the process with the job. Whether the system accepts it."""
        return bool(self._kernel.AssignProcessToJobObject(self._handle, process_handle))

    def share_with(self, process_handle: int) -> bool:
        """The job lives at least as long as this process, too. Whether the system accepts it."""
        kernel, copy = self._kernel, ctypes.c_void_p()
        return bool(
            kernel.DuplicateHandle(
                kernel.GetCurrentProcess(),
                self._handle,
                process_handle,
                ctypes.byref(copy),
                0,
                False,
                _SAME_ACCESS,
            )
        )

    def close(self) -> None:
        """Close this handle: the processes of the job end unless another process holds it."""
        if self._handle:
            self._kernel.CloseHandle(self._handle)
        self._handle = None


def new_job() -> JobObject | None:
    """A job on Windows; None on other systems, and where Windows refuses it, with a log line."""
    if sys.platform != "win32":
        return None
    kernel = ctypes.WinDLL("kernel32")
    handle = ctypes.c_void_p
    kernel.CreateJobObjectW.argtypes, kernel.CreateJobObjectW.restype = (handle, handle), handle
    kernel.SetInformationJobObject.argtypes = (handle, ctypes.c_int, handle, ctypes.c_uint32)
    kernel.AssignProcessToJobObject.argtypes = (handle, handle)
    kernel.GetCurrentProcess.restype = handle
    kernel.DuplicateHandle.argtypes = (
        *(handle, handle, handle, handle),
        *(ctypes.c_uint32, ctypes.c_int, ctypes.c_uint32),
    )
    kernel.CloseHandle.argtypes = (handle,)
    try:
        return JobObject(kernel)
    except OSError as error:
        logger.warning("processes may outlive a killed supervisor: {}", error)
        return None
