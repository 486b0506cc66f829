"""The whole animal at its beat: `run` as a person starts it, and what its summary says.

python -m benchmarks.beat [--runs 3] [--seconds 120] [--hz 10]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, publish


def one_run(folder: Path, seconds: float, hz: float, seed: int) -> dict[str, Any]:
    """The summary of one life."""
    command = [
        sys.executable,
        str(ROOT / "main.py"),
        "run",
        "default",
        f"beat.hz={hz:g}",
        "--seconds",
        str(seconds),
        "--seed",
        str(seed),
        "--quiet",
        "--out",
        str(folder),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def row(name: str, summary: dict[str, Any]) -> dict[str, Any]:
    late, psnr = summary["lateness_ms"], summary["prediction_psnr"]
    return {
        "run": name,
        "hz": summary["hz"],
        "missed %": 100.0 * summary["missed_beats"] / max(1, summary["ticks"]),
        "late p50 ms": late["p50"],
        "late p99 ms": late["p99"],
        "late max ms": late["max"],
        "decide p50 ms": summary["decide_ms"]["p50"],
        "swap max ms": summary["swap_ms"]["max"],
        "updates": summary["updates"],
        "applied": summary["weights"]["applied"],
        "psnr model": psnr["model"],
        "psnr last": psnr["last_frame"],
        "psnr mean": psnr["mean_frame"],
        "first tick s": summary["first_tick_s"],
        "USS MB": sum(summary["memory_mb"].values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--hz", type=float, default=10.0)
    asked = parser.parse_args()
    summaries = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(asked.runs):
            summaries.append(one_run(Path(folder) / str(i), asked.seconds, asked.hz, seed=i))
            print(f"run {i + 1} of {asked.runs}: {json.dumps(summaries[-1]['lateness_ms'])}")
    rows = [row(str(i), summary) for i, summary in enumerate(summaries)]
    median = {
        key: "median" if key == "run" else statistics.median([r[key] for r in rows])
        for key in rows[0]
    }
    publish(
        "beat",
        f"run --seconds {asked.seconds:g} at {asked.hz:g} Hz, stand-in world",
        [*rows, median],
        summaries=summaries,
    )


if __name__ == "__main__":
    main()
