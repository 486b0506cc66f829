"""The journal: time to append one Step, with an idle and with a busy disk, and to read a batch.

A direct append writes into the mapped file. The step writer gives the Step to a thread that writes
it. Percentiles are medians over the runs; the maximum is that of all runs.

python -m benchmarks.realtime.journal_cost [--runs 3] [--seconds 6] [--folder DIR]
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
from interfaces.core.step import StepLayout
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import LatentSnapshots
from interfaces.journal.step_writer import StepWriter, tick_record_dtype
from interfaces.vrchat.vrchat_world import vrchat_spaces

_DISK_WRITER = """
import os, sys
block = os.urandom(1 << 22)
while True:
    with open(sys.argv[1], "wb") as file:
        for _ in range(64):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
"""
_FEATURES = 160  # of the preset `default`: deterministic and stochastic state
_PACE_S = 0.005  # about 200 Steps per second: twenty times the rate of a live run


def append_us(folder: Path, seconds: float, *, step_writer: bool) -> tuple[list[float], int]:
    """Microseconds to append each Step with a 64 x 64 image, and the number of dropped Steps."""
    spaces = vrchat_spaces(Config().world)
    journal = JournalWriter(folder, StepLayout(spaces), segment_steps=1024, max_steps=8192)
    tick_record = np.zeros((), tick_record_dtype(StepLayout(spaces), _FEATURES))
    board = Board(folder / "board.mmap", create=True)
    latent_snapshots = LatentSnapshots(folder / "keyframes.bin", _FEATURES)
    writer = (
        StepWriter(journal, board, tick_record.dtype, latent_snapshots=latent_snapshots)
        if step_writer
        else None
    )
    took: list[float] = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        time.sleep(_PACE_S)
        began = time.perf_counter()
        if writer:
            writer.append(tick_record)
        else:
            journal.append(tick_record["step"])
        took.append(1e6 * (time.perf_counter() - began))
    if writer:
        writer.close()
    journal.close()
    return took, journal.dropped


def gather_ms(folder: Path, times: int) -> float:
    """Median milliseconds to read a 16 x 64 batch of images and vectors, with a warm cache."""
    reader, random = JournalReader(folder), np.random.default_rng(0)
    took: list[float] = []
    for _ in range(times):
        starts = random.integers(reader.first, reader.end - 64, 16)
        began = time.perf_counter()
        reader.gather(starts, 64, ("image", "vector"))
        took.append(1e3 * (time.perf_counter() - began))
    return statistics.median(took[3:])


def row(method: str, runs: list[list[float]], dropped: int) -> dict[str, Any]:
    p50, p99 = np.median([np.percentile(run, [50, 99]) for run in runs], axis=0)
    return {
        "method": method,
        "p50 µs": float(p50),
        "p99 µs": float(p99),
        "max µs": max(max(run) for run in runs),
        "dropped": dropped,
        "steps": sum(len(run) for run in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each run")
    parser.add_argument("--folder", type=Path, default=None, help="a folder on the disk to measure")
    options = parser.parse_args()
    rows, batch = [], []
    for step_writer, busy in ((False, False), (False, True), (True, False), (True, True)):
        method = "step writer" if step_writer else "direct append"
        method += ", busy disk" if busy else ", idle disk"
        runs, dropped = [], 0
        for _ in range(options.runs):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                disk_writer = None
                if busy:
                    disk_writer = subprocess.Popen(
                        [sys.executable, "-c", _DISK_WRITER, str(Path(folder) / "noise")], cwd=ROOT
                    )
                try:
                    run, lost = append_us(
                        Path(folder) / "journal", options.seconds, step_writer=step_writer
                    )
                finally:
                    if disk_writer is not None:
                        disk_writer.kill()
                        disk_writer.wait()
                runs.append(run)
                dropped += lost
                batch.append(gather_ms(Path(folder) / "journal", 40))
        rows.append(row(method, runs, dropped))
    publish(
        "realtime/journal_cost",
        "Journal: time to append one Step, 64 x 64 images",
        rows,
        gather_16x64_ms=statistics.median(batch),
    )
    print(f"read a 16 x 64 batch of images and vectors, warm: {statistics.median(batch):.2f} ms")


if __name__ == "__main__":
    main()
