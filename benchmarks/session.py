"""Sessions: what recording costs, what it weighs, how fast it is found again, what a kill leaves.

python -m benchmarks.session [--only cost|size|long|kill] [--runs 3] [--seconds 60] [--hours 6]
                             [--kills 50]

cost: lives at 20 Hz, 64 x 64, in the stand-in, with and without the recorder: lateness, and the
recorder's share of a core. size: five places, PNG and JPEG against raw pictures, whole files.
long: six hours at 20 Hz, lived in lockstep: info, seeking, importing into a journal, memory.
kill: kill -9 of every process of a life at a random moment, again and again: what journal and
session still hold.
"""

import argparse
import json
import os
import random
import signal
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
from configs.load import load_config
from configs.schema import Config
from interfaces.core.step import step_dtype
from interfaces.journal import JournalReader, JournalWriter
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import CameraFormat, Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.maintenance import describe, verify
from interfaces.session.maintain.recover import recover_run
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin

PLACES = ("room", "gallery", "plaza", "garden", "maze")
HZ, BEGAN_NS = 20.0, 1_700_000_000_000_000_000


def cost(runs: int, seconds: float) -> None:
    rows: list[dict[str, Any]] = []
    for pair in range(runs):
        for record in (False, True) if pair % 2 == 0 else (True, False):
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder) / "run"
                words = [f"beat.hz={HZ:g}", f"session.record={str(record).lower()}"]
                life = subprocess.Popen(
                    [
                        *(sys.executable, "main.py", "run", "default", *words),
                        *("--seconds", str(seconds), "--out", str(run), "--quiet"),
                    ],
                    cwd=ROOT,
                )
                share = _watch(life, run) if record else None
                life.wait()
                told = json.loads((run / "summary.json").read_text(encoding="utf-8"))
            late = told["lateness_ms"]
            rows.append(
                {
                    "recorder": "on" if record else "off",
                    "late p50 ms": late["p50"],
                    "late p99 ms": late["p99"],
                    "late max ms": late["max"],
                    "missed": told["missed_beats"],
                    "% of a core": "" if share is None else round(100 * share, 1),
                }
            )
    publish("session-cost", f"recording at {HZ:g} Hz, 64 x 64", rows)


def _watch(life: "subprocess.Popen[bytes]", run: Path) -> float:
    """The recorder's CPU time over the time it lived, without its start."""
    process: psutil.Process | None = None
    began = used = share = 0.0
    while life.poll() is None:
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


def steps_of(place: str, count: int) -> tuple[Config, np.ndarray]:
    """Steps of a sticky-random walk in lockstep, 20 a second."""
    config = load_config(Path("default"), [f"world.standin.place={place}", f"beat.hz={HZ:g}"])
    world = LockstepStandin(config, 0)
    walker, steps = StickyRandom(world.spaces, 0), np.zeros(count, step_dtype(world.spaces))
    for i in range(count):
        seen = world.observe()
        fill(steps[i, ...], i, seen.image, seen.vector)
        steps[i]["action"] = world.act(walker.act())
    world.close()
    return config, steps


def fill(
    step: np.ndarray, index: int, image: np.ndarray, vector: np.ndarray, hz: float = HZ
) -> None:
    """What a body would write of a beat, but the action."""
    step["index"] = step["tick"] = step["frame_number"] = index
    step["monotonic_ns"] = round(1e9 * index / hz)
    step["wall_ns"] = BEGAN_NS + round(1e9 * index / hz)
    step["image"], step["vector"], step["is_first"] = image, vector, index == 0


def size(count: int = 2400) -> None:
    rows: list[dict[str, Any]] = []
    for place in PLACES:
        config, steps = steps_of(place, count)
        raw, row = (
            steps["image"].nbytes,
            {"place": place, "pictures raw MB": steps["image"].nbytes / 1e6},
        )
        spaces = LockstepStandin(config, 0).spaces
        kinds: list[tuple[CameraFormat, int]] = [("png", 75), ("jpeg", 90), ("jpeg", 75)]
        for camera, quality in kinds:
            with tempfile.TemporaryDirectory() as folder:
                codec = Codec(spaces, camera, quality)
                writer = SegmentWriter(Path(folder), 0, codec, {})
                for i in range(count):
                    writer.put(steps[i, ...])
                done = writer.close()
                assert done is not None
                name = "png" if camera == "png" else f"jpeg {quality}"
                row[f"{name}, % of raw"] = round(100 * done.stat().st_size / raw, 1)
        rows.append(row)
    publish("session-size", "whole files against raw pictures, 64 x 64", rows)


def long(hours: float) -> None:
    count, folder = round(3600 * hours * HZ), Path(tempfile.mkdtemp())
    config = load_config(Path("default"), [f"beat.hz={HZ:g}"])
    world = LockstepStandin(config, 0)
    spaces, walker = world.spaces, StickyRandom(world.spaces, 0)
    codec, step, writer = Codec(spaces), np.zeros((), step_dtype(spaces)), None
    began = time.perf_counter()
    for i in range(count):
        if writer is None or writer.seconds >= 300.0:
            if writer is not None:
                writer.close()
            writer = SegmentWriter(folder / "session", i, codec, {})
        seen = world.observe()
        fill(step, i, seen.image, seen.vector)
        step["action"] = world.act(walker.act())
        writer.put(step)
        if i % 20_000 == 0:
            print(f"{i} of {count} steps, {time.perf_counter() - began:.0f} s", flush=True)
    assert writer is not None
    writer.close()
    world.close()
    lived_s = time.perf_counter() - began
    bytes_ = sum(path.stat().st_size for path in segment_files(folder))

    words = [sys.executable, "main.py", "sessions", "info", str(folder), "--json"]
    began = time.perf_counter()
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    command_s = time.perf_counter() - began
    began = time.perf_counter()
    session = Session(folder)
    describe(session)
    info_s = time.perf_counter() - began
    chance, seeks = random.Random(0), []
    for _ in range(50):
        index = chance.randrange(count)
        began = time.perf_counter()
        found = session.index_at(session.infos[0].began_ns + round(1e9 * index / HZ))
        assert int(session.read(found, 1)[0]["index"]) == index
        seeks.append(1e3 * (time.perf_counter() - began))

    process, before = psutil.Process(), psutil.Process().memory_info().rss
    most, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            most.append(process.memory_info().rss)

    threading.Thread(target=watch, daemon=True).start()
    journal = JournalWriter(
        folder / "journal", spaces, segment_steps=1024, max_steps=count, background=False
    )
    began = time.perf_counter()
    for _, read in session.steps():
        journal.append(read)
    import_s = time.perf_counter() - began
    done.set()
    journal.close()
    reader, starts = JournalReader(folder / "journal"), np.random.default_rng(0)
    began, batches = time.perf_counter(), 200
    for _ in range(batches):
        chosen = starts.integers(0, count - 64, 16)
        reader.gather(chosen, 64, ("image", "vector", "world_reward", "is_first"))
    gather_s = time.perf_counter() - began
    publish(
        "session-long",
        f"{hours:g} hours at {HZ:g} Hz, 64 x 64",
        [
            {"what": "steps", "value": count, "promised": ""},
            {
                "what": "lived and recorded in lockstep, steps/s",
                "value": count / lived_s,
                "promised": "",
            },
            {"what": "size, GB", "value": bytes_ / 1e9, "promised": ""},
            {"what": "sessions info, whole command, s", "value": command_s, "promised": "2"},
            {"what": "of it reading, s", "value": info_s, "promised": ""},
            {
                "what": "seek and read one step, ms p50",
                "value": float(np.median(seeks)),
                "promised": "",
            },
            {"what": "seek and read one step, ms max", "value": max(seeks), "promised": "300"},
            {
                "what": "import into a journal, once, steps/s",
                "value": count / import_s,
                "promised": "",
            },
            {
                "what": "memory while importing, MB more (mapped files too)",
                "value": (max(most) - before) / 1e6,
                "promised": "",
            },
            {
                "what": "batches from it, steps/s",
                "value": batches * 16 * 64 / gather_s,
                "promised": "20000",
            },
        ],
    )


def kill(kills: int) -> None:
    """One life after another, killed at a random moment between two and eight seconds."""
    chance, rows = random.Random(0), []
    for number in range(kills):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            words = [f"beat.hz={HZ:g}", "trainer.prefill=100000", "session.minutes=0.05"]
            life = subprocess.Popen(
                [sys.executable, "main.py", "run", "tiny", *words, "--out", str(run), "--quiet"],
                cwd=ROOT,
            )
            while not list((run / "journal").glob("*.seg")):
                time.sleep(0.05)
            time.sleep(chance.uniform(2.0, 8.0))
            table = json.loads((run / "processes.json").read_text(encoding="utf-8"))
            reader = JournalReader(run / "journal")
            reader.refresh()
            committed = reader.end  # what was committed before the blow must be there after it
            for pid in table.values():
                _kill(pid)
            life.wait()
            writer = JournalWriter(
                run / "journal",
                _spaces(run),
                segment_steps=1024,
                max_steps=100_000,
                background=False,
            )
            writer.close()
            reader = JournalReader(run / "journal")
            kept = reader.read(0, reader.end, verify=True)
            found, filled = recover_run(RunFolder(run))
            saved = sum(each.steps for each in found)
            whole = _same(run, kept)
            wrong = sum(bool(each.trouble) for each in verify(run))
            rows.append(
                {
                    "committed": committed,
                    "journal": len(kept),
                    "recovered": saved,
                    "filled up": filled,
                    "complete": whole,
                    "wrong files": wrong,
                }
            )
            print(number, rows[-1], flush=True)
    lost = [row for row in rows if row["journal"] < row["committed"]]
    publish(
        "session-kill",
        f"kill -9 of everything, {kills} times at a random moment of a life at {HZ:g} Hz",
        [
            {"what": "journals that lack a committed step", "of": len(rows), "count": len(lost)},
            {
                "what": "sessions not complete after recover",
                "of": len(rows),
                "count": sum(not row["complete"] for row in rows),
            },
            {
                "what": "files with a wrong byte",
                "of": len(rows),
                "count": sum(row["wrong files"] for row in rows),
            },
            {
                "what": "steps that only the journal had (median)",
                "of": len(rows),
                "count": float(np.median([row["filled up"] for row in rows])),
            },
        ],
        kills=rows,
    )


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _spaces(run: Path) -> Any:
    from interfaces.journal import read_layout

    return read_layout(run / "journal")


def _same(run: Path, kept: np.ndarray) -> bool:
    """Whether the session has every Step of the journal, bit for bit."""
    session = Session(run / "session")
    found = np.array([step for _, step in session.steps()], kept.dtype)
    return found.tobytes() == kept.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=["cost", "size", "long", "kill"], default="")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--kills", type=int, default=50)
    asked = parser.parse_args()
    if asked.only in ("", "size"):
        size()
    if asked.only in ("", "kill"):
        kill(asked.kills)
    if asked.only in ("", "long"):
        long(asked.hours)
    if asked.only in ("", "cost"):
        cost(asked.runs, asked.seconds)


if __name__ == "__main__":
    main()
