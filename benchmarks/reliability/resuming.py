"""Long measurements: written as they go, stopped after a time, continued later.

Only what the same commit measured is continued. Commit the code before a long measurement: two
states with uncommitted changes of one commit have the same name.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.common import machine


def current_commit() -> str:
    """The commit, with a warning if the code has uncommitted changes."""
    commit: str = machine()["commit"]
    if commit.endswith("+"):
        print(f"{commit}: uncommitted changes; trials of other changes are not told apart")
    return commit


class TrialFile:
    """A JSON file of trials by case. Those of another commit are deleted with the first new one."""

    def __init__(self, path: Path, commit: str, *, key: str = "trials", restart: bool = False):
        """`key`: of the list of trials in the entry of a case. `restart`: delete all trials."""
        self._path, self._commit, self._key = path, commit, key
        self.cases: dict[str, dict[str, Any]] = {}
        if path.exists() and not restart:
            earlier: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
            self.cases = {name: each for name, each in earlier.items() if each["commit"] == commit}
            if dropped := {each["commit"] for each in earlier.values()} - {commit}:
                print(f"starts again: trials of commit {', '.join(sorted(dropped))}, not {commit}")

    def of(self, case: str) -> list[Any]:
        """The trials of a case so far."""
        return self.cases.get(case, {}).get(self._key, [])

    def append(self, case: str, trial: Any) -> None:
        """Add a trial and write the file."""
        entry = self.cases.setdefault(case, {"commit": self._commit, self._key: []})
        entry[self._key].append(trial)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")  # an interrupted write loses no trial
        temporary.write_text(json.dumps(self.cases, indent=1), encoding="utf-8")
        temporary.replace(self._path)

    def left(self, cases: Iterable[str], trials: int) -> list[str]:
        """The cases of the trials that are left, one trial of each case after another.

        So a measurement that stops early has some trials of every case.
        """
        names = list(cases)
        return [name for number in range(trials) for name in names if len(self.of(name)) <= number]


def measure(left: list[str], minutes: float, trial: Callable[[str], str]) -> None:
    """Do the trials that are left, with one line for each, for so many minutes at most.

    `trial`: measures one trial of a case and returns its result as text.
    """
    began = time.perf_counter()
    for done, case in enumerate(left):
        if time.perf_counter() - began > 60.0 * minutes:
            print_left(minutes, left[done:])
            return
        result = trial(case)
        minutes_left = (time.perf_counter() - began) / 60.0 / (done + 1) * (len(left) - done - 1)
        line = f"{done + 1} of {len(left)}  {case}: {result}  ({minutes_left:.0f} minutes left)"
        print(line, flush=True)


def print_left(minutes: float, left: list[str]) -> None:
    """Say how many trials of each case are left."""
    print(f"stopped after {minutes:g} minutes; {len(left)} trials are left:")
    for case, count in Counter(left).items():
        print(f"  {case}: {count}")


def read_lines(path: Path, commit: str) -> list[dict[str, Any]]:
    """The lines of a JSONL file of this commit. Exits if it is of another one."""
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if others := {str(line.get("commit")) for line in lines} - {commit}:
        sys.exit(
            f"{path} is of commit {', '.join(sorted(others))}, and this is {commit}: "
            "name another --out, or delete it and its run"
        )
    return lines


def append_line(path: Path, line: dict[str, Any], commit: str) -> None:
    """Add one line to a JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"commit": commit} | line) + "\n")
