"""A trained policy in another client (benchmark `from_run`)."""

import statistics
from pathlib import Path
from typing import Any

from benchmarks.learning.from_run import CASES
from benchmarks.reporting.living_bars import share_of_oracle
from benchmarks.reporting.table import Table, machines_of, number, numbers, read_runs

FOLDER = "learning/from_run"


def tables(results: Path) -> list[Table]:
    runs = [run for run in read_runs(results, FOLDER) if run["looks"]]
    known = {each["case"]: each for each in read_runs(results, f"{FOLDER}/baselines")}
    cases = {name: [run for run in runs if run["name"] == name] for name in CASES}
    measured = {name: group for name, group in cases.items() if group and name in known}
    if not measured:
        return []
    few = [name for name, group in cases.items() if len(group) < 2]
    return [
        Table(
            title="A trained policy in another client",
            shows="What does a policy receive at once in a client it was not trained in, and after "
            "further training there?",
            unit="head-pats per episode of 300 steps, greedy policy. Share: (agent - stationary) / "
            "(oracle - stationary)",
            sample="one run per seed. Networks of the variant `contacts` after 18,000 steps. Each "
            "value is the mean of 20 unseen rooms (seeds from 100,000)",
            baselines="stationary and oracle of the same case, in the table",
            columns=[
                *("case", "steps after the change", "agent, each seed"),
                *("stationary", "oracle", "share, each seed"),
            ],
            rows=[
                row for name, group in measured.items() for row in _rows(name, group, known[name])
            ],
            machines=machines_of([run for group in measured.values() for run in group]),
            command="python -m benchmarks.learning.from_run --seeds 1 2",
            files=[FOLDER],
            limits=[f"Missing: fewer than 2 seeds: {', '.join(few)}."] if few else [],
        )
    ]


def _rows(name: str, runs: list[dict[str, Any]], baselines: dict[str, Any]) -> list[list[str]]:
    still, oracle = (statistics.fmean(baselines["head_pats"][key]) for key in ("still", "oracle"))
    rows: list[list[str]] = []
    for steps in sorted({look["steps"] for run in runs for look in run["looks"]}):
        scores = [
            statistics.fmean(look["head_pats"])
            for run in runs
            for look in run["looks"]
            if look["steps"] == steps
        ]
        shares = [share_of_oracle(score, still, oracle) for score in scores]
        rows.append(
            [
                f"`{name}`: {CASES[name].words}",
                number(steps),
                numbers(scores),
                number(still),
                number(oracle),
                numbers(shares, 2),
            ]
        )
    return rows
