"""Reliability: a run of hours, and a run whose processes are killed again and again.

A measurement that was not made has no table.
"""

from pathlib import Path

from benchmarks.reporting.damage import FOLDER, cells
from benchmarks.reporting.table import Table, number, read


def soak(results: Path) -> list[Table]:
    path = results / FOLDER / "soak.json"
    if not path.exists():
        return []
    content = read(results, f"{FOLDER}/soak")
    columns = {
        "gauge": "process, gauge",
        "first": "after the first tenth",
        "last": "at the end",
        "per hour": "change per hour",
        "percent per hour": "change per hour, %",
        "limit": "goal",
    }
    bounded = [row for row in content["rows"] if row["limit"]]
    above = [row["gauge"] for row in bounded if row["percent per hour"] > float(row["limit"][:-1])]
    table = Table(
        title="A run of hours",
        shows="What grows while a run goes on, and how many ticks does it miss?",
        unit="megabytes, counts, milliseconds or percent: see each row. Memory is USS",
        sample=f"{content['title']}: {number(len(content['minutes']))} rows, one a minute. "
        "The change is that of a straight line through all rows after the first tenth",
        baselines="none",
        columns=list(columns.values()),
        rows=cells(content["rows"], columns, dict.fromkeys(columns, 2)),
        machines=[content["machine"]],
        command="python -m benchmarks.reliability.soak",
        files=[f"{FOLDER}/soak.json"],
        limits=[
            f"Bad: grows by more than its goal: {'; '.join(above)}."
            if above
            else "Nothing with a goal grows by more than its goal."
        ],
    )
    return [table]


def random_kills(results: Path) -> list[Table]:
    path = results / FOLDER / "random_kills.json"
    if not path.exists():
        return []
    content = read(results, f"{FOLDER}/random_kills")
    columns = {
        "process": "killed process",
        "kills": "kills",
        "lost s, mean": "Steps lost, mean, s",
        "lost s, max": "Steps lost, at most, s",
        "limit s": "goal, s",
        "back after s, max": "acts again after, at most, s",
    }
    digits = dict.fromkeys(("lost s, mean", "lost s, max", "limit s"), 2) | {"back after s, max": 1}
    parts, trials = content["parts"], content["trials"]
    damaged = [each for each in parts if each["verify code"]]
    late = sum(each["lost s"] > content["rows"][0]["limit s"] for each in trials)
    table = Table(
        title="Random kills",
        shows="What does the death of a process cost, again and again in one run?",
        unit="seconds of Steps between the last recorded one and the kill, less one tick",
        sample=f"{content['title']}; after each tenth the run is ended, verified and resumed",
        baselines="none",
        columns=list(columns.values()),
        rows=cells(content["rows"], columns, digits),
        machines=[content["machine"]],
        command="python -m benchmarks.reliability.random_kills",
        files=[f"{FOLDER}/random_kills.json"],
        limits=[
            f"Bad: {late} kills cost more than the goal." if late else "Every kill is in its goal.",
            f"Bad: `verify` found damage {len(damaged)} of {len(parts)} times."
            if damaged
            else f"`verify` found no damage, {len(parts)} of {len(parts)} times.",
        ],
    )
    return [table]
