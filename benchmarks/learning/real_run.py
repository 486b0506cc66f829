"""`main.py run` from blank weights, in real time: head-pats in each minute.

python -m benchmarks.learning.real_run [--minutes 20] [--runs 2] [--set KEY=VALUE …]
                            [--preset default] [--name default]

Real processes, UDP and camera: the stand-in, body, trainer, guard and recorder. A run ends after
--minutes, counted from the first tick, as Ctrl-C would end it. Run i has seed i and is kept in
runs/real_run/NAME-SEED. Its numbers are written to results/learning/real_run/NAME-SEED.json; such a
run is not repeated. A run that was interrupted is deleted and started again.

A head-pat is a tick at which HeadPat is received. The true state of the stand-in is recorded in
minute 2 and in the last minute, for `python -m benchmarks.learning.film`.
`python -m benchmarks.report` draws the curve.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import RESULTS, ROOT, machine
from benchmarks.learning.truth_log import record_truth
from interfaces.core.step import value_field
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import RunFolder

FOLDER, RUNS = RESULTS / "learning/real_run", ROOT / "runs" / "real_run"
HEAD_PAT = value_field("parameters.HeadPat")
FIRST_MINUTES, LAST_MINUTES, GOAL = 2, 5, 3.0
_CPU_EVERY_S = 5.0


@dataclass
class RealRunResult:
    """The numbers of one run.

    `head_pats`: ticks with a head-pat in each minute. `cpu_seconds`: of each process. `cpu_cores`:
    their sum, divided by the duration: how many cores were busy on average.
    """

    name: str
    seed: int
    preset: str
    settings: list[str]
    minutes: int
    place: str = ""
    hz: float = 0.0
    head_pats: list[int] = field(default_factory=list[int])
    ticks: int = 0
    missed_ticks: int = 0
    lateness_ms: dict[str, float] = field(default_factory=dict[str, float])
    updates: int = 0
    train_ratio: float = 0.0
    weights_versions: int = 0
    cpu_seconds: dict[str, float] = field(default_factory=dict[str, float])
    cpu_cores: float = 0.0
    restarts: int = 0
    exit: str = ""
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}-{self.seed}.json"

    @property
    def run(self) -> RunFolder:
        return RunFolder(RUNS / f"{self.name}-{self.seed}")

    def write(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    def is_finished(self) -> bool:
        """Whether its file exists. Exits if that has other settings."""
        if not self.path.exists():
            return False
        earlier = json.loads(self.path.read_text(encoding="utf-8"))
        for key in ("preset", "settings", "minutes"):
            if earlier[key] != getattr(self, key):
                raise SystemExit(
                    f"{self.path.stem} was run with {key} {earlier[key]}: choose another --name"
                )
        return True


@dataclass(frozen=True)
class Ends:
    """Head-pats per minute at both ends of a run.

    `first`: in the first minutes. `last`: in the last ones. `ratio`: last / first, infinite if only
    the first minutes have none. It is None for a run so short that both overlap.
    """

    first: float
    last: float
    ratio: float | None

    @classmethod
    def of(cls, head_pats: list[int]) -> "Ends":
        """`head_pats` of each minute. Raises ValueError for a run of no minute."""
        if not head_pats:
            raise ValueError("a run of no minute has no head-pats")
        first = float(np.mean(head_pats[:FIRST_MINUTES]))
        last = float(np.mean(head_pats[-LAST_MINUTES:]))
        if len(head_pats) < FIRST_MINUTES + LAST_MINUTES:
            return cls(first, last, None)
        return cls(first, last, last / first if first else math.inf if last else 0.0)


def head_pats_per_minute(journal: Path, minutes: int) -> list[int]:
    """Ticks with a head-pat in each minute since the first Step.

    A tick after the last minute counts there.
    """
    reader = JournalReader(journal)
    counts = np.zeros(minutes, np.int64)
    if reader.end > reader.first:
        all_steps = np.array([reader.first]), reader.end - reader.first
        steps = reader.gather(*all_steps, ["monotonic_ns", HEAD_PAT])
        seconds = (steps["monotonic_ns"][0] - steps["monotonic_ns"][0, 0]) * 1e-9
        minute = np.minimum(seconds // 60, minutes - 1).astype(np.int64)
        np.add.at(counts, minute, steps[HEAD_PAT][0] > 0)
    return counts.tolist()


class CpuClock:
    """CPU seconds of the processes of a run, by name. A restarted process counts twice or more."""

    def __init__(self, run: RunFolder, supervisor: int) -> None:
        self._run, self._supervisor = run, supervisor
        self._seconds: dict[tuple[str, int], float] = {}

    def sample(self) -> None:
        """Reads the time of every process that lives."""
        try:
            children = json.loads(self._run.processes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            children = {}
        for name, pid in {"supervisor": self._supervisor, **children}.items():
            try:
                used = psutil.Process(pid).cpu_times()
            except psutil.Error:
                continue
            self._seconds[name, pid] = used.user + used.system

    @property
    def by_process(self) -> dict[str, float]:
        names = dict.fromkeys(name for name, _ in self._seconds)
        return {
            name: round(sum(s for (n, _), s in self._seconds.items() if n == name), 1)
            for name in names
        }


def run_once(result: RealRunResult) -> None:
    """Runs from blank weights until the end and writes the result. Exits if the run fails."""
    run = result.run
    if run.path.exists():  # interrupted: real time cannot be resumed
        shutil.rmtree(run.path)
    words = ["run", result.preset, *result.settings, "--seed", str(result.seed), "--quiet"]
    words += ["--seconds", str(60 * result.minutes), "--out", str(run.path)]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(ROOT / "main.py"), *words], cwd=ROOT)
    cpu, ended = CpuClock(run, process.pid), threading.Event()
    last_minute = 60.0 * (result.minutes - 1)
    spans = sorted({(60.0, 120.0), (last_minute, last_minute + 60.0)})
    recorder = threading.Thread(target=record_truth, args=(run, spans, ended))
    recorder.start()
    seconds = 0.0
    try:
        while process.poll() is None:
            cpu.sample()
            seconds = time.perf_counter() - began
            try:
                process.wait(_CPU_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
    finally:
        ended.set()
        recorder.join()
        if process.poll() is None:  # Ctrl-C here: the run has received it too, and ends itself
            process.wait()
    if process.returncode:
        raise SystemExit(f"{run.path}: exit code {process.returncode}")
    result.cpu_seconds = cpu.by_process
    result.cpu_cores = round(sum(result.cpu_seconds.values()) / seconds, 2)
    read_result(result)
    result.write()


def read_result(result: RealRunResult) -> None:
    """Fills in what summary and journal of the finished run say."""
    run = result.run
    summary = json.loads(run.summary.read_text(encoding="utf-8"))
    result.place, result.hz = run.config.world.standin.place, run.config.tick.hz
    result.head_pats = head_pats_per_minute(run.journal, result.minutes)
    result.ticks, result.missed_ticks = summary["ticks"], summary["missed_beats"]
    result.lateness_ms = {name: summary["lateness_ms"][name] for name in ("p50", "p99", "max")}
    result.updates, result.train_ratio = summary["updates"], summary["train_ratio"]
    result.weights_versions = summary["weights"]["applied"]
    result.restarts, result.exit = sum(summary["restarts"].values()), summary["exit"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--name", default="", help="name of runs with other settings")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for every run")
    options = parser.parse_args()
    if options.minutes < FIRST_MINUTES:
        parser.error(f"--minutes must be at least {FIRST_MINUTES}")
    for seed in range(1, options.runs + 1):
        name = options.name or options.preset
        result = RealRunResult(name, seed, options.preset, options.set, options.minutes)
        if result.is_finished():
            print(f"{result.path.stem}: finished before")
            continue
        result.machine = machine()
        run_once(result)
        ends = Ends.of(result.head_pats)
        print(
            f"{result.path.stem}  head-pats per minute {' '.join(map(str, result.head_pats))}  "
            f"first {ends.first:.0f}, last {ends.last:.0f}  lateness {result.lateness_ms}  "
            f"{result.missed_ticks} missed  {result.cpu_cores:.2f} cores",
            flush=True,
        )


if __name__ == "__main__":
    main()
