"""A mapped file of a live run is cut, overwritten or deleted: what dies, and do inputs rest?

python -m benchmarks.reliability.cut_files [--trials 3] [--only NAME] [--minutes 60] [--restart]

The processes are real: a `run` of kind vrchat. Its client is this program, and its camera is the
stream of a stand-in. The table shows the time from the end of the body until every input is
released: the body meets the damage at its next access to the file. It also shows the processes that
died, the time until the avatar moves again, and whether journal and session verify afterwards.
The memory of the Board cannot be cut: there the system refuses, and nothing happens.

The last rows delete the run's folder, or kill every process, and use the emergency stop. Each
trial is written at once. Trials that already are in the JSON are not repeated; those of another
commit are deleted, with a line that says so.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.common import RESULTS, ROOT, publish
from benchmarks.realtime.fault_injection import Camera, LiveRun
from benchmarks.realtime.input_release import StandinCamera
from benchmarks.reliability.resuming import TrialFile, current_commit, measure
from interfaces.runtime.child_process import ProcessWatch
from interfaces.runtime.live_control.live_runs import record_of

_STABLE_S = 0.3
_TRIALS = RESULTS / "reliability" / "cut_files_trials.json"
_SETTINGS = ("trainer.prefill=40", "trainer.checkpoint_s=5", "journal.segment_steps=64")


def _board(run: LiveRun) -> list[Path]:
    record = record_of(run.folder)
    path = record.board_path() if record is not None else None
    return [path] if path is not None else []


def _segments(run: LiveRun) -> list[Path]:
    return sorted(run.folder.glob("journal/*.seg"))[-2:]


FILES: dict[str, Callable[[LiveRun], list[Path]]] = {
    "Board": _board,
    "journal segments": _segments,
    "journal hold": lambda run: [run.folder / "journal" / "hold-session.pos"],
    "weights": lambda run: list(run.folder.glob("weights/live-*.mmap")),
    "latent snapshots": lambda run: [run.folder / "keyframes.bin"],
}


def _overwrite(path: Path) -> None:
    """As `cp` does: cut, then other bytes."""
    with path.open("r+b") as file:
        file.truncate(0)
        file.write((ROOT / "README.md").read_bytes())


FAULTS: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, 0),
    "overwritten": _overwrite,
    "deleted": lambda path: path.unlink(),
}


def file_trial(run: LiveRun, files: Callable[[LiveRun], list[Path]], fault: str) -> dict[str, Any]:
    """Damage the files of a moving run, then let it recover and end it."""
    before, refused = _processes(run), 0

    def inject(_: LiveRun) -> None:
        nonlocal refused
        for path in files(run):
            try:
                FAULTS[fault](path)
            except PermissionError:
                refused += 1

    deaths: list[float] = []  # of the body: it meets the damage at its next access
    watch = threading.Thread(target=_note_end, args=(before["body"], deaths), daemon=True)
    watch.start()
    until_released_ms = run.release_ms(inject, _STABLE_S)
    released_at, damaged_at = run.client.released_at, time.perf_counter()
    released_ms = None
    if deaths and released_at is not None and until_released_ms < float("inf"):
        released_ms = round(1e3 * (released_at - deaths[0]), 1)
    died = [name for name, pid in before.items() if not _lives(pid)]
    run.wait_for_motion()
    moving_s = time.perf_counter() - damaged_at
    time.sleep(12.0 if files in (FILES["weights"], FILES["latent snapshots"]) else 3.0)
    died += [n for n, pid in before.items() if not _lives(pid) and n not in died]
    run.client.values.clear()
    run.wait_for_motion()
    code = _end(run)
    return {
        "refused": bool(refused),
        "released_ms": released_ms,
        "died": sorted(died),
        "moves_again_s": round(moving_s, 1) if died else 0.0,
        "exit": code,
        "restarts": _restarts(run),
        "verified": _command("sessions", "verify", run.folder)[0] == 0,
    }


def folder_trial(run: LiveRun) -> dict[str, Any]:
    """Delete the folder of a moving run; each way to stop it must still work."""
    shutil.rmtree(run.folder, ignore_errors=True)
    time.sleep(2.0)
    signal_ms = run.release_ms(lambda _: run.process.send_signal(signal.SIGUSR1), 1.0)
    _command("stop", "--release", run.folder)
    run.client.values.clear()
    run.wait_for_motion()
    command_ms = _stop_ms(run)
    _command("stop", "--release", run.folder)
    run.client.values.clear()
    run.wait_for_motion()
    return {
        "signal_ms": round(signal_ms, 1),
        "command_ms": round(command_ms, 1),
        "exit": _end(run),
        "folder_made_again": run.folder.exists(),
    }


def dead_trial(run: LiveRun, *, with_folder: bool) -> dict[str, Any]:
    """Kill every process of a moving run at once; then the command `stop` releases its inputs."""
    if not with_folder:
        shutil.rmtree(run.folder, ignore_errors=True)
    record = record_of(run.folder)
    assert record is not None
    for process in record.processes.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    run.process.wait()
    time.sleep(0.5)
    stuck = any(run.client.values.values())
    return {"stuck_before": stuck, "command_ms": round(_stop_ms(run), 1)}


def _stop_ms(run: LiveRun) -> float:
    """Time from the start of the command `stop` until every input is released."""
    began = time.perf_counter()
    command = subprocess.Popen(
        [sys.executable, "main.py", "stop", str(run.folder)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    command.wait(30)
    time.sleep(1.0)
    released = run.client.released_at
    return float("inf") if released is None else 1e3 * (released - began)


def _processes(run: LiveRun) -> dict[str, int]:
    record = record_of(run.folder)
    assert record is not None
    return {name: process.pid for name, process in record.processes.items()}


def _note_end(pid: int, ends: list[float]) -> None:
    """Append the time at which a process ends."""
    watch = ProcessWatch(pid)
    while not watch.wait(1.0):
        pass
    ends.append(time.perf_counter())
    watch.close()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end(run: LiveRun) -> int:
    run.process.send_signal(signal.SIGINT)
    return run.process.wait(40)


def _restarts(run: LiveRun) -> dict[str, int]:
    with contextlib.suppress(OSError, ValueError):
        summary = json.loads((run.folder / "summary.json").read_text(encoding="utf-8"))
        return {name: count for name, count in summary["restarts"].items() if count}
    return {}


def _command(*words: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "main.py", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


CASES: dict[str, Callable[[LiveRun], dict[str, Any]]] = {
    **{
        f"{name} {fault}": lambda run, files=files, fault=fault: file_trial(run, files, fault)
        for name, files in FILES.items()
        for fault in FAULTS
        if (name, fault) != ("Board", "deleted")  # it has no name that could be deleted
    },
    "folder deleted": folder_trial,
    "all killed": lambda run: dead_trial(run, with_folder=True),
    "folder deleted, all killed": lambda run: dead_trial(run, with_folder=False),
}


def one_trial(case: str, camera: Camera) -> dict[str, Any]:
    """One trial of a case, in a run of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = LiveRun(Path(folder), camera, _SETTINGS)
        try:
            time.sleep(5.0)  # some updates, so that weights and a checkpoint exist
            return CASES[case](run)
        except Exception as error:  # the other cases go on
            return {"error": repr(error)}
        finally:
            run.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--restart", action="store_true", help="delete the trials of earlier runs")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after this time")
    options = parser.parse_args()
    trials = TrialFile(_TRIALS, current_commit(), restart=options.restart)
    camera = StandinCamera()

    def trial(case: str) -> str:
        result = one_trial(case, camera)
        trials.append(case, result)
        return str(result)

    try:
        cases = [each for each in CASES if options.only in each]
        measure(trials.left(cases, options.trials), options.minutes, trial)
    finally:
        camera.stop()
    results = trials.cases
    rows = [_row(case, results[case]) for case in CASES if case in results]
    if rows:
        publish("reliability/cut_files", "A file of a live run is damaged", rows)


def _row(case: str, entry: dict[str, Any]) -> dict[str, Any]:
    trials: list[dict[str, Any]] = entry["trials"]
    times = {
        key: [trial[key] for trial in trials if trial.get(key) is not None]
        for key in ("released_ms", "signal_ms", "command_ms", "moves_again_s")
    }
    died = sorted({name for trial in trials for name in trial.get("died", [])})
    return {
        "case": case,
        "trials": len(trials),
        "failed": sum("error" in trial for trial in trials),
        **{
            f"{key} median, max": f"{median(values):g}, {max(values):g}" if values else "-"
            for key, values in times.items()
        },
        "died": ", ".join(died) or "-",
        "exit": ", ".join(sorted({str(trial["exit"]) for trial in trials if "exit" in trial})),
        "verified": f"{sum(trial.get('verified', False) for trial in trials)} of {len(trials)}"
        if any("verified" in trial for trial in trials)
        else "-",
        "commit": entry["commit"],
    }


if __name__ == "__main__":
    main()
