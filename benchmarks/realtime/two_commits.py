"""Tick timing of another commit and of this one, in turn: does a change cost lateness?

python -m benchmarks.realtime.two_commits COMMIT [--rounds 5] [--seconds 60] [--hz 20]

Each round is one `run default` in the stand-in with each commit, in alternating order, with the
same seed. The code of COMMIT is a temporary checkout; it must run with the packages installed here.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, publish

THIS = "this commit"


def one_run(code: Path, folder: Path, seconds: float, hz: float, seed: int) -> dict[str, Any]:
    """Runs the code of one checkout. Returns its summary.json and the CPU time of all processes."""
    words = ["run", "default", f"tick.hz={hz:g}", "--quiet", "--out", str(folder)]
    words += ["--seconds", str(seconds), "--seed", str(seed)]
    state = folder.parent / "state"  # no record of these runs stays on the machine
    before = os.times()
    subprocess.run(
        [sys.executable, str(code / "main.py"), *words],
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code), "YUME_STATE": str(state)},
        check=True,
    )
    after = os.times()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return summary | {"cpu_s": round(used, 1)}


def row(commit: str, round_number: int, summary: dict[str, Any]) -> dict[str, Any]:
    """The table row of one run."""
    late = summary["lateness_ms"]
    return {
        "commit": commit,
        "round": round_number,
        "ticks": summary["ticks"],
        "missed ticks": summary["missed_beats"],
        "lateness p50 ms": late["p50"],
        "lateness p99 ms": late["p99"],
        "lateness max ms": late["max"],
        "CPU s": summary["cpu_s"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hz", type=float, default=20.0)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "code"
        git = ["git", "-C", str(ROOT)]
        if subprocess.run([*git, "worktree", "add", "--detach", other, options.commit]).returncode:
            parser.error(f"{options.commit}: no such commit here")
        try:
            for i in range(options.rounds):
                codes = [(options.commit, other), (THIS, ROOT)]
                for name, code in codes[:: 1 if i % 2 == 0 else -1]:
                    out = Path(folder) / f"run-{i}-{name.replace(' ', '-')}"
                    summary = one_run(code, out, options.seconds, options.hz, seed=i)
                    rows.append(row(name, i + 1, summary))
                    late = rows[-1]["lateness p99 ms"]
                    print(
                        f"round {i + 1} of {options.rounds}, {name}: p99 {late:.2f} ms", flush=True
                    )
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", other], check=False)
    for name in (options.commit, THIS):
        late = [each["lateness p99 ms"] for each in rows if each["commit"] == name]
        print(f"{name}: median p99 {statistics.median(late):.2f} ms")
    title = f"Tick timing of {options.commit} and of this commit, at {options.hz:g} Hz"
    publish("realtime/two_commits", title, rows, seconds=options.seconds, hz=options.hz)


if __name__ == "__main__":
    main()
