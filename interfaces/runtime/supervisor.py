"""The supervisor: starts the processes of a run, keeps them alive, and ends them in order."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from loguru import logger

from interfaces.ipc.atomic_files import write_json
from interfaces.ipc.board import Board
from interfaces.runtime.child_process import SUPERVISOR_PID, append_log
from interfaces.runtime.run_folder import RunFolder

BAD_INPUT = 2  # a child that exits so has been told something it cannot use: no restart helps
_LEAST_S = 2.0
_MAX_RESTARTS, _WITHIN_S = 5, 60.0
_MAX_MISSED, _AGAIN_S = 10, 1.0


@dataclass
class Child:
    """One process of the run; `restarted` holds when, in monotonic seconds; `next_try` is such a
    time too."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    restarted: list[float] = field(default_factory=list[float])
    missed: int = 0  # tries to start it that failed, one after another
    next_try: float = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Fault(RuntimeError):
    """A process could not be kept alive. `exit_code` is what the command should end with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Supervisor:
    """Holds the table of processes. A child leads its own session: a console's Ctrl-C reaches only
    the supervisor, which then ends everybody in order."""

    def __init__(self, run: RunFolder, board: Board, main: Path, names: Sequence[str]) -> None:
        self._run, self._board = run, board
        self.children = {
            name: Child(name, (sys.executable, str(main), f"_{name}", str(run.path)))
            for name in names
        }
        self._table_is_written = False

    def start(self) -> None:
        for child in self.children.values():
            self._spawn(child)
        self._write_table()

    def look(self) -> None:
        """Restart who has died. Raises Fault when that is hopeless."""
        if not self._table_is_written:
            self._write_table()
        for child in self.children.values():
            if child.running or child.process is None:
                continue
            if child.missed:  # it has ended once: only its start is tried again
                self._start_again(child)
                continue
            code = child.process.returncode
            last_words = self._last_words(child.name)
            if code == BAD_INPUT:
                raise Fault(last_words, BAD_INPUT)
            now = time.perf_counter()
            child.restarted = [at for at in child.restarted if now - at < _WITHIN_S] + [now]
            if len(child.restarted) > _MAX_RESTARTS:
                raise Fault(
                    f"{child.name} ended {len(child.restarted)} times within {_WITHIN_S:.0f} s "
                    f"(last code {code}): {last_words}",
                    1,
                )
            logger.warning("{} ended with code {}: restarting it", child.name, code)
            child.restarts += 1
            self._start_again(child)

    def stop(self, first: Sequence[str], then: Sequence[str], patience_s: float = 10.0) -> None:
        """Ask `first` to end by the Board and wait for them, then terminate `then`.

        Whoever is still there after `patience_s` is killed; the guard then lets go of the inputs.
        """
        self._board["stop"] = 1
        deadline = time.perf_counter() + patience_s
        for name in first:
            # A little time is left to each in any case: the guard lets go after the body's end.
            self._wait(name, max(deadline, time.perf_counter() + _LEAST_S))
        for name in then:
            child = self.children.get(name)
            if child is not None and child.running and child.process is not None:
                child.process.terminate()
        for name in then:
            self._wait(name, time.perf_counter() + 2.0)

    def memory_mb(self) -> dict[str, float]:
        """Unique set size of every process, this one included, MB."""
        processes = {"supervisor": os.getpid()} | {
            child.name: child.process.pid
            for child in self.children.values()
            if child.running and child.process is not None
        }
        memory: dict[str, float] = {}
        for name, pid in processes.items():
            with contextlib.suppress(psutil.Error):
                memory[name] = round(psutil.Process(pid).memory_full_info().uss / 1e6, 1)
        return memory

    def restarts(self) -> dict[str, int]:
        return {child.name: child.restarts for child in self.children.values()}

    def _start_again(self, child: Child) -> None:
        """Where that fails, for want of memory or of a place for its log, once more a second later.
        Raises Fault when that is hopeless."""
        if (now := time.perf_counter()) < child.next_try:
            return
        try:
            self._spawn(child)
        except OSError as error:
            child.missed, child.next_try = child.missed + 1, now + _AGAIN_S
            if child.missed > _MAX_MISSED:
                raise Fault(f"{child.name} cannot be started: {error}", 1) from error
            logger.error("{} cannot be started: {}", child.name, error)
            return
        child.missed, child.next_try = 0, 0.0
        self._write_table()

    def _spawn(self, child: Child) -> None:
        log = append_log(self._run.logs, child.name)
        try:
            child.process = subprocess.Popen(
                child.command,
                stdin=subprocess.DEVNULL,
                env={**os.environ, SUPERVISOR_PID: str(os.getpid())},
                stdout=log,
                stderr=log,
                start_new_session=sys.platform != "win32",
                # Without a console: closing the window must not end body and guard at once.
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        finally:
            os.close(log)

    def _wait(self, name: str, deadline: float) -> None:
        child = self.children.get(name)
        if child is None or child.process is None:
            return
        try:
            child.process.wait(max(0.0, deadline - time.perf_counter()))
        except subprocess.TimeoutExpired:
            if name == "body" and not self._board["body_heartbeat_ns"]:
                logger.info("the body was still waking up: it is ended")
            else:
                logger.warning("{} does not end by itself: killed", name)
            child.process.kill()
            child.process.wait()

    def _write_table(self) -> None:
        pids = {
            child.name: child.process.pid
            for child in self.children.values()
            if child.process is not None
        }
        try:
            write_json(self._run.processes, {"supervisor": os.getpid(), **pids})
            self._table_is_written = True
        except OSError as error:  # a full disk ends no life; the next look tries again
            self._table_is_written = False
            logger.debug("{} is not written: {}", self._run.processes, error)

    def _last_words(self, name: str) -> str:
        """The last line of a child's log: there its error stands."""
        path = self._run.logs / f"{name}.log"
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else f"{name} said nothing (see {path})"
