"""Recovery after `kill -9` of every process of a run at a random moment: what is lost.

python -m benchmarks.sessions.kill_recovery [--kills 50]

Each run at 20 Hz is killed after two to eight seconds. Then its journal is opened, its session is
recovered, and both are compared.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, publish
from interfaces.journal import JournalReader, JournalWriter
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.session import Session
from interfaces.session.maintain.recover import recover_run
from interfaces.session.maintain.verify import verify

HZ = 20.0


def kill_and_recover(run: Path, rng: random.Random) -> dict[str, Any]:
    """Starts a run, kills it, recovers it, and counts its steps."""
    words = [f"tick.hz={HZ:g}", "trainer.prefill=100000", "session.minutes=0.05"]
    process = subprocess.Popen(
        [sys.executable, "main.py", "run", "tiny", *words, "--out", str(run), "--quiet"],
        cwd=ROOT,
    )
    while not list((run / "journal").glob("*.seg")):
        time.sleep(0.05)
    time.sleep(rng.uniform(2.0, 8.0))
    table = json.loads((run / "processes.json").read_text(encoding="utf-8"))
    reader = JournalReader(run / "journal")
    reader.refresh()
    committed = reader.end  # these steps must exist after the kill
    for pid in table.values():
        _kill(pid)
    process.wait()
    layout = JournalReader(run / "journal").layout
    assert layout is not None
    writer = JournalWriter(
        run / "journal",
        layout,
        segment_steps=1024,
        max_steps=100_000,
        background=False,
    )
    writer.close()
    reader = JournalReader(run / "journal")
    steps = reader.read(0, reader.end, verify=True)
    recovered, filled = recover_run(RunFolder(run))
    return {
        "committed": committed,
        "journal": len(steps),
        "recovered": sum(segment.steps for segment in recovered),
        "filled from journal": filled,
        "complete": _same(run, steps),
        "damaged files": sum(bool(each.trouble) for each in verify(run)),
    }


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _same(run: Path, steps: np.ndarray) -> bool:
    """True if the session has every Step of the journal, bit for bit."""
    session = Session(run / "session")
    recorded = np.array([step for _, step in session.steps()], steps.dtype)
    return recorded.tobytes() == steps.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    rng, kills = random.Random(0), list[dict[str, Any]]()
    for number in range(options.kills):
        with tempfile.TemporaryDirectory() as folder:
            kills.append(kill_and_recover(Path(folder) / "run", rng))
        print(number, kills[-1], flush=True)
    filled = float(np.median([kill["filled from journal"] for kill in kills]))
    counts: list[tuple[str, float]] = [
        (
            "journals that miss a committed step",
            sum(kill["journal"] < kill["committed"] for kill in kills),
        ),
        ("sessions incomplete after recovery", sum(not kill["complete"] for kill in kills)),
        ("damaged files", sum(kill["damaged files"] for kill in kills)),
        ("steps found only in the journal (median)", filled),
    ]
    rows = [{"measurement": name, "trials": len(kills), "count": count} for name, count in counts]
    title = f"kill -9 of every process, {options.kills} times at a random moment, {HZ:g} Hz"
    publish("sessions/kill_recovery", title, rows, kills=kills)


if __name__ == "__main__":
    main()
