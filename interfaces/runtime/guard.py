"""The guard: lets go of every input when the body is dead or hangs. A process of its own.

VRChat holds the last value of every input: a body killed in mid-stride would walk into a wall for
ever. The guard raises a fence before it lets go, so that a body which wakes later sends nothing
until it has been let in again.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from interfaces.ipc.board import Board
from interfaces.runtime.child_process import ProcessWatch, become, when_orphaned
from interfaces.runtime.control_arbitration import silent_after_s
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.action_encoder import rest_datagrams
from interfaces.vrchat.endpoints import Endpoints, read_endpoints
from interfaces.vrchat.voice import voice_rest

_TIMES, _APART_S = 3, 0.01  # UDP may lose one
_LOOK_EVERY_S = 0.02


class Guard:
    """Watches one body at a time, by its process and its heartbeat on the Board.

    `rest`: the datagrams that let go of everything.
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
        self._hung_after_s = silent_after_s(hz)
        # A guard started anew does not repeat a number, nor one that the body has not seen yet.
        self._fences = max(int(board["fence_seen"]), int(board["fence"]))
        self._watch: ProcessWatch | None = None
        self._last_pid = 0

    def run(self, stopped: threading.Event, parent_gone: threading.Event) -> None:
        """Watch until told to stop, or left alone; in either case not before the body has ended."""
        while True:
            self._board.beat("guard")
            # Asked before looking for a body: one that began before the end is not left alone.
            ending = stopped.is_set() or parent_gone.is_set() or bool(self._board["stop"])
            self._follow(int(self._board["body_pid"]))
            if self._watch is None:
                if ending:
                    return
                time.sleep(_LOOK_EVERY_S)
            elif self._watch.wait(_LOOK_EVERY_S):
                self._forget("the body has ended: inputs at rest")
            else:
                self._look_at_heartbeat()

    def close(self) -> None:
        self._socket.close()

    def _follow(self, pid: int) -> None:
        if pid in (0, self._last_pid):
            return
        if self._watch is not None:
            self._forget("another body took over: inputs at rest")
        self._watch, self._last_pid = ProcessWatch(pid), pid

    def _forget(self, why: str) -> None:
        self.let_go(why)
        if self._watch is not None:
            self._watch.close()
        self._watch = None
        self._board["fence"] = 0  # the next body begins with a clean slate

    def _look_at_heartbeat(self) -> None:
        board = self._board
        hangs = board.heartbeat_age_s("body") > self._hung_after_s
        stopped = bool(board["halted"]) or self._stop_file.exists()
        if board["fence"]:
            if not hangs and not stopped and board["fence_seen"] == board["fence"]:
                self.let_go("the body may move: inputs at rest, fence down")
                board["fence"] = 0
        elif stopped:
            self._raise_fence("emergency stop: fence up, inputs at rest")
        elif hangs and not board["body_resting"] and board["ticks"]:
            self._raise_fence("the body hangs: fence up, inputs at rest")

    def _raise_fence(self, why: str) -> None:
        self._fences += 1
        self._board["fence"] = self._fences
        self.let_go(why)

    def let_go(self, why: str) -> None:
        """Send every input's rest value, three times."""
        for i in range(_TIMES):
            for datagram in self._rest:
                with contextlib.suppress(OSError):  # nobody listens: nothing to let go of
                    self._socket.sendto(datagram, self._target)
            if i + 1 < _TIMES:
                time.sleep(_APART_S)
        self._board["rests"] += 1
        logger.info(why)


def watch_run(run_path: Path) -> None:
    """The guard's process."""
    stopped, orphaned = become("guard"), when_orphaned()
    run = RunFolder(run_path)
    config = run.config
    guard = Guard(
        Board(run.board),
        read_endpoints(run.endpoints),
        [*rest_datagrams(config.world.actions), *voice_rest(config.world.voice)],
        config.beat.hz,
        run.stop_file,
    )
    guard.run(stopped, orphaned)
    guard.close()
