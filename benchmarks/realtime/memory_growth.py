"""Memory against recording length: `replay`, and offline training on a session.

python -m benchmarks.realtime.memory_growth [--hours 0.1 6] [--updates 200] [--keep DIR]

A lockstep run of the given hours at 20 Hz, 64 x 64, learns a little, and its journal is recorded as
a session. Then `replay` and `train --sessions` run on it, each as its own process. Its memory is
read five times per second: resident memory, and the private part that no file backs. The system can
drop mapped pages of a journal when other programs need memory. Compare a long run with a short one
to see what grows.
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


def record_run(run: Path, steps: int) -> None:
    """Trains for `steps` in lockstep and records the steps as a session."""
    words = [f"tick.hz={HZ:g}", "trainer.train_ratio=0.05", f"journal.max_steps={steps}"]
    subprocess.run(
        yume("train", "default", *words, "--steps", str(steps), "--out", str(run), "--quiet"),
        cwd=ROOT,
        check=True,
    )
    folder = open_run(run)
    recorder = Recorder(folder.journal, folder.session, folder.config, {})
    recorder.record_new_steps()
    recorder.close()


def peak_memory(words: list[str]) -> dict[str, Any]:
    """Peak memory in MB and seconds of a command. Exits if it fails."""
    began, process = time.perf_counter(), subprocess.Popen(words, cwd=ROOT)
    watched, resident, private = psutil.Process(process.pid), 0, 0
    while process.poll() is None:
        time.sleep(0.2)
        try:
            memory = watched.memory_info()
        except psutil.Error:
            break
        resident = max(resident, memory.rss)
        private = max(private, memory.rss - getattr(memory, "shared", 0))
    if process.wait():
        raise SystemExit(f"{' '.join(words)}: exit code {process.returncode}")
    return {
        "private MB": round(private / 1e6),
        "resident MB": round(resident / 1e6),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=float, nargs="+", default=[0.1, 6.0])
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="folder for the runs; existing runs are reused")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as spare:
        for hours in options.hours:
            steps = round(3600 * hours * HZ)
            run = (options.keep or Path(spare)) / f"run-{steps}"
            if not run.exists():
                record_run(run, steps)
            learned = Path(spare) / f"learned-{steps}"
            learn = ("train", "default", f"tick.hz={HZ:g}", "--sessions", str(run / "session"))
            learn = (*learn, "--updates", str(options.updates), "--out", str(learned), "--quiet")
            for name, words in (
                ("replay", yume("replay", str(run), "--quiet")),
                ("train --sessions", yume(*learn)),
            ):
                rows.append({"command": name, "hours": hours, "steps": steps, **peak_memory(words)})
                print(rows[-1], flush=True)
    title = f"Memory against recording length, {HZ:g} Hz, 64 x 64"
    publish("realtime/memory_growth", title, rows)


if __name__ == "__main__":
    main()
