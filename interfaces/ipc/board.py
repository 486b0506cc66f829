"""The Board: shared memory where every process writes its heartbeat and gauges.

Each field has exactly one writer. Each number is aligned and has at most eight bytes, so readers
need no lock. The trainer's metrics are a table instead: see board_metrics.py.
"""

import mmap
import time
from pathlib import Path
from typing import Any

import numpy as np

from configs.reading.busy_files import FileHeld
from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.board_metrics import METRIC_FIELDS, BoardMetrics
from interfaces.ipc.histogram import HISTOGRAM, Histogram
from interfaces.ipc.mapped_file import address_of, make_writable
from interfaces.ipc.no_links import open_here

MAX_HUMAN_ACTIONS = 64  # length of the field for actions sent by a person
MAX_REWARD_TERMS = 64
_BOARD = np.dtype(
    [
        # supervisor
        ("stop", "<u8"),  # Not 0: every process ends cleanly.
        ("supervisor_fence", "<u8"),  # Like `fence`, of the watch in the supervisor.
        ("supervisor_rests", "<u8"),  # How often that watch released the inputs.
        # commands of a person
        ("paused", "<u8"),  # Not 0: the policy does not act.
        ("halted", "<u8"),  # Not 0: emergency stop whose file could not be written.
        ("end_requested", "<u8"),  # Not 0: the supervisor ends the run, as after Ctrl-C.
        ("human_heartbeat_ns", "<i8"),  # Of the `drive` command.
        ("human_action", "<f8", (MAX_HUMAN_ACTIONS,)),  # In policy units.
        # guard
        ("guard_heartbeat_ns", "<i8"),
        ("fence", "<u8"),  # Not 0: the body must send nothing; the value counts the fences.
        ("rests", "<u8"),  # How often the guard released the inputs.
        # body
        ("body_pid", "<i8"),
        ("body_heartbeat_ns", "<i8"),
        ("body_resting", "<u8"),  # Not 0: inputs are released, no heartbeat is expected.
        ("fence_seen", "<u8"),  # The newest fence that the body has obeyed.
        ("supervisor_fence_seen", "<u8"),
        ("first_tick_ns", "<i8"),
        ("ticks", "<u8"),
        ("missed_beats", "<u8"),
        ("late_s", "<f8"),
        ("frame_age_s", "<f8"),
        ("no_frame", "<u8"),
        ("osc_sent", "<u8"),
        ("osc_received", "<u8"),
        ("osc_ignored", "<u8"),
        ("osc_foreign", "<u8"),  # Datagrams that another address than the client's sent.
        ("journal_dropped", "<u8"),
        # One past the newest Step. The start of the run writes what files of the run show.
        ("journal_end", "<u8"),
        ("reward_sums", "<f8", (MAX_REWARD_TERMS,)),  # Weighted, in the order of the terms.
        ("reward_now", "<f8"),
        ("value_now", "<f8"),
        ("situation", "<u8"),
        ("sender", "<u8"),
        ("action", "<f8", (16,)),
        ("weights_version", "<u8"),
        ("weights_applied", "<u8"),
        ("weights_refused", "<u8"),
        ("lateness", HISTOGRAM),
        ("frame_age", HISTOGRAM),
        ("decide", HISTOGRAM),
        ("swap", HISTOGRAM),
        ("publish_to_act", HISTOGRAM),
        # trainer
        ("trainer_heartbeat_ns", "<i8"),
        ("updates", "<u8"),
        ("session_updates", "<u8"),
        ("steps_lived", "<u8"),
        ("weights_published", "<u8"),
        *METRIC_FIELDS,
        # recorder
        ("recorder_heartbeat_ns", "<i8"),
        ("session_steps", "<u8"),
    ],
    align=True,
)
BOARD_BYTES = _BOARD.itemsize
HISTOGRAMS = ("lateness", "frame_age", "decide", "swap", "publish_to_act")


class Board:
    """`board["ticks"]` reads, `board["ticks"] = 3` writes; `board.histogram(name)` counts.

    `metrics`: what the trainer measures, by name.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if create:
            try:
                write_bytes(path, bytes(BOARD_BYTES))  # a new file: the old one may be mapped
            except FileHeld:  # Windows replaces no mapped file
                _clear(path)
        with path.open("r+b") as file:  # the mapping stays valid after the file is closed
            page = mmap.mmap(file.fileno(), BOARD_BYTES)
        mapped = np.frombuffer(page, np.uint8)
        self._address = address_of(mapped)
        record = mapped.view(_BOARD).reshape(())
        self._fields = {name: record[name] for name in _BOARD.names or ()}
        self.metrics = BoardMetrics(*(self._fields[str(field[0])] for field in METRIC_FIELDS))

    def __getitem__(self, name: str) -> Any:
        return self._fields[name][()]

    def __setitem__(self, name: str, value: object) -> None:
        self._fields[name][...] = value

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def histogram(self, name: str) -> Histogram:
        """The histogram field of this name; it shares the Board's memory."""
        return Histogram(self._fields[name])

    def make_writable(self) -> None:
        """Wait for pages that the system is writing to disk; the next writes then do not wait."""
        make_writable(self._address, BOARD_BYTES)

    def heartbeat(self, process: str) -> None:
        """Set the heartbeat of "body", "guard", "trainer", "recorder" or "human" to now."""
        self._fields[f"{process}_heartbeat_ns"][...] = time.perf_counter_ns()

    def heartbeat_age_s(self, process: str) -> float:
        """Seconds since the last heartbeat; 0 before the first one."""
        last = int(self[f"{process}_heartbeat_ns"])
        return (time.perf_counter_ns() - last) * 1e-9 if last else 0.0


def _clear(path: Path) -> None:
    """Set every field to 0 in place. Raises OSError for a file of another size."""
    with open_here(path, "r+b") as file:
        if file.seek(0, 2) != BOARD_BYTES:
            raise OSError(f"{path} is held open by another program, and is no Board: remove it")
        file.seek(0)
        file.write(bytes(BOARD_BYTES))
