"""Cost of recording: lateness of live runs with and without the recorder, and its CPU time.

python -m benchmarks.sessions.recording_cost [--runs 3] [--seconds 60]

The runs are in the stand-in at 20 Hz, 64 x 64. Pairs with and without the recorder alternate.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import ROOT, publish

HZ = 20.0


def one_run(record: bool, seconds: float) -> dict[str, Any]:
    """The table row of one live run."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        words = [f"tick.hz={HZ:g}", f"session.record={str(record).lower()}"]
        process = subprocess.Popen(
            [
                *(sys.executable, "main.py", "run", "default", *words),
                *("--seconds", str(seconds), "--out", str(run), "--quiet"),
            ],
            cwd=ROOT,
        )
        share = recorder_cpu_share(process, run) if record else None
        process.wait()
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    late = summary["lateness_ms"]
    return {
        "recorder": "on" if record else "off",
        "lateness p50 ms": late["p50"],
        "lateness p99 ms": late["p99"],
        "lateness max ms": late["max"],
        "missed ticks": summary["missed_beats"],
        "recorder CPU %": "" if share is None else round(100 * share, 1),
    }


def recorder_cpu_share(live_run: "subprocess.Popen[bytes]", run: Path) -> float:
    """CPU time of the recorder per second, without its start."""
    process: psutil.Process | None = None
    began = used = share = 0.0
    while live_run.poll() is None:
        time.sleep(0.5)
        try:
            if process is None:
                table = json.loads((run / "processes.json").read_text(encoding="utf-8"))
                process = psutil.Process(table["recorder"])
                time.sleep(5.0)  # imports
                began, used = time.perf_counter(), sum(process.cpu_times()[:2])
            share = (sum(process.cpu_times()[:2]) - used) / (time.perf_counter() - began)
        except (OSError, ValueError, KeyError, psutil.Error, ZeroDivisionError):
            continue
    return share


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="number of pairs")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each run")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for pair in range(options.runs):
        for record in (False, True) if pair % 2 == 0 else (True, False):
            rows.append(one_run(record, options.seconds))
    publish("sessions/recording_cost", f"Cost of recording at {HZ:g} Hz, 64 x 64", rows)


if __name__ == "__main__":
    main()
