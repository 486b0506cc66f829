"""Locks of a run folder: one live run at a time, and many readers or one that changes it."""

import contextlib
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
from interfaces.runtime.process_table import process_title
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.runtime.system.folder_place import folder_problem
from interfaces.runtime.system.reader_lock import folder_lock

_PATIENCE_S = 15.0
PIDS = TypeAdapter(dict[str, Annotated[int, Field(gt=0, lt=2**31, strict=True)]])


@contextmanager
def claim(run: RunFolder) -> Generator[None]:
    """Lock the folder for one live run. The lock also ends with this process, however it ends.

    Waits for the processes of an earlier run: if its supervisor was killed, they end soon. Raises
    RunError if another run uses the folder, if these processes do not end, and for a place that
    can hold no run on Windows.
    """
    run.refuse_links()
    if problem := folder_problem(run.path):
        raise RunError(f"{run.path}: {problem}")
    with _locked(run.lock, f"{run.path} is in use by another process; end that process first"):
        _wait_for_leftovers(run)
        yield


@contextmanager
def shared_lock(run: RunFolder | None) -> Generator[None]:
    """Keep the recording unchanged while it is read. A live run may be read too.

    Writes nothing. Without a run, for a file outside a run folder, there is nothing to lock. Raises
    RunError while the recording is changed.
    """
    if run is None:
        yield
        return
    with contextlib.ExitStack() as locks:
        free = True
        with contextlib.suppress(OSError):  # not lockable: such a disk cannot be changed
            free = locks.enter_context(folder_lock(run.path, exclusive=False))
        if not free:
            raise RunError(f"{run.path} is being changed by another process; end that first")
        yield


@contextmanager
def exclusive_lock(run: RunFolder) -> Generator[None]:
    """Keep all readers away while the recording is changed.

    Raises RunError if there is one, and LinkRefused for a run with a link in its folder.
    """
    run.refuse_links()
    with contextlib.ExitStack() as locks:
        try:
            free = locks.enter_context(folder_lock(run.path, exclusive=True))
        except OSError as error:
            raise RunError(f"{run.path} cannot be locked: {error.strerror or error}") from error
        if not free:
            raise RunError(f"{run.path} is being read by a replay or an export; end that first")
        yield


@contextmanager
def _locked(file: Path, message: str) -> Generator[None]:
    """Hold a file lock. Raises RunError with `message` if it is taken, or if it cannot be made."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(message) from None
    except (OSError, NotImplementedError) as error:  # a read-only or full disk
        raise RunError(f"{file} cannot be written: {error}") from error
    try:
        yield
    finally:
        lock.release()


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
