"""Random kills of a live run: what each costs in Steps, and whether the recording is whole.

python -m benchmarks.reliability.random_kills [--kills 300] [--seed 0] [--minutes 60] [--out DIR]
    [KEY=VALUE]...

A `run` of the stand-in records a session. At seeded times one of its processes, the supervisor
included, gets SIGKILL. After each tenth kill the run ends as by Ctrl-C, `sessions recover` and
`sessions verify` read the recording, and `run --resume` continues it. Lost is the time between the
last recorded Step before the kill and the kill, less one tick. A kill may cost 2 s of Steps. A run
that does not act again within 90 s is an error, and is then ended and resumed.

Each kill is written to OUT.jsonl at once, and the same command continues. Lines of another commit
are refused.
"""

import argparse
import contextlib
import json
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, SYSTEM, publish
from benchmarks.processes import INTERRUPTIBLE, interrupt, is_started_by
from benchmarks.reliability.resuming import append_line, current_commit, read_lines
from interfaces.journal.reader import JournalReader
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import leftover_processes

HZ = 10.0
PROCESSES = ("body", "guard", "trainer", "recorder", "standin", "supervisor")
MAX_LOST_S = 2.0
_KILLS_PER_PART = 10  # then the recording is verified
_MAX_OF_ONE = 5  # the run ends by itself after more within a minute
_PATIENCE_S = 90.0
_SEARCHED = 1000  # Steps, from the newest back: more than a restart takes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after this time")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/random_kills", help="of the run")
    parser.add_argument("words", nargs="*", help="settings of the run")
    options = parser.parse_args()
    out, commit = options.out, current_commit()
    log = out.with_name(f"{out.name}.jsonl")
    lines = read_lines(log, commit)
    trials = [line for line in lines if "process" in line]
    parts = [line for line in lines if "verify" in line]
    began, earlier = time.perf_counter(), len(trials)
    is_over = False
    while len(trials) < options.kills and not is_over:
        run = KilledRun(out, options.words)
        try:
            while len(trials) < options.kills and not is_over:
                rng = np.random.default_rng([options.seed, len(trials)])
                trials.append(run.kill(str(rng.choice(PROCESSES)), float(rng.uniform(1, 4))))
                append_line(log, trials[-1], commit)
                minutes = (time.perf_counter() - began) / 60.0
                left = options.kills - len(trials)
                left_minutes = minutes / (len(trials) - earlier) * left
                line = f"{len(trials)} of {options.kills}  {trials[-1]}"
                print(f"{line}  ({left_minutes:.0f} minutes left)", flush=True)
                is_over = minutes > options.minutes
                if len(trials) % _KILLS_PER_PART == 0 or "error" in trials[-1]:
                    break
        finally:
            run.end()
        parts.append(_verify(out))
        append_line(log, parts[-1], commit)
        print(parts[-1], flush=True)
    if is_over and len(trials) < options.kills:
        left = options.kills - len(trials)
        print(f"stopped after {options.minutes:g} minutes; {left} kills are left: repeat this")
    title = f"{len(trials)} random kills of a run at {HZ:g} Hz, seed {options.seed}"
    results: dict[str, Any] = {"commit": commit, "trials": trials, "parts": parts}
    publish(f"reliability/random_kills{SYSTEM}", title, _table(trials), **results)


class RunEnded(Exception):
    """The run ended by itself."""


class KilledRun:
    """A live run, new or resumed, and resumed again when its supervisor is killed."""

    def __init__(self, out: Path, words: Sequence[str]) -> None:
        self._run, self._words = RunFolder(out), words
        self._kills = Counter[str]()
        self._start()

    def kill(self, name: str, after_s: float) -> dict[str, Any]:
        """Kill one process after `after_s` of ticks; returns what it cost."""
        time.sleep(after_s)
        pids = self._pids()
        if name not in pids:
            name = "body"
        if self._kills[name] == _MAX_OF_ONE:
            name = "supervisor"
        self._kills[name] += 1
        ticks = int(open_board(self._run)["ticks"])
        psutil.Process(pids[name]).kill()
        killed_ns, began = time.time_ns(), time.perf_counter()
        error: dict[str, str] = {}
        try:
            if name == "supervisor":
                self._process.wait(_PATIENCE_S)
                self._wait(lambda: not leftover_processes(self._run), "the processes end")
                self._start()
            else:
                self._wait(lambda: self._replaced(name, pids[name]), f"a new {name}")
                self._wait(lambda: int(open_board(self._run)["ticks"]) > ticks + HZ, "ticks")
        except (RunEnded, OSError, ValueError, subprocess.TimeoutExpired) as caught:
            error["error"] = str(caught)
        back_s = time.perf_counter() - began
        lost_s = max(0.0, 1e-9 * (killed_ns - self._last_step_ns(killed_ns)) - 1.0 / HZ)
        return {
            "process": name,
            "lost s": round(lost_s, 2),
            "lost steps": round(lost_s * HZ),
            "back after s": round(back_s, 2),
            **error,
        }

    def end(self) -> None:
        """End as Ctrl-C does; kill it after a minute and a half."""
        with contextlib.suppress(OSError):  # it has ended
            interrupt(self._process)
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(TimeoutError):
            self._wait(lambda: not leftover_processes(self._run), "the processes end")

    def _start(self) -> None:
        settings = ["tiny", f"tick.hz={HZ:g}", "session.record=true", "session.minutes=0.25"]
        new = [*settings, *self._words, "--out", str(self._run.path)]
        resumed = self._run.config_file.exists()
        words = ["--resume", str(self._run.path)] if resumed else new
        self._process = subprocess.Popen(
            [sys.executable, "main.py", "run", "--quiet", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **INTERRUPTIBLE,
        )
        self._wait(self._ticks, "the first tick")

    def _ticks(self) -> bool:
        if self._process.poll() is not None:
            raise RunEnded(f"the run ended: code {self._process.returncode}")
        is_new = is_started_by(self._pids().get("supervisor", 0), self._process)
        return is_new and int(open_board(self._run)["ticks"]) > 2

    def _replaced(self, name: str, pid: int) -> bool:
        if self._process.poll() is not None:
            raise RunEnded(f"the run ended: code {self._process.returncode}")
        return self._pids().get(name, pid) != pid

    def _last_step_ns(self, before_ns: int) -> int:
        """Wall time of the last Step in the journal up to `before_ns`."""
        reader = JournalReader(self._run.journal)
        first = max(reader.first, reader.end - _SEARCHED)
        times = reader.read(first, reader.end - first)["wall_ns"]
        return int(times[times <= before_ns].max(initial=0))

    def _pids(self) -> dict[str, int]:
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self._run.processes.read_text(encoding="utf-8"))
        return {}

    def _wait(self, condition: Any, what: str) -> None:
        deadline = time.perf_counter() + _PATIENCE_S
        while not condition():
            time.sleep(0.05)
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{what}: not within {_PATIENCE_S:.0f} s")


def _verify(out: Path) -> dict[str, Any]:
    """What `recover` and `verify` say of the recording."""
    lines: dict[str, Any] = {}
    for command in ("recover", "verify"):
        done = subprocess.run(
            [sys.executable, "main.py", "sessions", command, str(out)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        text = (done.stdout + done.stderr).replace(str(out), "RUN").strip().splitlines()
        lines |= {command: text[-1:], f"{command} code": done.returncode}
    return lines


def _table(trials: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in (*PROCESSES, "all"):
        own = [each for each in trials if name in (each["process"], "all")]
        if own:
            lost = [each["lost s"] for each in own]
            rows.append(
                {
                    "process": name,
                    "kills": len(own),
                    "lost s, mean": round(sum(lost) / len(lost), 3),
                    "lost s, max": max(lost),
                    "limit s": MAX_LOST_S,
                    "back after s, max": max(each["back after s"] for each in own),
                    "not back": sum("error" in each for each in own),
                }
            )
    return rows


if __name__ == "__main__":
    main()
