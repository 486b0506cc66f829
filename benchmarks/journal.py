"""The journal: what remembering a Step costs the body, quiet and beside a heavy disk writer; and a
batch out of it.

"append" writes into the mapped file, "scribe" hands the Step to the thread that does. Medians of
the runs' percentiles; the maximum is that of all runs.

python -m benchmarks.journal [--runs 3] [--seconds 6] [--folder DIR]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, publish
from configs.schema import Config
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import Keyframes
from interfaces.journal.step_writer import Scribe, moment_dtype
from interfaces.vrchat.vrchat_world import vrchat_spaces

_DISTURB = """
import os, sys
block = os.urandom(1 << 22)
while True:
    with open(sys.argv[1], "wb") as file:
        for _ in range(64):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
"""
_FEATURES = 160  # the default's: deter and stoch
_PACE_S = 0.005  # some two hundred Steps a second: twenty times faster than a life


def append_us(folder: Path, seconds: float, *, scribe: bool) -> tuple[list[float], int]:
    """Microseconds to remember each of many Steps, 64 x 64 pictures; and how many were dropped."""
    spaces = vrchat_spaces(Config().world)
    journal = JournalWriter(folder, spaces, segment_steps=1024, max_steps=8192)
    moment = np.zeros((), moment_dtype(spaces, _FEATURES))
    board = Board(folder / "board.mmap", create=True)
    keyframes = Keyframes(folder / "keyframes.bin", _FEATURES)
    carrier = Scribe(journal, board, moment.dtype, keyframes=keyframes) if scribe else None
    took: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(_PACE_S)
        began = time.perf_counter()
        if carrier:
            carrier.take(moment)
        else:
            journal.append(moment["step"])
        took.append(1e6 * (time.perf_counter() - began))
    if carrier:
        carrier.close()
    journal.close()
    return took, journal.dropped


def gather_ms(folder: Path, times: int) -> float:
    """Median milliseconds for a 16 x 64 batch of pictures and vectors, warm."""
    reader, random = JournalReader(folder), np.random.default_rng(0)
    took: list[float] = []
    for _ in range(times):
        starts = random.integers(reader.first, reader.end - 64, 16)
        began = time.perf_counter()
        reader.gather(starts, 64, ("image", "vector"))
        took.append(1e3 * (time.perf_counter() - began))
    return statistics.median(took[3:])


def row(what: str, runs: list[list[float]], dropped: int) -> dict[str, Any]:
    p50, p99 = np.median([np.percentile(run, [50, 99]) for run in runs], axis=0)
    return {
        "": what,
        "p50 µs": float(p50),
        "p99 µs": float(p99),
        "max µs": max(max(run) for run in runs),
        "dropped": dropped,
        "steps": sum(len(run) for run in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each run")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    asked = parser.parse_args()
    rows, batch = [], []
    for scribe, disturbed in ((False, False), (False, True), (True, False), (True, True)):
        how, where = "scribe" if scribe else "append", "disk writer" if disturbed else "quiet"
        runs, dropped = [], 0
        for _ in range(asked.runs):
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                noise = None
                if disturbed:
                    noise = subprocess.Popen(
                        [sys.executable, "-c", _DISTURB, str(Path(folder) / "noise")], cwd=ROOT
                    )
                try:
                    run, lost = append_us(Path(folder) / "journal", asked.seconds, scribe=scribe)
                finally:
                    if noise is not None:
                        noise.kill()
                        noise.wait()
                runs.append(run)
                dropped += lost
                batch.append(gather_ms(Path(folder) / "journal", 40))
        rows.append(row(f"{how}, {where}", runs, dropped))
    publish(
        "journal",
        "Journal, 64 x 64 pictures",
        rows,
        gather_16x64_ms=statistics.median(batch),
    )
    print(f"a 16 x 64 batch of pictures and vectors, warm: {statistics.median(batch):.2f} ms")


if __name__ == "__main__":
    main()
