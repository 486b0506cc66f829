"""The step writer: a thread writes the Steps of the body to the journal and the Board.

Both are mapped files. On a busy disk one write into their pages can take tens of milliseconds
(docs/decisions/0008). Therefore a tick of the body writes only into its own memory.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.core.step import StepLayout, make_first, weighted_terms
from interfaces.core.world import Situation
from interfaces.ipc.board import MAX_REWARD_TERMS, Board
from interfaces.ipc.mapped_file import touch_pages
from interfaces.journal import JournalWriter
from interfaces.journal.latent_snapshots import LatentSnapshots

_SLOTS = 128  # records that can wait in the ring: 12 s at 10 Hz


def tick_record_dtype(layout: StepLayout, feature_size: int) -> np.dtype[np.void]:
    """The record of one tick: its Step, and values for the Board and the latent snapshots.

    Durations are in seconds.
    """
    return np.dtype(
        [
            ("step", layout.dtype),
            ("value", "<f4"),  # value estimate of the policy's state
            ("feature", "<f4", (feature_size,)),  # the policy's state
            ("swapped", "<u4"),  # weight switches since the previous record
            ("swap_s", "<f8"),
            ("publish_to_act_s", "<f8"),
            ("missed", "<u4"),  # records dropped before this one
        ]
    )


class StepWriterFailed(RuntimeError):
    """The thread ended with an error, which is in the log."""


class StepWriter:
    """Takes one record per tick without waiting. A full ring drops records and counts them.

    `record_dtype`: the tick_record_dtype of the records.
    `after_write`: called after each record is written.
    `background`: if False, `append` writes at once, and there is no heartbeat.

    The heartbeat has its own thread. A journal that waits for the disk must not make the guard
    believe that the body hangs.
    """

    def __init__(
        self,
        journal: JournalWriter,
        board: Board,
        record_dtype: np.dtype[np.void],
        *,
        latent_snapshots: LatentSnapshots | None = None,
        after_write: Callable[[], None] = lambda: None,
        slots: int = _SLOTS,
        background: bool = True,
    ) -> None:
        self._journal, self._board, self._after_write = journal, board, after_write
        self._latent_snapshots = latent_snapshots
        self._ring = np.zeros(slots, record_dtype)
        self._raw = self._ring.view(np.uint8).reshape(slots, -1)
        touch_pages(self._raw.reshape(-1))
        self._histograms = {
            name: board.histogram(name)
            for name in ("lateness", "frame_age", "decide", "swap", "publish_to_act")
        }
        self._appended = self._written = self._dropped = 0
        self._last_append_ns = 0
        self._failed = False
        # The queues wake the threads; put never waits. The threads run just after a tick, while the
        # body sleeps. A heartbeat with its own timer would sometimes run during the next tick.
        self._to_write, self._heartbeats = SimpleQueue[bool](), SimpleQueue[bool]()
        self._thread: threading.Thread | None = None
        if background:
            self._thread = threading.Thread(target=self._run, name="step writer", daemon=True)
            self._thread.start()
            threading.Thread(target=self._run_heartbeat, name="heartbeat", daemon=True).start()

    def append(self, record: NDArray[np.void]) -> None:
        """Copy one 0-d record of tick_record_dtype into the ring. Raises StepWriterFailed."""
        if self._failed:
            raise StepWriterFailed("the journal can no longer be written")
        self._last_append_ns = time.perf_counter_ns()
        if self._thread is not None:
            self._heartbeats.put(True)
        if self._appended - self._written == len(self._ring):
            self._dropped += 1
            return
        record["missed"], self._dropped = self._dropped, 0
        self._raw[self._appended % len(self._ring)] = record.reshape(1).view(np.uint8)
        self._appended += 1
        if self._thread is None:
            self._write_all()
        else:
            self._to_write.put(True)

    def close(self) -> None:
        """Write the waiting records and end the thread. The journal stays open."""
        if self._thread is not None:
            self._heartbeats.put(False)
            self._to_write.put(False)
            self._thread.join(timeout=5.0)
            if self._last_append_ns:
                self._board["body_heartbeat_ns"] = self._last_append_ns
        self._journal.count_missing(self._dropped + self._appended - self._written)

    def _run(self) -> None:
        try:
            while self._to_write.get():
                self._write_all()
        except Exception:  # of any kind: the next append reports it to the body
            logger.exception("the step writer failed")
            self._failed = True

    def _run_heartbeat(self) -> None:
        """Write the time of the last append to the Board, as long as the body appends."""
        while self._heartbeats.get():
            self._board.make_writable()
            self._board["body_heartbeat_ns"] = self._last_append_ns

    def _write_all(self) -> None:
        while self._written < self._appended:
            self._write(self._ring[self._written % len(self._ring), ...])
            self._written += 1

    def _write(self, record: NDArray[np.void]) -> None:
        step, journal = record["step"], self._journal
        journal.count_missing(int(record["missed"]))
        if journal.gap_pending:  # the Step after a gap is a first Step: its reward is 0
            if not step["is_first"]:
                step["situation"] |= np.uint32(Situation.AFTER_GAP)
            make_first(step)
        if journal.append(step):
            self._board["journal_end"] = journal.next_index
            if self._latent_snapshots is not None:
                self._latent_snapshots.save_if_due(int(step["index"]), record["feature"])
        self._update_board(record, step)
        self._after_write()

    def _update_board(self, record: NDArray[np.void], step: NDArray[np.void]) -> None:
        board, histograms = self._board, self._histograms
        board.make_writable()
        histograms["lateness"].add(float(step["lateness_s"]))
        histograms["decide"].add(float(step["decide_s"]))
        if int(step["situation"]) & Situation.NO_FRAME:
            board["no_frame"] += 1
        else:
            histograms["frame_age"].add(float(step["frame_age_s"]))
        if record["swapped"]:
            histograms["swap"].add(float(record["swap_s"]))
            histograms["publish_to_act"].add(float(record["publish_to_act_s"]))
            board["weights_applied"] += record["swapped"]
        board["weights_version"] = step["weights_version"]
        reward = np.zeros(MAX_REWARD_TERMS, np.float32)
        for i, term in enumerate(weighted_terms(step).values()):
            reward[min(i, MAX_REWARD_TERMS - 1)] += term
        board["reward_sums"] += reward
        board["reward_now"], board["value_now"] = reward.sum(), record["value"]
        board["situation"], board["sender"] = step["situation"], step["sender"]
        shown = step["action"][:16]
        board["action"] = np.concatenate([shown, np.zeros(16 - shown.size, np.float32)])
        board["late_s"], board["frame_age_s"] = step["lateness_s"], step["frame_age_s"]
        board["missed_beats"] += step["skipped"]
        board["journal_dropped"] = self._journal.dropped
        board["ticks"] += 1
