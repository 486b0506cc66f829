"""One table of docs/results.md: its text, its numbers and where they were measured."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOT_RECORDED = "not recorded"
_MACHINE_KEYS = ("processor", "cores", "platform", "python", "torch")


@dataclass(frozen=True)
class Table:
    """One measurement.

    `shows` is one sentence, `unit` and `sample` say what a number is. `sample` names seeds, sample
    size and spread. `machines` are the "machine" entries of the files. `limits` is what is bad, old
    or missing.
    """

    title: str
    shows: str
    unit: str
    sample: str
    baselines: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    machines: Sequence[dict[str, Any]]
    command: str
    files: Sequence[str]  # relative to benchmarks/results
    picture: str = ""  # relative to benchmarks/results
    limits: Sequence[str] = field(default_factory=tuple[str, ...])


class Machines:
    """Gives each machine a letter, in the order in which it is first used."""

    def __init__(self) -> None:
        self._letters: dict[tuple[str, ...], str] = {}

    def letter(self, machine: dict[str, Any]) -> str:
        key = tuple(str(machine.get(name, NOT_RECORDED)) for name in _MACHINE_KEYS)
        if key not in self._letters:
            self._letters[key] = chr(ord("A") + len(self._letters))
        return self._letters[key]

    def legend(self) -> list[str]:
        """Markdown lines of a table of all machines seen so far."""
        head = ["machine", "processor", "cores", "platform", "Python", "torch"]
        rows = [[letter, *key] for key, letter in self._letters.items()]
        return markdown_table(head, rows)


def read(results: Path, name: str) -> dict[str, Any]:
    """One summary file, by its name without .json."""
    return json.loads((results / f"{name}.json").read_text(encoding="utf-8"))


def read_runs(results: Path, folder: str) -> list[dict[str, Any]]:
    """All per-run files of a folder, sorted by file name."""
    paths = sorted((results / folder).glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def machines_of(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [run.get("machine", {}) for run in runs]


def number(value: float | None, digits: int = 0) -> str:
    """With thousands separators; empty for None."""
    return "" if value is None else f"{value:,.{digits}f}"


def numbers(values: Iterable[float | None], digits: int = 0) -> str:
    """Values of several seeds, separated by spaces; a dash for a value that does not exist."""
    return " ".join("-" if value is None else number(value, digits) for value in values)


def mean_sd(values: Sequence[float], digits: int = 0) -> str:
    """Mean ± sample standard deviation; only the value if there is one."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return number(mean, digits)
    return f"{number(mean, digits)} ± {number(statistics.stdev(values), digits)}"


def median_range(values: Sequence[float], digits: int = 0) -> str:
    """Median and, in brackets, minimum and maximum; only the value if there is one."""
    middle = number(statistics.median(values), digits)
    if len(values) < 2:
        return middle
    return f"{middle} ({number(min(values), digits)} to {number(max(values), digits)})"


def mean_range(values: Sequence[float], digits: int = 0) -> str:
    """Mean and, in brackets, minimum and maximum; only the value if there is one."""
    mean = number(statistics.fmean(values), digits)
    if len(values) < 2:
        return mean
    return f"{mean} ({number(min(values), digits)} to {number(max(values), digits)})"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in rows:
        assert len(row) == len(head), row
        lines.append(f"| {' | '.join(row)} |")
    return lines


def measured(machines: Sequence[dict[str, Any]], known: Machines) -> str:
    """Commits, machines and load, in one line."""
    recorded = [machine for machine in machines if machine]
    if not recorded:
        return f"commit and machine {NOT_RECORDED}"
    commits = dict.fromkeys(str(machine.get("commit", NOT_RECORDED)) for machine in recorded)
    letters = sorted({known.letter(machine) for machine in recorded if "platform" in machine})
    loads = [machine["load_before"] for machine in recorded if machine.get("load_before")]
    text = "commit " + ", ".join(f"`{commit}`" for commit in commits)
    text += f"; machine {' and '.join(letters) or NOT_RECORDED}"
    if loads:
        low, high = f"{min(loads):.1f}", f"{max(loads):.1f}"
        text += f"; load before {low if low == high else f'{low} to {high}'}"
    return text


def render(table: Table, known: Machines) -> list[str]:
    """The Markdown lines of one table, with its heading."""
    files = ", ".join(f"[{name}](../benchmarks/results/{name})" for name in table.files)
    lines = [f"### {table.title}", "", table.shows, ""]
    lines += markdown_table(table.columns, table.rows)
    lines += ["", f"- Unit: {table.unit}.", f"- Sample: {table.sample}."]
    lines += [f"- Baselines: {table.baselines}."]
    lines += [f"- Measured: {measured(table.machines, known)}."]
    lines += [f"- Reproduce: `{table.command}`. Data: {files}."]
    lines += [f"- {limit}" for limit in table.limits]
    if table.picture:
        lines += ["", f"![{table.title}](../benchmarks/results/{table.picture})"]
    return [*lines, ""]
