"""Locks of a run folder: one live run at a time, and many readers or one that changes it."""

import contextlib
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psutil
from filelock import FileLock, Timeout
from loguru import logger
from pydantic import Field, TypeAdapter

from configs.reading.bounded_file import MissingFile, UnreadableFile
from configs.reading.json_document import read_json
from interfaces.ipc.no_links import refuse_links
from interfaces.runtime.known_runs import is_known
from interfaces.runtime.process_table import process_title
from interfaces.runtime.run_folder import RunError, RunFolder

_PATIENCE_S = 15.0
_MAX_READERS = 8
PIDS = TypeAdapter(dict[str, Annotated[int, Field(gt=0, lt=2**31, strict=True)]])


@contextmanager
def claim(run: RunFolder) -> Generator[None]:
    """Lock the folder for one live run. The lock also ends with this process, however it ends.

    Waits for the processes of an earlier run: if its supervisor was killed, they end soon. Raises
    RunError if another run uses the folder, or if these processes do not end.
    """
    run.refuse_links()
    with _locked(run.lock, f"{run.path} is in use by another process; end that process first"):
        _wait_for_leftovers(run)
        yield


@contextmanager
def shared_lock(run: RunFolder | None) -> Generator[None]:
    """Keep the recording unchanged while it is read. A live run may be read too.

    Up to eight readers have a lock at the same time. Without a run, for a file outside a run
    folder, there is nothing to lock. Nor is there for an unknown run and for a folder that cannot
    be written: no command changes these. Raises RunError if all eight locks are taken.
    """
    if run is None or not is_known(run.path) or not _can_lock(run):
        yield
        return
    refuse_links([run.reader_locks])
    for number in range(_MAX_READERS):
        lock = FileLock(run.reader_locks / f"{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield
        finally:
            lock.release()
        return
    raise RunError(
        f"{run.path} is being read by {_MAX_READERS} other processes; end one of them first"
    )


@contextmanager
def exclusive_lock(run: RunFolder) -> Generator[None]:
    """Keep all readers away while the recording is changed.

    Raises RunError if there is one, and LinkRefused for a run with a link in its folder.
    """
    run.refuse_links()
    run.reader_locks.mkdir(exist_ok=True)
    message = f"{run.path} is being read by a replay or an export; end that first"
    with contextlib.ExitStack() as locks:
        for number in range(_MAX_READERS):
            locks.enter_context(_locked(run.reader_locks / f"{number}.lock", message))
        yield


@contextmanager
def _locked(file: Path, message: str) -> Generator[None]:
    """Hold a file lock. Raises RunError with `message` if it is taken."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(message) from None
    try:
        yield
    finally:
        lock.release()


def _can_lock(run: RunFolder) -> bool:
    try:
        run.reader_locks.mkdir(exist_ok=True)
    except OSError:  # a read-only disk, or a folder of another user
        return False
    return os.access(run.reader_locks, os.W_OK)


def _wait_for_leftovers(run: RunFolder) -> None:
    deadline = time.perf_counter() + _PATIENCE_S
    while leftovers := leftover_processes(run):
        if time.perf_counter() > deadline:
            names = ", ".join(f"{name} (pid {pid})" for name, pid in leftovers.items())
            raise RunError(f"{run.path}: processes of an earlier run still run: {names}")
        time.sleep(0.1)


def leftover_processes(run: RunFolder) -> dict[str, int]:
    """Processes of processes.json that still run: pid by name, without the supervisor."""
    try:
        known = read_json(run.processes, PIDS)
    except MissingFile:
        return {}
    except UnreadableFile as error:  # not essential: the lock tells whether a run is live
        logger.warning("{}; it is ignored", error)
        return {}
    leftovers: dict[str, int] = {}
    for name, pid in known.items():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            ended = process.status() == psutil.STATUS_ZOMBIE
            if name != "supervisor" and not ended and _is_of_run(process, name, run):
                leftovers[name] = pid
    return leftovers


def _is_of_run(process: psutil.Process, name: str, run: RunFolder) -> bool:
    """Whether the pid is a process of this run, by its title or the folder in its command line.

    The system may have given the pid to another program since.
    """
    words = process.cmdline()
    return words[:1] == [process_title(name)] or str(run.path) in words
