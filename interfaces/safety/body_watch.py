"""Watches the body, and releases every input when it has ended or hangs.

VRChat keeps the last value of every input. After the body is killed, the avatar would walk on for
ever. Two processes watch, each with a socket and a fence of its own: the guard, and the supervisor
in a thread. So the inputs are released at once, whichever of the three fail at the same time.

A watch raises its fence before it releases the inputs of a body that hangs. A body that resumes
later then sends nothing until each watch has released the inputs and lowered its fence. During an
emergency stop the fence is up without a body too: the next body would act before a watch sees it.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from interfaces.ipc.board import Board
from interfaces.safety.process_watch import ProcessWatch

_COPIES, _SPACING_S = 3, 0.01  # UDP may lose a packet
_CHECK_EVERY_S = 0.02
_BODY_SLACK_S = 0.15


@dataclass(frozen=True)
class WatchFields:
    """Names of the fields of the Board that one watch needs: each field has one writer.

    `fence`: not 0 while the body must send nothing. `fence_seen`: the newest fence that the body
    has obeyed. `rests`: how often this watch released the inputs.
    """

    fence: str
    fence_seen: str
    rests: str


GUARD_FIELDS = WatchFields("fence", "fence_seen", "rests")
SUPERVISOR_FIELDS = WatchFields("supervisor_fence", "supervisor_fence_seen", "supervisor_rests")


def is_fenced(board: Board) -> bool:
    """Whether a watch forbids the body to send anything."""
    return bool(board["fence"]) or bool(board["supervisor_fence"])


def confirm_fences(board: Board) -> bool:
    """Confirm the fences on the Board, in the body. Returns whether there is one."""
    fence, supervisor_fence = int(board["fence"]), int(board["supervisor_fence"])
    if not fence and not supervisor_fence:
        return False
    if fence:
        board["fence_seen"] = fence
    if supervisor_fence:
        board["supervisor_fence_seen"] = supervisor_fence
    return True


def rest_count(board: Board) -> int:
    """How often the inputs were released, by the watch that did so more often."""
    return max(int(board["rests"]), int(board["supervisor_rests"]))


def body_timeout_s(hz: float) -> float:
    """Seconds without a heartbeat after which the body counts as hung: 2.5 ticks and some slack."""
    return 2.5 / hz + _BODY_SLACK_S


def _numeric(host: str) -> str:
    """The address of a host: to look up a name takes time, and needs a network."""
    try:
        return socket.gethostbyname(host)
    except OSError:  # each release tries again
        return host


class BodyWatch:
    """Watches one body at a time, by its process and its heartbeat on the Board.

    `target`: host and port of the client. `rest`: the datagrams that release every input. `hz`:
    ticks per second of the body. `is_stopped`: whether the emergency stop holds. `report` receives
    a message after each release; it must not wait.
    """

    def __init__(
        self,
        board: Board,
        fields: WatchFields,
        target: tuple[str, int],
        rest: Sequence[bytes],
        hz: float,
        is_stopped: Callable[[], bool],
        report: Callable[[str], object],
    ) -> None:
        self._board, self._fields, self._is_stopped = board, fields, is_stopped
        self._target = (_numeric(target[0]), target[1])
        self._rest, self._report = tuple(rest), report
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # a full buffer must not stop the watch
        self._hung_after_s = body_timeout_s(hz)
        # Number of the newest fence. A restarted watch continues the count of the last one.
        self._fences = max(int(board[fields.fence_seen]), int(board[fields.fence]))
        self._process: ProcessWatch | None = None
        self._last_pid = 0
        self._fence_if_stopped()  # before the first `beat`, for which a body waits

    def run(self, is_over: Callable[[], bool], beat: Callable[[], object] = lambda: None) -> None:
        """Watch until `is_over`, but at least until the body ends. `beat` is called every 20 ms."""
        while True:
            beat()
            # Read before `body_pid`: a body that started just before the stop is still watched.
            ending = is_over()
            self._watch_process(int(self._board["body_pid"]))
            if self._process is None:
                if ending:
                    return
                self._fence_if_stopped()
                time.sleep(_CHECK_EVERY_S)
            elif self._process.wait(_CHECK_EVERY_S):
                self._stop_watching("the body has ended: inputs released")
            else:
                self.check_heartbeat()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def check_heartbeat(self) -> None:
        """Raise or lower the fence, as the heartbeat of the body and the emergency stop require."""
        board, fields = self._board, self._fields
        hangs = board.heartbeat_age_s("body") > self._hung_after_s
        stopped = self._is_stopped()
        if fence := int(board[fields.fence]):
            if not hangs and not stopped and int(board[fields.fence_seen]) == fence:
                self.release_inputs("the body may move: inputs released, fence lowered")
                board[fields.fence] = 0
        elif stopped:
            self._raise_fence("emergency stop: fence raised, inputs released")
        elif hangs and not board["body_resting"] and board["ticks"]:
            self._raise_fence("the body hangs: fence raised, inputs released")

    def release_inputs(self, why: str) -> None:
        """Send the rest value of every input, three times, and report `why`."""
        for i in range(_COPIES):
            for datagram in self._rest:
                with contextlib.suppress(OSError):  # no client listens: nothing to release
                    self._socket.sendto(datagram, self._target)
            if i + 1 < _COPIES:
                time.sleep(_SPACING_S)
        self._board[self._fields.rests] += 1
        self._report(why)

    def _watch_process(self, pid: int) -> None:
        if pid in (0, self._last_pid):
            return
        if self._process is not None:
            self._stop_watching("another body took over: inputs released")
        self._process, self._last_pid = ProcessWatch(pid), pid

    def _stop_watching(self, why: str) -> None:
        self.release_inputs(why)
        if self._process is not None:
            self._process.close()
        self._process = None
        if not self._is_stopped():
            self._board[self._fields.fence] = 0  # the next body starts without a fence
        self._fence_if_stopped()

    def _fence_if_stopped(self) -> None:
        if self._is_stopped() and not self._board[self._fields.fence]:
            self._raise_fence("emergency stop: fence raised, inputs released")

    def _raise_fence(self, why: str) -> None:
        self._fences += 1
        self._board[self._fields.fence] = self._fences
        self.release_inputs(why)
