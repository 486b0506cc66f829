"""Live runs on this system: a run, a resume, killed processes, and a check of the recording.

python -m scripts.windows.live_trial [--seconds 20]

The folder has Japanese letters and a space. Prints one line for each step, and what was measured.
Exit code 1 if a step failed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import INTERRUPTIBLE, interrupt, is_started_by, kill
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import leftover_processes

ROOT = Path(__file__).resolve().parents[2]
_START_S, _END_S, _RESTART_S = 120.0, 30.0, 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Live runs, killed and resumed.")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the first run")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        trial = Trial(Path(folder) / "夢 の 家")
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("run", lambda: trial.run(seconds, "default")),
            ("resume", lambda: trial.run(5.0, "--resume")),
            ("body killed", lambda: trial.kill_one("body")),
            ("supervisor killed", trial.kill_supervisor),
            ("recover and verify", trial.verify),
        )
        for name, step in steps:
            try:
                print(f"{name}: {step()}", flush=True)
            except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
                print(f"{name}: FAILED: {error}", flush=True)
                trial.print_logs()
                trial.close()
                return 1
    return 0


class Trial:
    """One run folder, and the process that uses it."""

    def __init__(self, path: Path) -> None:
        self._run = RunFolder(path)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, seconds: float, first: str) -> str:
        """Run for some seconds, new or with --resume. Returns its timing."""
        folder = str(self._run.path)
        words = [first, folder] if first == "--resume" else [first, "--out", folder]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "main.py", "run", *words, "--seconds", str(seconds), "--quiet"],
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, f"code {done.returncode}"
        summary = json.loads(self._run.summary.read_text(encoding="utf-8"))
        assert summary["exit"] == "clean", summary["exit"]
        late = summary["lateness_ms"]
        return (
            f"{summary['ticks']} ticks, {summary['missed_beats']} missed, lateness p99 "
            f"{late['p99']:.2f} max {late['max']:.2f} ms, first tick after "
            f"{summary['first_tick_s']} s, {summary['updates']} updates, "
            f"{time.perf_counter() - began:.0f} s in all"
        )

    def kill_one(self, name: str) -> str:
        """Kill a process of a resumed run. Returns how long its successor took to act."""
        self._start()
        old, ticks = self._pid(name), self._ticks()
        kill(old)
        began = time.perf_counter()
        wait(lambda: self._pid(name) != old, f"another {name}", _RESTART_S)
        wait(lambda: self._ticks() > ticks + 10, "ticks", _RESTART_S)
        return f"acts again after {time.perf_counter() - began:.1f} s"

    def kill_supervisor(self) -> str:
        """Kill the supervisor. Returns how long the other processes took to end."""
        pids = self._pids()
        kill(pids["supervisor"])
        began = time.perf_counter()
        wait(lambda: not leftover_processes(self._run), "all processes end", _END_S)
        return f"the other processes ended after {time.perf_counter() - began:.1f} s"

    def verify(self) -> str:
        """Recover and verify the recording. Returns the last line."""
        line = ""
        for command in ("recover", "verify"):
            done = subprocess.run(
                [sys.executable, "main.py", "sessions", command, str(self._run.path)],
                cwd=ROOT,
                capture_output=True,
                check=False,
            )
            text = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
            assert done.returncode == 0, text
            line = text.splitlines()[-1] if text else ""
        return line

    def print_logs(self) -> None:
        """Print the end of each log."""
        for path in sorted(self._run.logs.glob("*.log")):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-6:]
            print(f"--- {path.name}", *lines, sep="\n", flush=True)

    def close(self) -> None:
        """End the run and every process of it."""
        if self._process is not None and self._process.poll() is None:
            interrupt(self._process)
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        for pid in leftover_processes(self._run).values():
            psutil.Process(pid).kill()

    def _start(self) -> None:
        words = ["run", "--resume", str(self._run.path), "--quiet"]
        self._process = process = subprocess.Popen[bytes](
            [sys.executable, "main.py", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            **INTERRUPTIBLE,
        )

        def acts() -> bool:
            assert process.poll() is None, f"the run ended with code {process.returncode}"
            return is_started_by(self._pid("supervisor"), process) and self._ticks() > 5

        wait(acts, "the first ticks", _START_S)

    def _ticks(self) -> int:
        return int(open_board(self._run)["ticks"])

    def _pid(self, name: str) -> int:
        return self._pids()[name]

    def _pids(self) -> dict[str, int]:
        pids: dict[str, Any] = json.loads(self._run.processes.read_text(encoding="utf-8"))
        return {name: int(pid) for name, pid in pids.items()}


def wait(condition: Callable[[], bool], what: str, limit_s: float) -> None:
    """Poll until the condition holds. Raises AssertionError that names `what`."""
    deadline = time.perf_counter() + limit_s
    while not condition():
        assert time.perf_counter() < deadline, f"{what}: not within {limit_s:.0f} s"
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
