"""The scribe: carries what the body lived to the journal and the Board, off the beat.

Both are mapped files, and on a busy disk a write into one of their pages can take tens of
milliseconds (docs/decisions/0008). The body writes into its own memory only; a thread does the
rest.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.ipc.mapped_file import touch_pages
from interfaces.journal import JournalWriter
from interfaces.journal.latent_snapshots import Keyframes

_SLOTS = 128  # moments that may wait: 12 s of a busy disk at 10 Hz


def moment_dtype(spaces: Spaces, feature_size: int) -> np.dtype[np.void]:
    """A Step, and what else is told of its beat: to the Board, and for keyframes. Durations in
    seconds."""
    return np.dtype(
        [
            ("step", step_dtype(spaces)),
            ("value", "<f4"),  # what the policy's state is worth
            ("feature", "<f4", (feature_size,)),  # that state
            ("swapped", "<u4"),  # versions of the weights flipped in since the moment before
            ("swap_s", "<f8"),
            ("publish_to_act_s", "<f8"),
            ("missed", "<u4"),  # moments dropped before this one
        ]
    )


class ScribeFailed(RuntimeError):
    """The thread has ended by an error; its log says which."""


class Scribe:
    """Takes a moment a beat and never waits: where the ring is full, it is dropped and counted.

    The heartbeat has a thread of its own: a journal that waits for the disk is no reason for the
    guard to believe the body hangs. `also` runs after each moment is written. Without
    `background`, `take` writes at once, and there is no heartbeat. `moments` is the moment_dtype of
    who takes them here.
    """

    def __init__(
        self,
        journal: JournalWriter,
        board: Board,
        moments: np.dtype[np.void],
        *,
        keyframes: Keyframes | None = None,
        also: Callable[[], None] = lambda: None,
        slots: int = _SLOTS,
        background: bool = True,
    ) -> None:
        self._journal, self._board, self._also = journal, board, also
        self._keyframes = keyframes
        self._ring = np.zeros(slots, moments)
        self._raw = self._ring.view(np.uint8).reshape(slots, -1)
        touch_pages(self._raw.reshape(-1))
        self._histograms = {
            name: board.histogram(name)
            for name in ("lateness", "frame_age", "decide", "swap", "publish_to_act")
        }
        self._taken = self._written = self._missed = 0
        self._lived_ns = 0
        self._failed = False
        # These wake the threads; their put never waits. They run just after a beat, when the body
        # sleeps: by a timer of its own the heartbeat would now and then meet the next one.
        self._more, self._beats = SimpleQueue[bool](), SimpleQueue[bool]()
        self._thread: threading.Thread | None = None
        if background:
            self._thread = threading.Thread(target=self._carry, name="scribe", daemon=True)
            self._thread.start()
            threading.Thread(target=self._pulse, name="heartbeat", daemon=True).start()

    def take(self, moment: NDArray[np.void]) -> None:
        """Remember one moment, a 0-d record of moment_dtype. Raises ScribeFailed."""
        if self._failed:
            raise ScribeFailed("the journal can no longer be written")
        self._lived_ns = time.perf_counter_ns()
        if self._thread is not None:
            self._beats.put(True)
        if self._taken - self._written == len(self._ring):
            self._missed += 1
            return
        moment["missed"], self._missed = self._missed, 0
        self._raw[self._taken % len(self._ring)] = moment.reshape(1).view(np.uint8)
        self._taken += 1
        if self._thread is None:
            self._write_all()
        else:
            self._more.put(True)

    def close(self) -> None:
        """Write what waits. The journal stays open."""
        if self._thread is not None:
            self._beats.put(False)
            self._more.put(False)
            self._thread.join(timeout=5.0)
            if self._lived_ns:
                self._board["body_heartbeat_ns"] = self._lived_ns
        self._journal.miss(self._missed + self._taken - self._written)

    def _carry(self) -> None:
        try:
            while self._more.get():
                self._write_all()
        except Exception:  # whatever it is, the body must hear of it
            logger.exception("the scribe has failed")
            self._failed = True

    def _pulse(self) -> None:
        """Show when the body last lived, as long as it does."""
        while self._beats.get():
            self._board.make_writable()
            self._board["body_heartbeat_ns"] = self._lived_ns

    def _write_all(self) -> None:
        while self._written < self._taken:
            self._write(self._ring[self._written % len(self._ring), ...])
            self._written += 1

    def _write(self, moment: NDArray[np.void]) -> None:
        step, journal = moment["step"], self._journal
        journal.miss(int(moment["missed"]))
        if journal.gap_pending:  # what follows a gap is a beginning, and nothing is paid there
            if not step["is_first"]:
                step["situation"] |= np.uint32(Situation.AFTER_GAP)
            step["is_first"], step["reward"] = True, 0.0
        if journal.append(step) and self._keyframes is not None:
            self._keyframes.take(int(step["index"]), moment["feature"])
        self._measure(moment, step)
        self._also()

    def _measure(self, moment: NDArray[np.void], step: NDArray[np.void]) -> None:
        board, histograms = self._board, self._histograms
        board.make_writable()
        histograms["lateness"].add(float(step["lateness_s"]))
        histograms["decide"].add(float(step["decide_s"]))
        if int(step["situation"]) & Situation.NO_FRAME:
            board["no_frame"] += 1
        else:
            histograms["frame_age"].add(float(step["frame_age_s"]))
        if moment["swapped"]:
            histograms["swap"].add(float(moment["swap_s"]))
            histograms["publish_to_act"].add(float(moment["publish_to_act_s"]))
            board["weights_applied"] += moment["swapped"]
        board["weights_version"] = step["weights_version"]
        reward = step["reward"]
        board["reward_parameters"] += reward[0]
        board["reward_action_cost"] += reward[1]
        board["reward_world"] += reward[2]
        board["reward_now"], board["value_now"] = reward.sum(), moment["value"]
        board["situation"], board["sender"] = step["situation"], step["sender"]
        shown = step["action"][:16]
        board["action"] = np.concatenate([shown, np.zeros(16 - shown.size, np.float32)])
        board["late_s"], board["frame_age_s"] = step["lateness_s"], step["frame_age_s"]
        board["missed_beats"] += step["skipped"]
        board["journal_dropped"] = self._journal.dropped
        board["ticks"] += 1
