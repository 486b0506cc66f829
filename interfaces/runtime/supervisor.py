"""The supervisor: starts the processes of a run, restarts them, and ends them in order."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loguru import logger

from configs.reading.bounded_file import last_line
from interfaces.core.machine_readings import process_memory_mb
from interfaces.ipc.atomic_files import write_json
from interfaces.ipc.board import Board
from interfaces.runtime.child_process import (
    OUT_OF_MEMORY,
    OUT_OF_MEMORY_COUNT,
    SUPERVISOR_PID,
    append_log,
)
from interfaces.runtime.live_control.live_runs import LiveRunEntry
from interfaces.runtime.process_table import ProcessSpec, stop_order
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.system.job_object import new_job
from interfaces.safety.hang_watch import HangWatch

BAD_INPUT = 2  # exit code of a child that refuses its input: a restart does not help
_MIN_STOP_S = 2.0
_KILLED_S = 5.0  # a killed process ends at once, unless the kernel waits for a device
_MAX_RESTARTS, _WITHIN_S = 5, 60.0
_MAX_FAILED_STARTS, _RETRY_S = 10, 1.0


@dataclass
class Child:
    """One process of the run. `restart_times_s` and `next_start_s`: in monotonic seconds.

    `causes`: why it was restarted, and how often. `hang_watch`: None without a heartbeat.
    """

    spec: ProcessSpec
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    causes: Counter[str] = field(default_factory=Counter[str])
    hang_watch: HangWatch | None = None
    hung: bool = False  # it hangs and is being killed
    restart_times_s: list[float] = field(default_factory=list[float])  # within the last minute
    failed_starts: int = 0  # in a row
    next_start_s: float = 0.0

    @property
    def name(self) -> str:
        """The name of the process in the process table."""
        return self.spec.name

    @property
    def running(self) -> bool:
        """Whether the process exists and has not ended."""
        return self.process is not None and self.process.poll() is None


def _cause(code: int) -> str:
    """What a process did that ended with this exit code."""
    return "ran out of GPU memory" if code == OUT_OF_MEMORY else f"ended with code {code}"


class ProcessFailure(RuntimeError):
    """A process could not be kept alive. `exit_code`: the exit code of the command."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Supervisor:
    """Starts, checks and stops the processes of a run.

    Each child leads its own session. So Ctrl-C in a console reaches only the supervisor, which then
    ends all processes in order.
    """

    def __init__(
        self,
        run: RunFolder,
        board: Board,
        main: Path,
        specs: Sequence[ProcessSpec],
        entry: LiveRunEntry | None = None,
    ) -> None:
        """`entry`: leads the children to the Board. Without it the Board is in the run's folder."""
        self._run, self._board, self._entry = run, board, entry
        self.children = {
            spec.name: Child(
                spec,
                spec.arguments(sys.executable, main, run.path),
                hang_watch=None if spec.hang_after_s is None else HangWatch(spec.hang_after_s),
            )
            for spec in specs
        }
        self._pids_written = False
        self._job = new_job()

    def start(self) -> None:
        """Start every process. Raises OSError if one cannot be started."""
        for child in self.children.values():
            self._spawn(child)
        self._write_pids()

    def check(self) -> None:
        """Kill processes that hang, and restart those that ended. Call it ten times per second.

        Raises ProcessFailure if restarts do not help.
        """
        if not self._pids_written:
            self._write_pids()
        for child in self.children.values():
            if child.process is None:
                continue
            if child.running:
                self._kill_if_hung(child)
                continue
            if child.failed_starts:  # it ended earlier, and the last start failed
                self._restart(child)
                continue
            code = child.process.returncode
            cause = "hung" if child.hung else _cause(code)
            last_line = self._last_log_line(child.name)
            if code == BAD_INPUT:
                raise ProcessFailure(last_line, BAD_INPUT)
            if child.spec.restart == "never":
                continue
            now = time.perf_counter()
            recent = [at for at in child.restart_times_s if now - at < _WITHIN_S]
            child.restart_times_s = [*recent, now]
            if (count := len(child.restart_times_s)) > _MAX_RESTARTS:
                raise ProcessFailure(
                    f"{child.name} ended {count} times within {_WITHIN_S:.0f} s "
                    f"(last code {code}): {last_line}",
                    1,
                )
            child.causes[cause] += 1
            logger.warning("{} {}: restarting", child.name, cause)
            self._restart(child)

    def stop(self, patience_s: float = 10.0) -> None:
        """Ask the processes to end by the Board and wait for them, then terminate the others.

        A process that still runs after `patience_s` is killed. The guard then releases the inputs.
        """
        by_board, terminated = stop_order([child.spec for child in self.children.values()])
        self._board["stop"] = 1
        deadline = time.perf_counter() + patience_s
        for name in by_board:
            # Each process gets some time: the guard releases the inputs after the body has ended.
            self._wait(name, max(deadline, time.perf_counter() + _MIN_STOP_S))
        for name in terminated:
            child = self.children.get(name)
            if child is not None and child.running and child.process is not None:
                child.process.terminate()
        for name in terminated:
            self._wait(name, time.perf_counter() + 2.0)
        if self._job is not None:
            self._job.close()

    def memory_mb(self) -> dict[str, float]:
        """Memory of every process, this one included, in MB; without those that are unknown."""
        processes = {"supervisor": os.getpid()} | {
            child.name: child.process.pid
            for child in self.children.values()
            if child.running and child.process is not None
        }
        memory: dict[str, float] = {}
        for name, pid in processes.items():
            if (used := process_memory_mb(pid)) is not None:
                memory[name] = round(used, 1)
        return memory

    def restarts(self) -> dict[str, int]:
        """Number of restarts by process."""
        return {child.name: child.causes.total() for child in self.children.values()}

    def restart_causes(self) -> dict[str, dict[str, int]]:
        """Number of restarts by process and cause, of the processes that were restarted."""
        return {child.name: dict(child.causes) for child in self.children.values() if child.causes}

    def restart_notice(self) -> str:
        """The restarts in words for the user; "" without any."""
        lines = [
            f"{name} {cause}" + (f" ({count} times)" if count > 1 else "")
            for name, causes in self.restart_causes().items()
            for cause, count in causes.items()
        ]
        return f"restarted: {', '.join(lines)}" if lines else ""

    def _kill_if_hung(self, child: Child) -> None:
        watch, process = child.hang_watch, child.process
        if watch is None or process is None:
            return
        if not watch.hangs(self._heartbeat_ns(child), time.perf_counter()):
            return
        if not child.hung:
            seconds = child.spec.hang_after_s
            logger.error("{} hangs: no heartbeat for {:g} s; it is killed", child.name, seconds)
        child.hung = True
        process.kill()

    def _heartbeat_ns(self, child: Child) -> int:
        return int(self._board[f"{child.name}_heartbeat_ns"])

    def _restart(self, child: Child) -> None:
        """Start an ended process again, after a failure at most once per second.

        A start can fail without memory, or without disk space for the log. Raises ProcessFailure
        after more than ten failures in a row.
        """
        if (now := time.perf_counter()) < child.next_start_s:
            return
        try:
            self._spawn(child)
        except OSError as error:
            child.failed_starts, child.next_start_s = child.failed_starts + 1, now + _RETRY_S
            if child.failed_starts > _MAX_FAILED_STARTS:
                raise ProcessFailure(f"{child.name} cannot be started: {error}", 1) from error
            logger.error("{} cannot be started: {}", child.name, error)
            return
        child.failed_starts, child.next_start_s = 0, 0.0
        self._write_pids()

    def _spawn(self, child: Child) -> None:
        log = append_log(self._run.logs, child.name)
        try:
            child.process = subprocess.Popen(
                child.command,
                stdin=subprocess.DEVNULL,
                env={
                    **os.environ,
                    SUPERVISOR_PID: str(os.getpid()),
                    OUT_OF_MEMORY_COUNT: str(child.causes[_cause(OUT_OF_MEMORY)]),
                    **(self._entry.environment if self._entry is not None else {}),
                },
                pass_fds=self._entry.descriptors if self._entry is not None else (),
                stdout=log,
                stderr=log,
                start_new_session=sys.platform != "win32",
                # No console: closing the window must not end body and guard at the same time.
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        finally:
            os.close(log)
        self._put_into_job(child, child.process)
        child.hung = False
        if child.hang_watch is not None:
            child.hang_watch.restart(self._heartbeat_ns(child), time.perf_counter())

    def _put_into_job(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        if self._job is None or sys.platform != "win32" or child.spec.job == "none":
            return
        put = self._job.add if child.spec.job == "member" else self._job.share_with
        if not put(int(process._handle)):  # pyright: ignore[reportAttributeAccessIssue]
            logger.warning("{} may outlive a killed supervisor: it is not in the job", child.name)

    def _wait(self, name: str, deadline: float) -> None:
        child = self.children.get(name)
        if child is None or child.process is None:
            return
        try:
            child.process.wait(max(0.0, deadline - time.perf_counter()))
        except subprocess.TimeoutExpired:
            if name == "body" and not self._board["body_heartbeat_ns"]:
                logger.info("the body was still starting: killed")
            else:
                logger.warning("{} does not end: killed", name)
            child.process.kill()
            try:
                child.process.wait(_KILLED_S)
            except subprocess.TimeoutExpired:  # it waits in the kernel, for a disk or a driver
                pid = child.process.pid
                logger.error("{} cannot be killed: process {} is left behind", name, pid)

    def _write_pids(self) -> None:
        pids = {
            child.name: child.process.pid
            for child in self.children.values()
            if child.process is not None
        }
        if self._entry is not None:
            self._entry.note_processes(pids)
        try:
            write_json(self._run.processes, {"supervisor": os.getpid(), **pids})
            self._pids_written = True
        except OSError as error:  # a full disk does not end the run; check() tries again
            self._pids_written = False
            logger.debug("{} is not written: {}", self._run.processes, error)

    def _last_log_line(self, name: str) -> str:
        """The last line of a child's log, which holds its error."""
        path = self._run.logs / f"{name}.log"
        return last_line(path) or f"{name} logged nothing (see {path})"
