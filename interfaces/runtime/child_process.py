"""What all processes of a run need: a title, a log, a stop event, and a watch on a process."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import setproctitle
from loguru import logger

from interfaces.console.standard_streams import OutputStream
from interfaces.ipc.no_links import open_descriptor
from interfaces.runtime.process_table import process_title
from interfaces.safety.process_watch import ProcessWatch

SUPERVISOR_PID = "YUME_SUPERVISOR_PID"
OUT_OF_MEMORY = 12  # exit code of a process that had too little memory on its device
OUT_OF_MEMORY_COUNT = "YUME_OUT_OF_MEMORY_COUNT"  # how often that happened to it in this run
_LOG_FORMAT = "{time:HH:mm:ss.SSS} {level: <7} {message}"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def set_up_process(name: str) -> threading.Event:
    """Set the process title yume-NAME, log to stderr, and handle stop signals.

    Returns an event that SIGTERM, SIGINT and SIGBREAK set.
    """
    setproctitle.setproctitle(process_title(name))
    logger.remove()
    logger.add(sys.stderr, format=_LOG_FORMAT, level="INFO")
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):  # SIGBREAK: Windows only
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    return stopped


@contextmanager
def log_supervisor(folder: Path) -> Generator[None]:
    """Log to supervisor.log too: the terminal may be hidden. Without room there is no log."""
    descriptor = append_log(folder, "supervisor")
    file = os.fdopen(descriptor, "a", encoding="utf-8", errors="replace", buffering=1)
    log = OutputStream(file)

    def write(message: str) -> None:
        log.write(message)

    handler = logger.add(write, format=_LOG_FORMAT, level="INFO")
    try:
        yield
    finally:
        with suppress(ValueError):  # another part of this process has set up its own log
            logger.remove(handler)
        with suppress(OSError):  # the disk is full
            file.close()


def watch_supervisor() -> threading.Event:
    """An event that is set within half a second after the supervisor ends.

    The environment holds the supervisor's pid. In a virtual environment on Windows the parent is a
    launcher, which runs as long as its child.
    """
    supervisor = int(os.environ.get(SUPERVISOR_PID) or os.getppid())
    orphaned, watch = threading.Event(), ProcessWatch(supervisor)

    def wait_for_end() -> None:
        while not watch.wait(0.5):
            pass
        orphaned.set()

    threading.Thread(target=wait_for_end, name="parent-watch", daemon=True).start()
    return orphaned


def out_of_memory_count() -> int:
    """How often this process had too little memory in this run, as its supervisor counts."""
    return int(os.environ.get(OUT_OF_MEMORY_COUNT) or 0)


def append_log(folder: Path, name: str) -> int:
    """Open NAME.log for appending. Returns the file descriptor, which the caller must close.

    A deleted run folder is not made again. Then, and where the disk is full or cannot be written,
    it is the null device: a process without a log is better than none. Raises OSError for other
    reasons.
    """
    if not folder.parent.is_dir():
        return os.open(os.devnull, os.O_WRONLY)
    try:
        folder.mkdir(exist_ok=True)
        return open_descriptor(folder / f"{name}.log", "ab")
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        logger.warning("{} runs without a log: {}", name, error.strerror)
        return os.open(os.devnull, os.O_WRONLY)
