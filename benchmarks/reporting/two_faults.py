"""Reliability: the release of all inputs after two faults at once."""

import json
from pathlib import Path
from typing import Any

from benchmarks.reliability.two_faults import LIMIT_MS, summary_rows
from benchmarks.reporting.table import Table, median_range, number, read


def tables(results: Path) -> list[Table]:
    names = {"": "Two faults", "_windows": "Two faults, Windows API under Wine"}
    return [
        _table(results, system, title)
        for system, title in names.items()
        if (results / f"reliability/two_faults_trials{system}.json").exists()
    ]


def _table(results: Path, system: str, title: str) -> Table:
    path = results / f"reliability/two_faults_trials{system}.json"
    trials: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    machine = read(results, f"reliability/two_faults{system}")["machine"]
    rows: list[list[str]] = []
    late: list[str] = []
    within = total = 0
    for row in summary_rows(trials):
        times = row["ms"]
        good = sum(ms <= LIMIT_MS for ms in times)
        within, total = within + good, total + len(times)
        if good < len(times):
            late.append(f"{row['faults']}: {max(times):.0f} ms")
        rows.append([row["faults"], median_range(times, 1), f"{good} of {len(times)}"])
    limits = [f"Bad: the promise was not kept: {'; '.join(late)}."] if late else []
    commits = dict.fromkeys(each["commit"] for each in trials.values())
    killed = (
        "TerminateProcess; stopped: all threads suspended"
        if system
        else "SIGKILL; stopped: SIGSTOP"
    )
    return Table(
        title=title,
        shows="How soon is every input released when two of body, guard and supervisor fail "
        f"together? The promise is {LIMIT_MS:.0f} ms, at 10 Hz.",
        unit="milliseconds from the first fault to the last input that is not released",
        sample=f"{number(total)} trials with real processes at 10 Hz; {number(within)} are "
        f"within 500 ms. Killed: {killed}. Pairs were tried in both orders. "
        "Spread is minimum to maximum over trials",
        baselines="the promise; no peer was measured",
        columns=["faults", "median (min to max)", "within 500 ms"],
        rows=rows,
        machines=[machine | {"commit": commit} for commit in commits],
        command="python -m benchmarks.reliability.two_faults --trials 25",
        files=[
            f"reliability/two_faults{system}.json",
            f"reliability/two_faults_trials{system}.json",
        ],
        limits=[
            *limits,
            "A stopped supervisor alone is not a fault to act on: body and guard work on.",
            "A body that hangs is noticed after 2.5 ticks and 0.15 s. At 5 Hz that is 0.65 s.",
            "The client is simulated."
            if system
            else "Missing: Windows itself; the client is simulated.",
        ],
    )
