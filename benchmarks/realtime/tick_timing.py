"""Tick timing of a complete `run` in the stand-in, from its summary.json.

python -m benchmarks.realtime.tick_timing [--runs 3] [--seconds 120] [--hz 10]
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
    """Runs once and returns its summary.json."""
    command = [
        sys.executable,
        str(ROOT / "main.py"),
        "run",
        "default",
        f"tick.hz={hz:g}",
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
    """The table row of one summary."""
    late, psnr = summary["lateness_ms"], summary["prediction_psnr"]
    return {
        "run": name,
        "rate Hz": summary["hz"],
        "missed ticks %": 100.0 * summary["missed_beats"] / max(1, summary["ticks"]),
        "lateness p50 ms": late["p50"],
        "lateness p99 ms": late["p99"],
        "lateness max ms": late["max"],
        "decision p50 ms": summary["decide_ms"]["p50"],
        "weights switch max ms": summary["swap_ms"]["max"],
        "updates": summary["updates"],
        "weights applied": summary["weights"]["applied"],
        "PSNR model dB": psnr["model"],
        "PSNR last frame dB": psnr["last_frame"],
        "PSNR mean frame dB": psnr["mean_frame"],
        "first tick s": summary["first_tick_s"],
        "memory MB": sum(summary["memory_mb"].values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--hz", type=float, default=10.0)
    options = parser.parse_args()
    summaries = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(options.runs):
            summaries.append(one_run(Path(folder) / str(i), options.seconds, options.hz, seed=i))
            print(f"run {i + 1} of {options.runs}: {json.dumps(summaries[-1]['lateness_ms'])}")
    rows = [row(str(i), summary) for i, summary in enumerate(summaries)]
    median = {
        key: "median" if key == "run" else statistics.median([r[key] for r in rows])
        for key in rows[0]
    }
    publish(
        "realtime/tick_timing",
        f"Tick timing: run --seconds {options.seconds:g} at {options.hz:g} Hz in the stand-in",
        [*rows, median],
        summaries=summaries,
    )


if __name__ == "__main__":
    main()
