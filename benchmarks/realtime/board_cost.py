"""The Board: time to write the gauges of one tick, and the round trip to another process.

python -m benchmarks.realtime.board_cost [--runs 5]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT, publish
from interfaces.ipc.board import Board

_ECHO = """
import sys
from pathlib import Path
from interfaces.ipc.board import Board
board = Board(Path(sys.argv[1]))
while not board["stop"]:
    board["rests"] = board["ticks"]
"""


def write_us(board: Board, times: int) -> float:
    """Microseconds to write the gauges and histograms of one tick."""
    late, age = board.histogram("lateness"), board.histogram("frame_age")
    began = time.perf_counter()
    for i in range(times):
        late.add(1e-4)
        age.add(0.02)
        board["ticks"] = i
        board["reward_now"], board["value_now"] = 0.5, 1.0
        board["late_s"], board["frame_age_s"] = 1e-4, 0.02
        board.heartbeat("body")
    return 1e6 * (time.perf_counter() - began) / times


def round_trip_us(path: Path, board: Board, times: int) -> list[float]:
    """Microseconds from a write here until the answer of another process is read here."""
    board["rests"] = board["ticks"] = 0
    echo = subprocess.Popen([sys.executable, "-c", _ECHO, str(path)], cwd=ROOT)
    took: list[float] = []
    try:
        for i in range(1, times + 1):
            began = time.perf_counter()
            board["ticks"] = i
            while board["rests"] != i:
                pass
            took.append(1e6 * (time.perf_counter() - began))
            time.sleep(0.001)
    finally:
        board["stop"] = 1
        echo.wait(5)
        board["stop"] = 0
    return took[10:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board.mmap"
        board = Board(path, create=True)
        writes = [write_us(board, 20_000) for _ in range(runs)]
        trips = [value for _ in range(runs) for value in round_trip_us(path, board, 300)]
    publish(
        "realtime/board_cost",
        "Board: cost of one tick and latency to another process",
        [
            {
                "measurement": "write the gauges of one tick, µs",
                "p50": statistics.median(writes),
                "p99": max(writes),
                "max": max(writes),
            },
            {
                "measurement": "round trip to another process, µs",
                "p50": float(np.percentile(trips, 50)),
                "p99": float(np.percentile(trips, 99)),
                "max": max(trips),
            },
        ],
    )


if __name__ == "__main__":
    main()
