"""A long live run in the background: what grows in an hour, and what is missed.

python -m benchmarks.reliability.soak [--hours 2.5] [--hz 20] [--minutes 60] [--number 1]
    [--out DIR] [KEY=VALUE]...

A `run` of the stand-in at 20 Hz with all its processes, beside whatever else this machine does.
Each minute one row is appended to OUT.jsonl: missed ticks, lateness, memory (USS), descriptors,
threads and disk.

The slopes are straight lines through the rows of the longest part without an interruption, after
its warm-up of 15 minutes. Nothing may grow by more than 1 % an hour. The disk of the session
grows with what is recorded, and misses that goal by design; it is shown apart.

--minutes stops early. The same command then continues: it resumes the run and adds rows, but a
resumed run warms up again, so measure what counts in one piece. Rows of another commit are refused.
"""

import argparse
import contextlib
import json
import math
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import ROOT, SYSTEM, publish
from benchmarks.processes import INTERRUPTIBLE, interrupt, is_started_by
from benchmarks.reliability.resuming import append_line, current_commit, read_lines
from interfaces.core.machine_readings import process_memory_mb
from interfaces.ipc.board import Board
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder

_STOP_S = 60.0  # until the run has ended after Ctrl-C
LIMIT = 1.0  # percent of growth per hour
_MIN_POINTS = 10  # rows; a slope of fewer says nothing
WARM_UP_S = 900.0  # caches, buffers and the first segments fill meanwhile
_FOLDERS = ("session", "journal")  # of the run, whose disk is shown apart


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=2.5)
    parser.add_argument("--hz", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after this time")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two rows")
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S, help="seconds without slope")
    parser.add_argument("--number", type=int, default=1, help="2: a second soak beside the first")
    parser.add_argument("--out", type=Path, help="folder of the run (default runs/soak)")
    parser.add_argument("words", nargs="*", help="settings of the run")
    options = parser.parse_args()
    result = f"soak{SYSTEM}" if options.number == 1 else f"soak{SYSTEM}_{options.number}"
    out: Path = options.out or ROOT / "runs" / result
    log, commit = out.with_name(f"{out.name}.jsonl"), current_commit()
    rows = read_lines(log, commit)
    before_s = rows[-1]["seconds"] if rows else 0.0
    part = rows[-1]["part"] + 1 if rows else 0
    left_s = min(3600.0 * options.hours - before_s, 60.0 * options.minutes)
    if left_s <= 0:
        sys.exit(f"{log} has {before_s / 3600:.2f} h already: delete it and its run for a new one")
    process = _start(out, options.hz, options.words)
    ended_early = False
    try:
        board = _wait_for_first_tick(process, out)
        began, due = time.perf_counter(), time.perf_counter()
        while time.perf_counter() - began < left_s:
            time.sleep(max(0.0, due - time.perf_counter()))
            due += options.every
            if ended_early := process.poll() is not None:
                print(f"the run ended with code {process.returncode}: see {out}/logs")
                break
            row = _measure(out, board, before_s + time.perf_counter() - began)
            rows.append(row | {"part": part, "part seconds": time.perf_counter() - began})
            append_line(log, rows[-1], commit)
            minutes_left = max(0.0, 60.0 * options.hours - row["seconds"] / 60.0)
            print(f"{row['seconds'] / 60:.0f} minutes ({minutes_left:.0f} left)", flush=True)
    finally:
        with contextlib.suppress(OSError):  # it has ended
            interrupt(process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
    if not rows:
        return
    publish(
        f"reliability/{result}",
        f"Live run of {rows[-1]['seconds'] / 3600:.2f} h at {options.hz:g} Hz",
        slopes(rows, options.warm_up),
        commit=commit,
        minutes=rows,
        warm_up_s=options.warm_up,
        hours_asked=options.hours,
        parts=part + 1,
        ended_early=ended_early,
        exit_code=process.returncode,
    )


def _start(out: Path, hz: float, words: Sequence[str]) -> subprocess.Popen[bytes]:
    resumed = (out / "config.yaml").exists()
    settings = ["default", f"tick.hz={hz:g}", "session.record=true", *words, "--out", str(out)]
    return subprocess.Popen[bytes](
        [
            *(sys.executable, "main.py", "run", "--quiet"),
            *(["--resume", str(out)] if resumed else settings),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        **INTERRUPTIBLE,
    )


def _wait_for_first_tick(process: subprocess.Popen[bytes], out: Path) -> Board:
    """The Board of the new run. Exits if it does not tick within two minutes."""
    deadline = time.perf_counter() + 120.0
    while process.poll() is None and time.perf_counter() < deadline:
        time.sleep(0.5)
        with contextlib.suppress(OSError, ValueError):
            pids = json.loads((out / "processes.json").read_text(encoding="utf-8"))
            board = open_board(RunFolder(out))
            if is_started_by(pids["supervisor"], process) and board["first_tick_ns"]:
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
        "disk MB": _disk_mb(out),
        **{f"disk of {folder} MB": _disk_mb(out / folder) for folder in _FOLDERS},
        "processes": {},
    }
    for name, pid in json.loads((out / "processes.json").read_text(encoding="utf-8")).items():
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            row["processes"][name] = {
                "pid": pid,
                "USS MB": round(process_memory_mb(pid) or 0.0, 2),
                "RSS MB": round(process.memory_info().rss / 1e6, 2),
                "descriptors": process.num_handles()
                if sys.platform == "win32"
                else process.num_fds(),
                "threads": process.num_threads(),
                "CPU s": round(sum(process.cpu_times()[:2]), 1),
            }
    return row


def _disk_mb(folder: Path) -> float:
    return round(sum(_bytes(path) for path in folder.rglob("*")) / 1e6, 2)


def _bytes(path: Path) -> int:
    with contextlib.suppress(OSError):
        status = path.stat()
        # Mapped files are created at full size; only used blocks take space.
        return getattr(status, "st_blocks", -(-status.st_size // 512)) * 512
    return 0


def slopes(rows: Sequence[dict[str, Any]], warm_up_s: float) -> list[dict[str, object]]:
    """A table: each gauge at the start and end, its growth per hour, and whether that is kept.

    Of the longest part, without its first `warm_up_s`. Empty if no two rows remain.
    """
    parts = Counter(row["part"] for row in rows)
    longest = parts.most_common(1)[0][0]
    own = [row for row in rows if row["part"] == longest]
    settled = [row for row in own if row["part seconds"] >= warm_up_s]
    table: list[dict[str, object]] = []
    for name in dict.fromkeys(name for row in settled for name in row["processes"]):
        states = [
            (row["seconds"] / 3600, row["processes"][name])
            for row in settled
            if name in row["processes"]
        ]
        # A restarted process starts small: the slope is that of the process which ran longest.
        pid, count = Counter(state["pid"] for _, state in states).most_common(1)[0]
        restarts = "" if count == len(states) else ", restarted"
        for gauge in ("USS MB", "RSS MB", "descriptors", "threads"):
            points = [
                (hour, float(state[gauge]))
                for hour, state in states
                if state["pid"] == pid and gauge in state
            ]
            if points:
                table.append(_slope_row(f"{name}, {gauge}{restarts}", points))
    for gauge in ("disk MB", *(f"disk of {each} MB" for each in _FOLDERS), "lateness p99 ms"):
        points = [(row["seconds"] / 3600, float(row[gauge])) for row in settled]
        if points:
            table.append(_slope_row(gauge, points))
    ticks, missed = _increase(own, "ticks"), _increase(own, "missed ticks")
    share = 100.0 * missed / max(1, ticks + missed)
    table.append(_row("missed ticks, %", 0.0, round(share, 3)))
    return table


def _slope_row(gauge: str, points: Sequence[tuple[float, float]]) -> dict[str, object]:
    hours, values = zip(*points, strict=True)
    slope = statistics.linear_regression(hours, values).slope if len(set(hours)) > 1 else 0.0
    mean = statistics.fmean(values)
    percent = round(100.0 * slope / mean, 2) if mean else 0.0
    bounded = not gauge.startswith("lateness")
    more: dict[str, object] = {"per hour": round(slope, 3), "percent per hour": percent}
    if bounded:
        verdict = "kept" if percent <= LIMIT else "missed"
        if len(points) < _MIN_POINTS:
            verdict = "too few rows"
        more |= {"limit": f"{LIMIT:g} %", "verdict": verdict}
    return _row(gauge, values[0], values[-1]) | more


def _row(gauge: str, first: float, last: float) -> dict[str, object]:
    """A row without a slope."""
    empty = dict.fromkeys(("per hour", "percent per hour", "limit", "verdict"), "")
    return {"gauge": gauge, "first": first, "last": last, **empty}


def _increase(rows: Sequence[dict[str, Any]], gauge: str) -> int:
    """The sum of all increases: a resumed run counts again from zero."""
    total, previous = 0, 0
    for row in rows:
        total += row[gauge] - previous if row[gauge] >= previous else row[gauge]
        previous = row[gauge]
    return total


if __name__ == "__main__":
    main()
