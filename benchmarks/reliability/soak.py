"""A long live run in the background: what grows in an hour, and what is missed.

python -m benchmarks.reliability.soak [--hours 2.5] [--hz 20] [--out DIR] [KEY=VALUE]...

A `run` of the stand-in at 20 Hz with all its processes, beside whatever else this machine does.
Each minute one row is appended to OUT.jsonl: missed ticks, lateness, memory (USS), descriptors,
threads and disk. A measurement that was interrupted goes on: the same --out resumes the run and
adds rows. The slopes are straight lines through all rows after the first tenth.
"""

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import ROOT, publish
from interfaces.ipc.board import Board
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder

_STOP_S = 60.0  # until the run has ended after Ctrl-C
_LIMIT = 1.0  # percent of growth per hour


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.5)
    parser.add_argument("--hz", type=float, default=20.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two rows")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "soak")
    parser.add_argument("words", nargs="*", help="settings of the run")
    options = parser.parse_args()
    log = options.out.with_name(f"{options.out.name}.jsonl")
    rows = _read_rows(log)
    before_s = rows[-1]["seconds"] if rows else 0.0
    process = _start(options.out, options.hz, options.words)
    try:
        board = _wait_for_first_tick(process, options.out)
        began, due = time.monotonic(), time.monotonic()
        while before_s + time.monotonic() - began < 3600.0 * options.hours:
            time.sleep(max(0.0, due - time.monotonic()))
            due += options.every
            if process.poll() is not None:
                raise SystemExit(f"the run ended with code {process.returncode}")
            row = _measure(options.out, board, before_s + time.monotonic() - began)
            rows.append(row)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
    title = f"Live run of {rows[-1]['seconds'] / 3600:.2f} h at {options.hz:g} Hz"
    publish("reliability/soak", title, slopes(rows), minutes=rows, exit_code=process.returncode)


def _read_rows(log: Path) -> list[dict[str, Any]]:
    with contextlib.suppress(FileNotFoundError):
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return []


def _start(out: Path, hz: float, words: Sequence[str]) -> subprocess.Popen[bytes]:
    resumed = (out / "config.yaml").exists()
    settings = ["default", f"tick.hz={hz:g}", "session.record=true", *words, "--out", str(out)]
    return subprocess.Popen(
        [
            *(sys.executable, "main.py", "run", "--quiet"),
            *(["--resume", str(out)] if resumed else settings),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _wait_for_first_tick(process: subprocess.Popen[bytes], out: Path) -> Board:
    """The Board of the new run. Exits if it does not tick within two minutes."""
    deadline = time.monotonic() + 120.0
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.5)
        with contextlib.suppress(OSError, ValueError):
            pids = json.loads((out / "processes.json").read_text(encoding="utf-8"))
            board = open_board(RunFolder(out))
            if pids["supervisor"] == process.pid and board["first_tick_ns"]:
                return board
    raise SystemExit(f"the run does not start: see {out}/logs")


def _measure(out: Path, board: Board, seconds: float) -> dict[str, Any]:
    """One row: the Board's gauges, and what every process uses now."""
    late = board.histogram("lateness").summary_ms()
    row: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "ticks": int(board["ticks"]),
        "missed ticks": int(board["missed_beats"]),
        "lateness p99 ms": round(late["p99"], 3),
        "lateness max ms": round(late["max"], 3),
        "updates": int(board["updates"]),
        "disk MB": round(sum(_bytes(path) for path in out.rglob("*")) / 1e6, 2),
        "processes": {},
    }
    for name, pid in json.loads((out / "processes.json").read_text(encoding="utf-8")).items():
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            row["processes"][name] = {
                "pid": pid,
                "USS MB": round(process.memory_full_info().uss / 1e6, 2),
                "descriptors": process.num_handles()
                if sys.platform == "win32"
                else process.num_fds(),
                "threads": process.num_threads(),
                "CPU s": round(sum(process.cpu_times()[:2]), 1),
            }
    return row


def _bytes(path: Path) -> int:
    with contextlib.suppress(OSError):
        status = path.stat()
        # Mapped files are created at full size; only used blocks take space.
        return getattr(status, "st_blocks", -(-status.st_size // 512)) * 512
    return 0


def slopes(rows: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    """A table: each gauge at the start and end, and its growth per hour in its unit and percent."""
    settled = rows[len(rows) // 10 :]
    names = dict.fromkeys(name for row in settled for name in row["processes"])
    table: list[dict[str, object]] = []
    for name in names:
        for gauge in ("USS MB", "descriptors", "threads"):
            points = [
                (row["seconds"] / 3600, float(row["processes"][name][gauge]))
                for row in settled
                if name in row["processes"]
            ]
            table.append(_slope_row(f"{name}, {gauge}", points))
    for gauge in ("disk MB", "lateness p99 ms"):
        points = [(row["seconds"] / 3600, float(row[gauge])) for row in settled]
        table.append(_slope_row(gauge, points))
    ticks, missed = _increase(rows, "ticks"), _increase(rows, "missed ticks")
    share = 100.0 * missed / max(1, ticks + missed)
    table.append(
        {
            "gauge": "missed ticks, %",
            "first": 0.0,
            "last": round(share, 3),
            "per hour": "",
            "percent per hour": "",
            "limit": "",
        }
    )
    return table


def _slope_row(gauge: str, points: Sequence[tuple[float, float]]) -> dict[str, object]:
    hours, values = zip(*points, strict=True)
    slope = statistics.linear_regression(hours, values).slope if len(set(hours)) > 1 else 0.0
    mean = statistics.fmean(values)
    bounded = not gauge.startswith(("disk", "lateness"))  # the recording grows as it should
    return {
        "gauge": gauge,
        "first": values[0],
        "last": values[-1],
        "per hour": round(slope, 3),
        "percent per hour": round(100.0 * slope / mean, 2) if mean else 0.0,
        "limit": f"{_LIMIT:g} %" if bounded else "",
    }


def _increase(rows: Sequence[dict[str, Any]], gauge: str) -> int:
    """The sum of all increases: a resumed run counts again from zero."""
    total, previous = 0, 0
    for row in rows:
        total += row[gauge] - previous if row[gauge] >= previous else row[gauge]
        previous = row[gauge]
    return total


if __name__ == "__main__":
    main()
