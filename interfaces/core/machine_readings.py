"""Readings of the machine and of its processes: memory, processor, priority, disk, clock.

A gauge never ends a run. A sandbox, Wine or a driver may refuse any of these questions, with any
error. The reading is then None, and the reason is logged once for each kind of reading.
"""

import ctypes
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
from loguru import logger

T = TypeVar("T")
MB, GB = 1e6, 1e9
_lock = threading.Lock()
_told: set[str] = set()  # readings whose failure has been logged


def process_memory_mb(pid: int) -> float | None:
    """Memory that only this process uses (unique set size), in MB. None after its end.

    Windows may refuse it; then it is the private memory, which counts what is swapped out too.
    """

    def read() -> float:
        process = psutil.Process(pid)
        try:
            return process.memory_full_info().uss / MB
        except psutil.NoSuchProcess:
            raise
        except Exception:
            private = getattr(process.memory_info(), "private", None)
            if private is None:
                raise
            return private / MB

    return _read("the memory of a process", read)


def machine_memory_gb() -> tuple[float, float] | None:
    """Available and total memory of the machine, in GB."""

    def read() -> tuple[float, float]:
        memory = psutil.virtual_memory()
        return memory.available / GB, memory.total / GB

    return _read("the memory of the machine", read)


def free_disk_bytes(path: Path) -> int | None:
    """Free bytes where `path` is, or will be: its nearest folder that exists counts."""

    def read() -> int:
        place = path.absolute()
        while not place.exists() and place != place.parent:
            place = place.parent
        return shutil.disk_usage(place).free

    return _read("the free space of a disk", read)


def logical_cores() -> int | None:
    """The number of logical processor cores."""
    return _read("the number of processor cores", psutil.cpu_count)


def is_below_normal_priority() -> bool | None:
    """Whether this process has a lower priority than programs usually have."""

    def read() -> bool:
        nice = int(psutil.Process().nice())
        if sys.platform == "win32":
            return nice in (psutil.BELOW_NORMAL_PRIORITY_CLASS, psutil.IDLE_PRIORITY_CLASS)
        return nice > 0

    return _read("the priority of this process", read)


def on_battery() -> bool | None:
    """Whether the machine runs on its battery. False without a battery."""

    def read() -> bool:
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False

    return _read("the battery", read)


def saves_power() -> bool | None:
    """Whether Windows' battery saver is on. False on other systems."""

    def read() -> bool:
        if sys.platform != "win32":
            return False
        status = (ctypes.c_ubyte * 12)()  # SYSTEM_POWER_STATUS; byte 3: the battery saver is on
        if not ctypes.WinDLL("kernel32").GetSystemPowerStatus(status):
            raise ctypes.WinError()
        return status[3] == 1

    return _read("the battery saver", read)


def clock_resolution_us() -> float | None:
    """The resolution of `time.perf_counter`, in microseconds."""

    def read() -> float:
        return 1e6 * time.get_clock_info("perf_counter").resolution

    return _read("the resolution of the clock", read)


def _read(what: str, read: Callable[[], T | None]) -> T | None:
    try:
        return read()
    except psutil.NoSuchProcess:
        return None
    except Exception as error:  # any: it is only a gauge
        with _lock:
            is_first = what not in _told
            _told.add(what)
        if is_first:
            logger.warning("{} is unknown: {}: {}", what, type(error).__name__, error)
        return None
