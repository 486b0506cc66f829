"""A reading of the machine that fails is unknown: it is logged once, and ends nothing."""

import os
import subprocess
import sys

import psutil
import pytest
from loguru import logger

from interfaces.core import machine_readings as readings

ALL = {
    "memory of a process": lambda: readings.process_memory_mb(os.getpid()),
    "memory of the machine": readings.machine_memory_gb,
    "free space": lambda: readings.free_disk_bytes(readings.Path.cwd()),
    "processor cores": readings.logical_cores,
    "priority": readings.is_below_normal_priority,
    "battery": readings.on_battery,
    "battery saver": readings.saves_power,
    "clock": readings.clock_resolution_us,
}
CALLS = (
    *("psutil.Process", "psutil.virtual_memory", "psutil.cpu_count", "shutil.disk_usage"),
    *("psutil.sensors_battery", "time.get_clock_info"),
)


@pytest.fixture
def warnings(monkeypatch):
    monkeypatch.setattr(readings, "_told", set())
    lines = []
    handler = logger.add(lambda line: lines.append(str(line)), level="WARNING", format="{message}")
    yield lines
    logger.remove(handler)


def test_every_reading_can_be_read_here(warnings):
    values = {name: read() for name, read in ALL.items()}
    assert None not in values.values(), values
    assert values["memory of a process"] > 1.0
    available, total = values["memory of the machine"]
    assert 0.1 < available <= total
    assert warnings == []


@pytest.mark.parametrize(
    "error",
    [OSError(22, "Invalid parameter"), RuntimeError("no"), NotImplementedError(), SystemError("?")],
)
def test_whatever_is_raised_is_unknown_and_told_once(monkeypatch, warnings, error):
    def refuse(*_, **__):
        raise error

    for call in CALLS:
        monkeypatch.setattr(call, refuse)
    for name, read in ALL.items():
        if name == "battery saver":  # asked on Windows only, and there by kernel32.dll
            continue
        before = len(warnings)
        assert (read(), read()) == (None, None), name
        assert len(warnings) == before + 1, name
        assert name.split()[-1] in warnings[-1]
        assert type(error).__name__ in warnings[-1]


def test_without_the_unique_set_size_the_private_memory_of_windows_counts(monkeypatch, warnings):
    def refuse(_):
        raise OSError(22, "Invalid parameter")

    class Information:
        private = 3_000_000

    monkeypatch.setattr("psutil.Process.memory_full_info", refuse)
    monkeypatch.setattr("psutil.Process.memory_info", lambda _: Information)
    assert readings.process_memory_mb(os.getpid()) == 3.0
    assert warnings == []


def test_a_process_that_has_ended_is_unknown_without_a_warning(warnings):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not psutil.pid_exists(process.pid)
    assert readings.process_memory_mb(process.pid) is None
    assert warnings == []


def test_a_folder_that_does_not_exist_yet_has_the_free_space_of_its_parent(tmp_path):
    assert readings.free_disk_bytes(tmp_path / "new" / "run") > 0
