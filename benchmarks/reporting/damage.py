"""Reliability: floods of messages, files that are cut while a run lives, and changed bits.

A measurement that was not made has no table.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.reporting.table import Table, number, read

FOLDER = "reliability"


def floods(results: Path) -> list[Table]:
    if not _exists(results, "osc_floods"):
        return []
    content = read(results, f"{FOLDER}/osc_floods")
    limit, rows = content["limit_percent"], content["rows"]
    above = [row["flood"] for row in rows if row["skipped %"] > limit]
    columns = {
        "flood": "flood",
        "datagrams per s": "messages sent per s",
        "sender CPU %": "CPU of the sender, %",
        "body CPU %": "CPU of the body, %",
        "ticks": "ticks",
        "skipped": "skipped ticks",
        "lateness p99 ms": "lateness p99, ms",
    }
    table = Table(
        title="OSC floods",
        shows="Do other programs that flood the OSC port cost ticks?",
        unit="CPU: percent of one core",
        sample=f"{content['rounds']} rounds of {content['seconds']:g} s of each flood at 10 Hz, "
        "in turn with no flood",
        baselines="no flood, in the first row",
        columns=list(columns.values()),
        rows=cells(rows, columns, {"lateness p99 ms": 2, "sender CPU %": 1, "body CPU %": 1}),
        machines=[content["machine"]],
        command="python -m benchmarks.reliability.osc_floods",
        files=[f"{FOLDER}/osc_floods.json"],
        limits=[
            f"Bad: above {limit:g} % skipped: {', '.join(above)}."
            if above
            else f"Every flood skips at most {limit:g} % of the ticks, as promised."
        ],
    )
    return [table]


def cut_files(results: Path) -> list[Table]:
    if not _exists(results, "cut_files"):
        return []
    content = read(results, f"{FOLDER}/cut_files")
    columns = {
        "case": "case",
        "trials": "trials",
        "failed": "failed",
        "released_ms median, max": "inputs released after the death, ms",
        "signal_ms median, max": "by SIGUSR1, ms",
        "command_ms median, max": "by `stop`, ms",
        "moves_again_s median, max": "moves again after, s",
        "died": "processes that died",
        "verified": "recording verified",
    }
    failed = [row["case"] for row in content["rows"] if row["failed"]]
    commits = dict.fromkeys(row["commit"] for row in content["rows"])
    table = Table(
        title="A file of a live run is cut, overwritten or deleted",
        shows="Are the inputs released, and does the run go on?",
        unit="median, maximum. The time to release runs from the death of the body",
        sample="trials with real processes at 10 Hz, the number in the table",
        baselines="none; the promise is 2 s for `stop`",
        columns=list(columns.values()),
        rows=cells(content["rows"], columns),
        machines=[content["machine"] | {"commit": commit} for commit in commits],
        command="python -m benchmarks.reliability.cut_files",
        files=[f"{FOLDER}/cut_files.json", f"{FOLDER}/cut_files_trials.json"],
        limits=[f"Bad: a trial failed: {', '.join(failed)}."] if failed else ["No trial failed."],
    )
    return [table]


def changed_bits(results: Path) -> list[Table]:
    tables: list[Table] = []
    if _exists(results, "damaged_files"):
        columns = {
            "file": "file of a run folder",
            "bits": "bits",
            "reported": "reported",
            "unseen, same content": "unseen, content the same",
            "unseen and wrong": "unseen and wrong",
        }
        shows = "Is a file with one changed bit reported, or read as something else?"
        tables.append(
            _bits(results, "damaged_files", "A changed bit in a small file", shows, columns)
        )
    if _exists(results, "bit_flips"):
        columns = {
            "place": "place in a recording",
            "bits": "bits",
            "found": "found by `verify`",
            "harmless": "harmless",
            "wrong, unseen": "unseen and wrong",
            "wrong Steps read": "wrong Steps read",
            "left out, max": "Steps left out, at most",
        }
        shows = "Does one changed bit in journal or session change Steps unseen?"
        tables.append(_bits(results, "bit_flips", "A changed bit in a recording", shows, columns))
    return tables


def _bits(results: Path, name: str, title: str, shows: str, columns: dict[str, str]) -> Table:
    content = read(results, f"{FOLDER}/{name}")
    unseen = sum(
        row.get("unseen and wrong", row.get("wrong, unseen", 0)) for row in content["rows"]
    )
    total = sum(row["bits"] for row in content["rows"])
    return Table(
        title=title,
        shows=shows,
        unit="bits at random places, each changed in a fresh copy",
        sample=f"{number(total)} bits",
        baselines="none; the promise is 0 unseen and wrong",
        columns=list(columns.values()),
        rows=cells(content["rows"], columns),
        machines=[content["machine"]],
        command=f"python -m benchmarks.reliability.{name}",
        files=[f"{FOLDER}/{name}.json"],
        limits=[f"Bad: {unseen} bits were unseen and wrong."] if unseen else ["As promised."],
    )


def cells(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    digits: Mapping[str, int] | None = None,
) -> list[list[str]]:
    """The values of these columns as text. Numbers have `digits` decimals, 0 if not named."""
    shown: list[list[str]] = []
    for row in rows:
        values = [(row[key], (digits or {}).get(key, 0)) for key in columns]
        shown.append([each if isinstance(each, str) else number(each, n) for each, n in values])
    return shown


def _exists(results: Path, name: str) -> bool:
    return (results / FOLDER / f"{name}.json").exists()
