"""Check the machine: Python, memory, disk, clock and process priorities."""

import math
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from configs.schema import Config
from interfaces.core.machine_readings import (
    GB,
    clock_resolution_us,
    free_disk_bytes,
    is_below_normal_priority,
    logical_cores,
    machine_memory_gb,
    on_battery,
    saves_power,
)
from interfaces.doctor.findings import Finding, ok, problem, warning

ROOT = Path(__file__).resolve().parent.parent.parent
OLDEST_PYTHON = (3, 11)
MEMORY_GB = 2.0  # body, trainer, guard and stand-in together, with the default model
SLEEPS = 40
PRIORITY_S = 10.0
# Windows may grant a lower priority than requested, without an error.
_TRY_PRIORITIES = """
import os, sys, psutil, interfaces.runtime.system.process_priority
try:
    if sys.platform == "win32":
        me = psutil.Process()
        me.nice(psutil.REALTIME_PRIORITY_CLASS)
        print(me.nice() == psutil.REALTIME_PRIORITY_CLASS)
    else:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        print(True)
except Exception:
    print(False)
sys.exit(not interfaces.runtime.system.process_priority.lower_priority())
"""


def python_findings() -> list[Finding]:
    """The version of Python, the system and the number of cores."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    text = f"{platform.python_version()} on {system}, {logical_cores() or 'unknown'} cores"
    if sys.version_info < OLDEST_PYTHON:
        return [problem("python", text, "Yume needs Python 3.11 or newer")]
    return [ok("python", text)]


def space_findings(config: Config, folder: Path) -> list[Finding]:
    """Free memory, and free disk space of `folder` against what one run may need."""
    from interfaces.core.rewards import step_layout
    from interfaces.journal.segment_header import record_dtype
    from interfaces.vrchat.vrchat_world import vrchat_spaces

    layout = step_layout(config.reward, vrchat_spaces(config.world))
    record = record_dtype(layout.dtype).itemsize
    journal_gb = record * config.journal.max_steps / GB
    needed_gb = journal_gb + config.weights.keep_mb * 1e6 / GB
    return [
        memory_finding(machine_memory_gb()),
        disk_finding(free_disk_bytes(folder), needed_gb, folder),
    ]


def memory_finding(memory_gb: tuple[float, float] | None) -> Finding:
    """Whether a run has enough free memory. `memory_gb`: free and total GB; None is unknown."""
    if memory_gb is None:
        return ok("memory", f"unknown; a run needs about {MEMORY_GB:g} GB")
    free_gb, total_gb = memory_gb
    text = f"{free_gb:.1f} of {total_gb:.1f} GB free"
    if free_gb < MEMORY_GB:
        return warning("memory", text, f"close other programs: a run needs about {MEMORY_GB:g} GB")
    return ok("memory", text)


def disk_finding(free_bytes: int | None, needed_gb: float, folder: Path) -> Finding:
    """`free_bytes`: None is unknown. `needed_gb`: a full journal and all kept weights."""
    if free_bytes is None:
        text = f"the free space of {folder} is unknown"
        return ok("disk", f"{text}; a full journal and weights need {needed_gb:.1f} GB")
    free_gb = free_bytes / GB
    text = f"{free_gb:.1f} GB free in {folder}; a full journal and weights need {needed_gb:.1f} GB"
    remedy = "free some, choose another disk with --out, or lower journal.max_steps"
    if free_gb < needed_gb:
        return problem("disk", text, remedy)
    return warning("disk", text, remedy) if free_gb < 1.5 * needed_gb else ok("disk", text)


def clock_findings(spin_ms: float) -> list[Finding]:
    """The clock's resolution, and how late a sleep ends. Run it while no other check runs."""
    late_ms: list[float] = []
    for _ in range(SLEEPS):
        due = time.perf_counter() + 0.001
        time.sleep(0.001)
        late_ms.append((time.perf_counter() - due) * 1000.0)
    return [clock_finding(clock_resolution_us(), statistics.median(late_ms), spin_ms)]


def clock_finding(resolution_us: float | None, late_ms: float, spin_ms: float) -> Finding:
    """Whether a sleep ends early enough for a tick at its deadline."""
    resolution = "unknown" if resolution_us is None else f"{resolution_us:.3g} µs"
    text = f"resolution {resolution}; a sleep of 1 ms ends {max(0.0, late_ms):.2f} ms late"
    if late_ms > spin_ms:  # the pacer sleeps until spin_ms before the deadline, then spins
        spin = min(20, math.ceil(late_ms + 0.5))
        return warning("clock", f"{text}: every tick would be late", f"tick.spin_ms={spin}")
    return ok("clock", text)


def priority_findings() -> list[Finding]:
    """Whether the trainer can lower its priority, and the body runs at normal priority."""
    # A child process tries it: a process cannot always raise its priority again.
    command = [sys.executable, "-c", _TRY_PRIORITIES]
    try:
        child = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PRIORITY_S, check=False
        )
    except subprocess.TimeoutExpired:
        text = f"the trial took longer than {PRIORITY_S:g} s: the machine is busy"
        return [warning("priority", text, "end other programs, and run doctor again")]
    low = "below normal" if sys.platform == "win32" else "nice 19"
    if child.returncode:
        text = f"the trainer cannot lower its priority to {low}: it would delay the body"
        return [warning("priority", text, "start Yume from an ordinary account and terminal")]
    if is_below_normal_priority():
        text = "this terminal runs below normal priority, and the body would, too"
        return [warning("priority", text, "start Yume from an ordinary terminal")]
    realtime = "allowed" if "True" in child.stdout else "not allowed"
    text = f"the trainer can lower its priority ({low}); realtime {realtime}, not used"
    return [ok("priority", text)]


def power_findings() -> list[Finding]:
    """Whether the system saves power, and slows programs down for it."""
    return [power_finding(battery=on_battery(), saver=saves_power())]


def power_finding(*, battery: bool | None, saver: bool | None) -> Finding:
    """`battery`: the machine runs on it. `saver`: battery saver is on. None is unknown."""
    if saver:
        return warning("power", "battery saver is on: ticks may be late", "turn it off")
    if battery:
        text = "the machine runs on its battery, and may slow programs down"
        return warning("power", text, "plug it in, or choose a power mode of best performance")
    if battery is None and saver is None:
        return ok("power", "unknown")
    return ok("power", "nothing is slowed down to save the battery")
