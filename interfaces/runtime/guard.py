"""The guard process: releases every input when the body has ended or hangs.

VRChat keeps the last value of every input. After the body is killed, the avatar would walk on for
ever. The guard raises a fence before it releases the inputs of a body that hangs. A body that
resumes later then sends nothing until the guard lowers the fence.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from interfaces.ipc.board import Board
from interfaces.runtime.child_process import ProcessWatch, set_up_process, watch_supervisor
from interfaces.runtime.control_arbitration import body_timeout_s
from interfaces.runtime.live_control.live_runs import open_board, own_record
from interfaces.runtime.live_control.release_plan import read_release_plan
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.endpoints import Endpoints

_COPIES, _SPACING_S = 3, 0.01  # UDP may lose a packet
_CHECK_EVERY_S = 0.02


class Guard:
    """Watches one body at a time, by its process and its heartbeat on the Board.

    `rest`: the datagrams that release every input. `hz`: ticks per second of the body.
    `stop_file`: while it exists, the emergency stop holds.
    """

    def __init__(
        self,
        board: Board,
        endpoints: Endpoints,
        rest: Sequence[bytes],
        hz: float,
        stop_file: Path,
    ) -> None:
        self._board, self._stop_file = board, stop_file
        self._target = (endpoints.osc_host, endpoints.osc_send_port)
        self._rest = tuple(rest)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._hung_after_s = body_timeout_s(hz)
        # Number of the newest fence. A restarted guard continues the count of the last one.
        self._fences = max(int(board["fence_seen"]), int(board["fence"]))
        self._watch: ProcessWatch | None = None
        self._last_pid = 0

    def run(self, stopped: threading.Event, parent_gone: threading.Event) -> None:
        """Watch until the run stops or the supervisor is gone, but at least until the body ends."""
        while True:
            self._board.heartbeat("guard")
            # Read before `body_pid`: a body that started just before the stop is still watched.
            ending = stopped.is_set() or parent_gone.is_set() or bool(self._board["stop"])
            self._watch_body(int(self._board["body_pid"]))
            if self._watch is None:
                if ending:
                    return
                time.sleep(_CHECK_EVERY_S)
            elif self._watch.wait(_CHECK_EVERY_S):
                self._stop_watching("the body has ended: inputs released")
            else:
                self._check_heartbeat()

    def close(self) -> None:
        self._socket.close()

    def _watch_body(self, pid: int) -> None:
        if pid in (0, self._last_pid):
            return
        if self._watch is not None:
            self._stop_watching("another body took over: inputs released")
        self._watch, self._last_pid = ProcessWatch(pid), pid

    def _stop_watching(self, why: str) -> None:
        self.release_inputs(why)
        if self._watch is not None:
            self._watch.close()
        self._watch = None
        self._board["fence"] = 0  # the next body starts without a fence

    def _check_heartbeat(self) -> None:
        board = self._board
        hangs = board.heartbeat_age_s("body") > self._hung_after_s
        stopped = bool(board["halted"]) or os.path.exists(self._stop_file)
        if board["fence"]:
            if not hangs and not stopped and board["fence_seen"] == board["fence"]:
                self.release_inputs("the body may move: inputs released, fence lowered")
                board["fence"] = 0
        elif stopped:
            self._raise_fence("emergency stop: fence raised, inputs released")
        elif hangs and not board["body_resting"] and board["ticks"]:
            self._raise_fence("the body hangs: fence raised, inputs released")

    def _raise_fence(self, why: str) -> None:
        self._fences += 1
        self._board["fence"] = self._fences
        self.release_inputs(why)

    def release_inputs(self, why: str) -> None:
        """Send the rest value of every input, three times, and log `why`."""
        for i in range(_COPIES):
            for datagram in self._rest:
                with contextlib.suppress(OSError):  # no client listens: nothing to release
                    self._socket.sendto(datagram, self._target)
            if i + 1 < _COPIES:
                time.sleep(_SPACING_S)
        self._board["rests"] += 1
        logger.info(why)


def watch_run(run_path: Path) -> None:
    """Run the guard for the run in folder `run_path`. Entry point of its process."""
    stopped, orphaned = set_up_process("guard"), watch_supervisor()
    run, record = RunFolder(run_path), own_record()
    # By its record, a guard also starts again when the folder is gone.
    plan = read_release_plan(run) if record is None else record.plan
    guard = Guard(
        open_board(run), Endpoints(*plan.target, 0, ""), plan.rest, plan.hz, run.stop_file
    )
    guard.run(stopped, orphaned)
    guard.close()
    if orphaned.is_set() and record is not None:
        record.remove()  # in place of the dead supervisor: the inputs are released
