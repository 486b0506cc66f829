"""Memory against the length of a life: replaying it, and learning from its record alone.

python -m benchmarks.memory [--hours 0.1 6] [--updates 200] [--keep DIR]

A life of so many hours at 20 Hz, 64 x 64, in lockstep, that learns a little all along; its journal
is recorded as a session. Then `replay` of it and `train --sessions` on it, each as a user starts
it, watched five times a second: all that is resident, and of it what no file stands behind (the
system drops mapped pages of a journal when others want the memory). What the long life needs more
than the short one is what grows.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import ROOT, publish
from interfaces.runtime.run_folder import open_run
from interfaces.session.recorder import Recorder

HZ = 20.0


def yume(*words: str) -> list[str]:
    return [sys.executable, "main.py", *words]


def live(run: Path, steps: int) -> None:
    """And record what was lived."""
    words = [f"beat.hz={HZ:g}", "trainer.train_ratio=0.05", f"journal.max_steps={steps}"]
    subprocess.run(
        yume("train", "default", *words, "--steps", str(steps), "--out", str(run), "--quiet"),
        cwd=ROOT,
        check=True,
    )
    folder = open_run(run)
    recorder = Recorder(folder.journal, folder.session, folder.config, {})
    recorder.carry()
    recorder.close()


def watched(words: list[str]) -> dict[str, Any]:
    """Peaks in MB and seconds of a command, which must succeed."""
    began, process = time.perf_counter(), subprocess.Popen(words, cwd=ROOT)
    watch, resident, own = psutil.Process(process.pid), 0, 0
    while process.poll() is None:
        time.sleep(0.2)
        try:
            memory = watch.memory_info()
        except psutil.Error:
            break
        resident = max(resident, memory.rss)
        own = max(own, memory.rss - getattr(memory, "shared", 0))
    if process.wait():
        raise SystemExit(f"{' '.join(words)}: exit code {process.returncode}")
    return {
        "MB without a file behind": round(own / 1e6),
        "MB resident": round(resident / 1e6),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=float, nargs="+", default=[0.1, 6.0])
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="where the lives are, or are put")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as spare:
        for hours in asked.hours:
            steps = round(3600 * hours * HZ)
            run = (asked.keep or Path(spare)) / f"life-{steps}"
            if not run.exists():
                live(run, steps)
            learned = Path(spare) / f"learned-{steps}"
            learn = ("train", "default", f"beat.hz={HZ:g}", "--sessions", str(run / "session"))
            learn = (*learn, "--updates", str(asked.updates), "--out", str(learned), "--quiet")
            for name, words in (
                ("replay", yume("replay", str(run), "--quiet")),
                ("train --sessions", yume(*learn)),
            ):
                rows.append({"what": name, "hours": hours, "steps": steps, **watched(words)})
                print(rows[-1], flush=True)
    publish("memory", f"memory against hours lived at {HZ:g} Hz, 64 x 64", rows)


if __name__ == "__main__":
    main()
