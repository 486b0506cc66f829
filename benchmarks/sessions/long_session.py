"""A long session: time to inspect, to seek and to import it, and memory during the import.

python -m benchmarks.sessions.long_session [--hours 6]

The session is recorded at 20 Hz in lockstep, with a sticky-random policy in the stand-in.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, publish
from benchmarks.standin.random_steps import fill_step
from configs.load import load_config
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.journal import JournalReader, JournalWriter
from interfaces.session.format.messages import Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.overview import describe
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin

HZ, SEGMENT_S = 20.0, 300.0
SEEKS, BATCHES = 50, 200


def record(folder: Path, count: int) -> tuple[Spaces, float]:
    """Records `count` steps into `folder`/session; returns the spaces and the seconds it took."""
    world = LockstepStandin(load_config(Path("default"), [f"tick.hz={HZ:g}"]), 0)
    spaces, policy = world.spaces, StickyRandom(world.spaces, 0)
    codec, step, writer = Codec(StepLayout(spaces)), np.zeros((), StepLayout(spaces).dtype), None
    began = time.perf_counter()
    for i in range(count):
        if writer is None or writer.seconds >= SEGMENT_S:
            if writer is not None:
                writer.close()
            writer = SegmentWriter(folder / "session", i, codec, {})
        observation = world.observe()
        fill_step(step, i, observation.image, observation.vector, HZ)
        step["action"] = world.act(policy.act())
        writer.put(step)
        if i % 20_000 == 0:
            print(f"{i} of {count} steps, {time.perf_counter() - began:.0f} s", flush=True)
    assert writer is not None
    writer.close()
    world.close()
    return spaces, time.perf_counter() - began


def inspect_s(folder: Path) -> tuple[float, float]:
    """Seconds of the whole command `sessions info`, and of reading alone."""
    words = [sys.executable, "main.py", "sessions", "info", str(folder), "--json"]
    began = time.perf_counter()
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    command_s = time.perf_counter() - began
    began = time.perf_counter()
    describe(Session(folder))
    return command_s, time.perf_counter() - began


def seeks_ms(session: Session, count: int) -> list[float]:
    """Milliseconds to find a random moment and to read its step."""
    rng, took = random.Random(0), list[float]()
    for _ in range(SEEKS):
        index = rng.randrange(count)
        began = time.perf_counter()
        found = session.index_at(session.infos[0].began_ns + round(1e9 * index / HZ))
        assert int(session.read(found, 1)[0]["index"]) == index
        took.append(1e3 * (time.perf_counter() - began))
    return took


def import_to_journal(
    session: Session, folder: Path, spaces: Spaces, count: int
) -> tuple[float, float]:
    """Copies the session into a journal; returns seconds and additional memory in MB."""
    process, before = psutil.Process(), psutil.Process().memory_info().rss
    memory, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            memory.append(process.memory_info().rss)

    threading.Thread(target=watch, daemon=True).start()
    journal = JournalWriter(
        folder, StepLayout(spaces), segment_steps=1024, max_steps=count, background=False
    )
    began = time.perf_counter()
    for _, step in session.steps():
        journal.append(step)
    took_s = time.perf_counter() - began
    done.set()
    journal.close()
    return took_s, (max(memory) - before) / 1e6


def gather_steps_per_s(folder: Path, count: int) -> float:
    """Steps per second in batches of 16 windows of 64 steps."""
    reader, rng = JournalReader(folder), np.random.default_rng(0)
    began = time.perf_counter()
    for _ in range(BATCHES):
        starts = rng.integers(0, count - 64, 16)
        reader.gather(starts, 64, ("image", "vector", "world_reward", "is_first"))
    return BATCHES * 16 * 64 / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=6.0)
    options = parser.parse_args()
    count = round(3600 * options.hours * HZ)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        spaces, record_s = record(folder, count)
        size_bytes = sum(path.stat().st_size for path in segment_files(folder))
        command_s, reading_s = inspect_s(folder)
        session = Session(folder)
        seeks = seeks_ms(session, count)
        import_s, memory_mb = import_to_journal(session, folder / "journal", spaces, count)
        gather_per_s = gather_steps_per_s(folder / "journal", count)
    values: list[tuple[str, Any, str]] = [
        ("steps", count, ""),
        ("simulate and record in lockstep, steps/s", count / record_s, ""),
        ("size, GB", size_bytes / 1e9, ""),
        ("sessions info, whole command, s", command_s, "2"),
        ("sessions info, reading only, s", reading_s, ""),
        ("seek and read one step, ms p50", float(np.median(seeks)), ""),
        ("seek and read one step, ms max", max(seeks), "300"),
        ("import into a journal, steps/s", count / import_s, ""),
        ("additional memory during the import, MB (with mapped files)", memory_mb, ""),
        ("batches from that journal, steps/s", gather_per_s, "20000"),
    ]
    rows = [{"measurement": name, "value": value, "goal": goal} for name, value, goal in values]
    title = f"A session of {options.hours:g} hours at {HZ:g} Hz, 64 x 64"
    publish("sessions/long_session", title, rows)


if __name__ == "__main__":
    main()
