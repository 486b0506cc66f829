"""Sessions: cost of recording, file size, long recordings, and recovery after a kill."""

from pathlib import Path
from typing import Any

from benchmarks.reporting.table import Table, median_range, number, read


def tables(results: Path) -> list[Table]:
    return [
        recording_cost(results, "recording_cost"),
        recording_cost(results, "recording_cost_before"),
        recording_size(results),
        long_session(results),
        kill_recovery(results),
    ]


def recording_cost(results: Path, name: str) -> Table:
    content = read(results, f"sessions/{name}")
    before = name.endswith("before")
    rows: list[list[str]] = []
    for recorder in ("off", "on"):
        runs = [row for row in content["rows"] if row["recorder"] == recorder]
        cpu = [row["recorder CPU %"] for row in runs if row["recorder CPU %"] != ""]
        rows.append(
            [
                recorder,
                str(len(runs)),
                median_range([row["lateness p50 ms"] for row in runs], 3),
                median_range([row["lateness p99 ms"] for row in runs], 2),
                median_range([row["lateness max ms"] for row in runs], 1),
                number(sum(row["missed ticks"] for row in runs)),
                median_range(cpu, 1) if cpu else "",
            ]
        )
    limits = (
        ["Old: an earlier commit, kept for comparison. Lateness was lower on that day."]
        if before
        else [
            "Bad: the median lateness p99 is above 2 ms with and without the recorder, because the "
            "machine was busy. A small cost of recording would not be visible."
        ]
    )
    return Table(
        title="Cost of recording" + (", earlier measurement" if before else ""),
        shows="Does the recorder delay the tick, and how much of a core does it use?",
        unit="milliseconds of lateness; per cent of one core",
        sample="alternating pairs of runs of 60 s at 20 Hz in the stand-in, 64×64 images. Spread "
        "is "
        "minimum to maximum over runs",
        baselines="the same runs without the recorder",
        columns=[
            "recorder",
            "runs",
            "lateness p50",
            "lateness p99",
            "lateness maximum",
            "missed ticks, all runs",
            "CPU, %",
        ],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.sessions.recording_cost --runs 8",
        files=[f"sessions/{name}.json"],
        limits=limits,
    )


def recording_size(results: Path) -> Table:
    content = read(results, "sessions/recording_size")
    columns = ["png, % of raw", "jpeg 90, % of raw", "jpeg 75, % of raw"]
    rows = [
        [row["place"], number(row["raw images MB"], 1), *(number(row[key], 1) for key in columns)]
        for row in content["rows"]
    ]
    return Table(
        title="Size of session files",
        shows="How large is a session file, compared with its raw images?",
        unit="per cent of the raw images, for the whole file",
        sample="2,400 Steps (2 minutes at 20 Hz) in each of five places, one seed; no spread",
        baselines="raw images of 64×64",
        columns=["place", "raw images, MB", "PNG", "JPEG 90", "JPEG 75"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.sessions.recording_size",
        files=["sessions/recording_size.json"],
    )


def _value(row: dict[str, Any]) -> str:
    value = float(row["value"])
    return number(value) if value >= 100 else number(value, 2)


def long_session(results: Path) -> Table:
    content = read(results, "sessions/long_session")
    rows = [
        [row["measurement"], _value(row), number(float(row["goal"])) if row["goal"] else ""]
        for row in content["rows"]
    ]
    return Table(
        title="A session of six hours",
        shows="Is a long session fast to inspect, to search and to learn from?",
        unit="see each row. The goal is a maximum for times and a minimum for rates",
        sample="one recording, one seed, 50 seeks, 200 batches of 16×64; no spread between "
        "recordings",
        baselines="none",
        columns=["measurement", "value", "goal"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.sessions.long_session",
        files=["sessions/long_session.json"],
    )


def kill_recovery(results: Path) -> Table:
    content = read(results, "sessions/kill_recovery")
    kills = content["kills"]
    rows = [
        [row["measurement"], number(row["count"]), number(row["trials"])] for row in content["rows"]
    ]
    kept = [kill["filled from journal"] for kill in kills]
    return Table(
        title="Recovery after kill -9",
        shows="Are Steps lost when every process is killed at a random moment?",
        unit="count",
        sample=f"{len(kills)} runs at 20 Hz, killed after 2 to 8 s, one random seed. Steps found "
        "only "
        f"in the journal: {median_range(kept)}",
        baselines="none",
        columns=["measurement", "count", "trials"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.sessions.kill_recovery",
        files=["sessions/kill_recovery.json"],
    )
