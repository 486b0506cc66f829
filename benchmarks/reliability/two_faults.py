"""Time until every input is released when two of body, guard and supervisor fail together.

python -m benchmarks.reliability.two_faults [--trials 25] [--only NAME] [--minutes 60] [--restart]

Each process is killed (SIGKILL) or stopped (SIGSTOP; on Windows the suspension of all its threads).
Every pair is tried in both orders, and single faults beside them. A stopped supervisor alone
is left out: body and guard work on, and nothing has to be released. The time runs from
the first fault to the last input that is released. The inputs must then stay released for half a
second. After the death of the guard alone 1.5 ticks are enough: the body may move again as soon as
the guard is restarted, about 0.7 s after its death.

Each trial is written at once. Trials that already are in the JSON are not repeated, so the same
command continues a measurement. Those of another commit are deleted, with a line that says so.
"""

import argparse
import itertools
import math
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import RESULTS, SYSTEM, publish
from benchmarks.realtime.fault_injection import HZ, LiveRun
from benchmarks.realtime.input_release import StandinCamera
from benchmarks.reliability.resuming import TrialFile, current_commit, measure

LIMIT_MS = 500.0
STABLE_S, STABLE_TO_RESTART_S = 0.5, 1.5 / HZ
TRIALS_FILE = RESULTS / f"reliability/two_faults_trials{SYSTEM}.json"
_MAX_RESTARTS = 4  # the supervisor ends a run at the sixth restart of a process in a minute
_SETTLE_S = 0.3  # after a restart, so that no fence of the last trial is left


@dataclass(frozen=True)
class ProcessFault:
    """A process of the run that is "killed" or "stopped"."""

    process: str
    how: str

    def __str__(self) -> str:
        return f"{self.process} {self.how}"


Case = tuple[ProcessFault, ...]  # in the order of the faults


def all_cases() -> list[Case]:
    """The single faults, then every pair in both orders."""
    faults = [
        ProcessFault(process, how)
        for process in ("body", "guard", "supervisor")
        for how in ("killed", "stopped")
    ]
    single = [(fault,) for fault in faults if str(fault) != "supervisor stopped"]
    pairs = [
        pair for pair in itertools.permutations(faults, 2) if pair[0].process != pair[1].process
    ]
    return [*single, *sorted(pairs, key=lambda pair: sorted(map(str, pair)))]


def case_name(case: Case) -> str:
    """For example "body killed, guard stopped"."""
    return ", ".join(map(str, case))


def cause(run: LiveRun, case: Case) -> dict[str, psutil.Process]:
    """Cause the faults of a case at once. Returns the processes by name."""
    processes = {fault.process: psutil.Process(run.pid(fault.process)) for fault in case}
    for fault in case:
        process = processes[fault.process]
        if fault.how == "killed":
            process.kill()
        else:
            process.suspend()
    return processes


def release_ms(run: LiveRun, case: Case) -> float:
    """The time of one trial. Afterwards the stopped processes continue."""
    processes: dict[str, psutil.Process] = {}
    restarted = case == (ProcessFault("guard", "killed"),)
    try:
        return run.release_ms(
            lambda run: processes.update(cause(run, case)),
            STABLE_TO_RESTART_S if restarted else STABLE_S,
        )
    finally:
        for fault in case:
            if fault.how == "stopped" and fault.process in processes:
                processes[fault.process].resume()


class TrialRuns:
    """The run of the next trial: the last one, or a new one where that cannot continue."""

    def __init__(self) -> None:
        self._camera = StandinCamera()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._run: LiveRun | None = None
        self._kills: Counter[str] = Counter()

    def run_for(self, case: Case) -> LiveRun:
        """A run whose body moves and whose processes may still be killed."""
        killed = [fault.process for fault in case if fault.how == "killed"]
        if self._run is not None and any(self._kills[name] >= _MAX_RESTARTS for name in killed):
            self.end_run()
        if self._run is None:
            self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            self._run = LiveRun(Path(self._folder.name), self._camera)
            self._kills.clear()
        self._kills.update(killed)
        return self._run

    def continue_after(self, case: Case) -> None:
        """Wait until the run of the last trial moves again, or end it."""
        if self._run is None:
            return
        if ProcessFault("supervisor", "killed") in case or not self._run.alive:
            self.end_run()
            return
        time.sleep(_SETTLE_S)
        self._run.client.forget()
        try:
            self._run.wait_for_motion()  # last: inputs at rest at the fault are never "released"
        except RuntimeError:
            self.end_run()

    def end_run(self) -> None:
        """End the current run, if there is one."""
        if self._run is not None:
            self._run.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._run = self._folder = None

    def close(self) -> None:
        """End the run and its camera."""
        self.end_run()
        self._camera.stop()


def summary_rows(trials: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The times "ms" of each set of faults: the trials of both orders together."""
    times: dict[str, list[float]] = {}
    for case in all_cases():
        if measured := trials.get(case_name(case), {"ms": []})["ms"]:
            row = times.setdefault(" + ".join(sorted(map(str, case))), [])
            row += [math.inf if ms is None else ms for ms in measured]
    return [{"faults": name, "ms": each} for name, each in times.items()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=25, help="trials of each case and order")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after this time")
    parser.add_argument("--restart", action="store_true", help="delete the trials of earlier runs")
    options = parser.parse_args()
    trials = TrialFile(TRIALS_FILE, current_commit(), key="ms", restart=options.restart)
    cases = {case_name(case): case for case in all_cases() if options.only in case_name(case)}
    runs = TrialRuns()

    def trial(name: str) -> str:
        ms = release_ms(runs.run_for(cases[name]), cases[name])
        trials.append(name, round(ms, 1) if math.isfinite(ms) else None)
        runs.continue_after(cases[name])
        return f"{ms:.1f} ms"

    try:
        measure(trials.left(cases, options.trials), options.minutes, trial)
    finally:
        runs.close()
    rows = [
        {
            "faults": row["faults"],
            "trials": len(row["ms"]),
            "ms p50": statistics.median(row["ms"]),
            "ms max": max(row["ms"]),
            "within 500 ms": sum(ms <= LIMIT_MS for ms in row["ms"]),
        }
        for row in summary_rows(trials.cases)
    ]
    if rows:
        publish(
            f"reliability/two_faults{SYSTEM}",
            f"Time until every input is released after two faults at once ({HZ:g} Hz)",
            rows,
        )


if __name__ == "__main__":
    main()
