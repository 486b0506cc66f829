"""The watch of the supervisor: a thread that releases the inputs without the guard's help."""

import threading
from collections import deque
from collections.abc import Sequence

from interfaces.ipc.board import Board
from interfaces.safety.body_watch import SUPERVISOR_FIELDS, BodyWatch

_RETRY_S, _JOIN_S = 0.02, 1.0


class SupervisorWatch:
    """Runs a BodyWatch in a thread, from `start` until `close`.

    The thread has its own socket and prepared datagrams. It writes no file and no log: a full disk
    or a blocked terminal does not stop it, and neither does a main thread that waits. The arguments
    are those of BodyWatch. The stop file is the guard's matter, because a disk can wait.
    """

    def __init__(
        self, board: Board, target: tuple[str, int], rest: Sequence[bytes], hz: float
    ) -> None:
        self._reports: deque[str] = deque(maxlen=100)
        self._closing = threading.Event()
        self._make_watch = lambda: BodyWatch(
            board,
            SUPERVISOR_FIELDS,
            target,
            rest,
            hz,
            lambda: bool(board["halted"]),
            self._reports.append,
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the socket and start the thread."""
        watch = self._make_watch()
        self._thread = threading.Thread(
            target=self._run, args=(watch,), name="body-watch", daemon=True
        )
        self._thread.start()

    def take_reports(self) -> list[str]:
        """The reports since the last call, for the log of the main thread."""
        return [self._reports.popleft() for _ in range(len(self._reports))]

    def close(self) -> None:
        """End the thread: at once after the end of the body, else it gets a second."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _run(self, watch: BodyWatch) -> None:
        while True:
            try:
                watch.run(self._closing.is_set)
                break
            except Exception as error:  # of any kind: without this thread one watch less is left
                self._reports.append(f"the watch of the supervisor starts again after {error!r}")
                if self._closing.wait(_RETRY_S):
                    break
        watch.close()
