"""One life at a time: a run's folder belongs to the process that lives in it."""

import contextlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from interfaces.runtime.run_folder import RunError, RunFolder

_PATIENCE_S = 15.0
_LOOKERS = 8  # at once


@contextmanager
def claim(run: RunFolder) -> Generator[None]:
    """Hold the folder's lock; the end of this process, however it comes, releases it too.

    Waits for the processes of an earlier life that still end themselves after their supervisor was
    killed. Raises RunError when another life goes on there.
    """
    with _held(run.lock, f"{run.path} is alive in another process; end that first"):
        _wait_for_the_left_over(run)
        yield


@contextmanager
def look_at(run: RunFolder | None) -> Generator[None]:
    """While a life is looked at nobody forgets or mends it; so may several look, and one that is
    being lived may be looked at. Raises RunError."""
    if run is None:  # a file of its own: nobody else knows of it
        yield
        return
    run.looks.mkdir(exist_ok=True)
    for number in range(_LOOKERS):
        lock = FileLock(run.looks / f"{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield
        finally:
            lock.release()
        return
    raise RunError(f"{run.path} is being looked at by {_LOOKERS} others; end one of them first")


@contextmanager
def unseen(run: RunFolder) -> Generator[None]:
    """While nobody looks at it. Raises RunError."""
    run.looks.mkdir(exist_ok=True)
    taken = f"{run.path} is being looked at by a replay or an export; end that first"
    with contextlib.ExitStack() as held:
        for number in range(_LOOKERS):
            held.enter_context(_held(run.looks / f"{number}.lock", taken))
        yield


@contextmanager
def _held(file: Path, taken: str) -> Generator[None]:
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(taken) from None
    try:
        yield
    finally:
        lock.release()


def _wait_for_the_left_over(run: RunFolder) -> None:
    deadline = time.perf_counter() + _PATIENCE_S
    while left := left_over(run):
        if time.perf_counter() > deadline:
            named = ", ".join(f"{name} (pid {pid})" for name, pid in left.items())
            raise RunError(f"{run.path}: processes of an earlier life are still there: {named}")
        time.sleep(0.1)


def left_over(run: RunFolder) -> dict[str, int]:
    """Processes named in processes.json that still live in this folder."""
    try:
        known: dict[str, int] = json.loads(run.processes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    left: dict[str, int] = {}
    for name, pid in known.items():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            ended = process.status() == psutil.STATUS_ZOMBIE
            if name != "supervisor" and not ended and _is_ours(process, name, run):
                left[name] = pid
    return left


def _is_ours(process: psutil.Process, name: str, run: RunFolder) -> bool:
    """A pid may have been given to somebody else since; ours bear a title, or name the folder."""
    words = process.cmdline()
    return words[:1] == [f"yume-{name}"] or str(run.path) in words
