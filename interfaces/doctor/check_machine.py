"""The machine itself: Python, memory, disk, clock, and the right to step back."""

import math
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from configs.schema import Config
from interfaces.doctor.findings import Finding, ok, problem, warning

ROOT = Path(__file__).resolve().parent.parent.parent
OLDEST_PYTHON = (3, 11)
MEMORY_GB = 2.0  # body, trainer, guard and stand-in together, of the default model
SLEEPS = 40
GB = 1e9
# Windows grants less than is asked for, and says nothing.
_TRY_PRIORITIES = """
import os, sys, psutil, interfaces.runtime.child_process
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
interfaces.runtime.child_process.lower_priority()
"""


def python_findings() -> list[Finding]:
    """Python and the system it runs on."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    text = f"{platform.python_version()} on {system}, {psutil.cpu_count() or 1} cores"
    if sys.version_info < OLDEST_PYTHON:
        return [problem("python", text, "Yume needs Python 3.11 or newer")]
    return [ok("python", text)]


def space_findings(config: Config, folder: Path) -> list[Finding]:
    """Memory, and the disk of `folder`, where runs are kept, against what a run may fill."""
    from interfaces.journal.layout import record_dtype
    from interfaces.vrchat.vrchat_world import vrchat_spaces

    memory = psutil.virtual_memory()
    record = record_dtype(vrchat_spaces(config.world)).itemsize
    journal_gb = record * config.journal.max_steps / GB
    needed_gb = journal_gb + config.weights.keep_mb * 1e6 / GB
    return [
        memory_finding(memory.available / GB, memory.total / GB),
        disk_finding(shutil.disk_usage(folder).free / GB, needed_gb, folder),
    ]


def memory_finding(free_gb: float, total_gb: float) -> Finding:
    text = f"{free_gb:.1f} of {total_gb:.1f} GB free"
    if free_gb < MEMORY_GB:
        return warning("memory", text, f"close other programs: a run needs about {MEMORY_GB:g} GB")
    return ok("memory", text)


def disk_finding(free_gb: float, needed_gb: float, folder: Path) -> Finding:
    """`needed_gb`: journal and kept weights, when they are full."""
    text = f"{free_gb:.1f} GB free in {folder}; a full journal and weights need {needed_gb:.1f} GB"
    remedy = "free some, choose another disk with --out, or lower journal.max_steps"
    if free_gb < needed_gb:
        return problem("disk", text, remedy)
    return warning("disk", text, remedy) if free_gb < 1.5 * needed_gb else ok("disk", text)


def clock_findings(spin_ms: float) -> list[Finding]:
    """How fine the clock is and how late a sleep wakes. To be asked while nothing else runs."""
    late_ms: list[float] = []
    for _ in range(SLEEPS):
        due = time.perf_counter() + 0.001
        time.sleep(0.001)
        late_ms.append((time.perf_counter() - due) * 1000.0)
    resolution_us = time.get_clock_info("perf_counter").resolution * 1e6
    return [clock_finding(resolution_us, statistics.median(late_ms), spin_ms)]


def clock_finding(resolution_us: float, late_ms: float, spin_ms: float) -> Finding:
    text = f"ticks of {resolution_us:.3g} µs; a sleep of 1 ms wakes {max(0.0, late_ms):.2f} ms late"
    if late_ms > spin_ms:  # the beat sleeps until spin_ms before its deadline, then spins
        spin = min(20, math.ceil(late_ms + 0.5))
        return warning("clock", f"{text}: every beat would be late", f"beat.spin_ms={spin}")
    return ok("clock", text)


def priority_findings() -> list[Finding]:
    """The trainer must be able to step back behind the body, and the body to run as others do."""
    # Tried in a child: what steps back cannot always come forward again.
    child = subprocess.run(
        [sys.executable, "-c", _TRY_PRIORITIES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10.0,
        check=False,
    )
    behind = "below normal" if sys.platform == "win32" else "nice 19"
    if child.returncode:
        text = f"the trainer may not step back to {behind}: it would hold up the body"
        return [warning("priority", text, "start Yume from an ordinary account and terminal")]
    if _held_back():
        text = "this terminal runs below normal priority, and so would the body"
        return [warning("priority", text, "start Yume from an ordinary terminal")]
    realtime = "allowed" if "True" in child.stdout else "not allowed"
    return [ok("priority", f"the trainer can step back ({behind}); realtime {realtime}, not used")]


def _held_back() -> bool:
    nice = int(psutil.Process().nice())
    if sys.platform == "win32":
        return nice in (psutil.BELOW_NORMAL_PRIORITY_CLASS, psutil.IDLE_PRIORITY_CLASS)
    return nice > 0
