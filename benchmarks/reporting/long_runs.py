"""Reliability: a run of hours, and a run whose processes are killed again and again.

A measurement that was not made has no table.
"""

from pathlib import Path

from benchmarks.reporting.damage import FOLDER, cells
from benchmarks.reporting.table import Table, number, read


def soak(results: Path) -> list[Table]:
    paths = sorted((results / FOLDER).glob("soak*.json"))
    return [_soak(results, path.stem, number) for number, path in enumerate(paths, 1)]


def _soak(results: Path, name: str, count: int) -> Table:
    content = read(results, f"{FOLDER}/{name}")
    columns = {
        "gauge": "process, gauge",
        "first": "after the warm-up",
        "last": "at the end",
        "per hour": "change per hour",
        "percent per hour": "change per hour, %",
        "limit": "goal",
        "verdict": "verdict",
    }
    missed = [row["gauge"] for row in content["rows"] if row["verdict"] == "missed"]
    short = any(row["verdict"] == "too few rows" for row in content["rows"])
    every = f"Bad: the goal is missed: {'; '.join(missed)}." if missed else "Every goal is kept."
    limits = ["Missing: too few rows after the warm-up for a verdict." if short else every]
    hours = content["minutes"][-1]["seconds"] / 3600
    if content["ended_early"]:
        limits.append(f"Bad: the run ended by itself with code {content['exit_code']}.")
    elif content["exit_code"]:
        limits.append(f"Bad: the run ended with code {content['exit_code']}.")
    if hours < 0.98 * content["hours_asked"]:
        limits.append(f"Missing: {hours:.2f} of {content['hours_asked']:g} hours were measured.")
    if content["parts"] > 1:
        limits.append(f"Interrupted: {content['parts']} parts; the slopes are of the longest one.")
    if "disk of session MB" in missed:
        limits.append(
            "The disk of the session grows with what is recorded: it cannot reach the goal."
        )
    number_of = f", {name.removeprefix('soak_')}" if count > 1 else ""
    return Table(
        title=f"A run of hours{number_of}",
        shows="What grows while a run goes on, and how many ticks does it miss?",
        unit="megabytes, counts, milliseconds or percent: see each row. Memory is USS",
        sample=f"{content['title']}: {number(len(content['minutes']))} rows, one a minute. "
        "The change is that of a straight line through all rows after the first "
        f"{content['warm_up_s'] / 60:g} minutes, the warm-up",
        baselines="none",
        columns=list(columns.values()),
        rows=cells(content["rows"], columns, dict.fromkeys(columns, 2)),
        machines=[content["machine"] | {"commit": content["commit"]}],
        command="python -m benchmarks.reliability.soak",
        files=[f"{FOLDER}/{name}.json"],
        limits=limits,
    )


def random_kills(results: Path) -> list[Table]:
    titles = {"": "Random kills", "_windows": "Random kills, Windows API under Wine"}
    return [
        _random_kills(results, f"random_kills{system}", title)
        for system, title in titles.items()
        if (results / FOLDER / f"random_kills{system}.json").exists()
    ]


def _random_kills(results: Path, name: str, title: str) -> Table:
    content = read(results, f"{FOLDER}/{name}")
    columns = {
        "process": "killed process",
        "kills": "kills",
        "lost s, mean": "Steps lost, mean, s",
        "lost s, max": "Steps lost, at most, s",
        "limit s": "goal, s",
        "back after s, max": "acts again after, at most, s",
        "not back": "did not act again",
    }
    digits = dict.fromkeys(("lost s, mean", "lost s, max", "limit s"), 2) | {"back after s, max": 1}
    parts, trials = content["parts"], content["trials"]
    damaged = [each for each in parts if each["verify code"]]
    late = sum(each["lost s"] > content["rows"][0]["limit s"] for each in trials)
    not_back = [each for each in trials if "error" in each]
    return Table(
        title=title,
        shows="What does the death of a process cost, again and again in one run?",
        unit="seconds of Steps between the last recorded one and the kill, less one tick",
        sample=f"{content['title']}; after each tenth the run is ended, verified and resumed",
        baselines="none",
        columns=list(columns.values()),
        rows=cells(content["rows"], columns, digits),
        machines=[content["machine"] | {"commit": content["commit"]}],
        command="python -m benchmarks.reliability.random_kills",
        files=[f"{FOLDER}/{name}.json"],
        limits=[
            f"Bad: {late} kills cost more than the goal."
            if late
            else "Every kill costs less than the goal.",
            f"Bad: `verify` found damage {len(damaged)} of {len(parts)} times."
            if damaged
            else f"`verify` found no damage, {len(parts)} of {len(parts)} times.",
            *([f"Bad: after {len(not_back)} kills the run did not go on."] if not_back else []),
        ],
    )
