"""The Board: one mapped page where every process writes its own heartbeat and gauges.

Each field has exactly one writer, is aligned, and is at most eight bytes: readers need no lock.
"""

import mmap
import time
from pathlib import Path
from typing import Any

import numpy as np

from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.histogram import HISTOGRAM, Histogram
from interfaces.ipc.mapped_file import address_of, make_writable

MOST_DRIVEN = 64  # actions a person can drive
_BOARD = np.dtype(
    [
        # supervisor
        ("stop", "<u8"),  # not 0: everybody ends cleanly
        # people, by commands
        ("paused", "<u8"),  # not 0: the policy does not act
        ("halted", "<u8"),  # not 0: the emergency stop, where there is no place for its file
        ("human_heartbeat_ns", "<i8"),  # of who drives
        ("human_action", "<f8", (MOST_DRIVEN,)),  # in policy units
        # guard
        ("guard_heartbeat_ns", "<i8"),
        ("fence", "<u8"),  # not 0: the body sends nothing; the number counts the fences raised
        ("rests", "<u8"),  # how often the guard let go of the inputs
        # body
        ("body_pid", "<i8"),
        ("body_heartbeat_ns", "<i8"),
        ("body_resting", "<u8"),  # not 0: it has let go by itself, and its silence is no hanging
        ("fence_seen", "<u8"),  # the newest fence the body has stopped at
        ("first_tick_ns", "<i8"),
        ("ticks", "<u8"),
        ("missed_beats", "<u8"),
        ("late_s", "<f8"),
        ("frame_age_s", "<f8"),
        ("no_frame", "<u8"),
        ("osc_sent", "<u8"),
        ("osc_received", "<u8"),
        ("osc_ignored", "<u8"),
        ("journal_dropped", "<u8"),
        ("reward_parameters", "<f8"),
        ("reward_action_cost", "<f8"),
        ("reward_world", "<f8"),
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
        ("loss_image", "<f8"),
        ("loss_vector", "<f8"),
        ("loss_sound", "<f8"),
        ("loss_reward", "<f8"),
        ("loss_kl", "<f8"),
        ("loss_model", "<f8"),
        ("loss_policy", "<f8"),
        ("loss_value", "<f8"),
        ("surprise", "<f8"),
        ("dream_return", "<f8"),
        ("entropy", "<f8"),
        ("return_dreamed", "<f8"),  # of one horizon, from the same starts as return_lived
        ("return_lived", "<f8"),
        ("return_replayed", "<f8"),
        ("honesty_measured", "<u8"),
        ("psnr_model", "<f8"),
        ("psnr_last_frame", "<f8"),
        ("psnr_mean_frame", "<f8"),
        # recorder
        ("session_steps", "<u8"),
    ],
    align=True,
)
HISTOGRAMS = ("lateness", "frame_age", "decide", "swap", "publish_to_act")


class Board:
    """`board["ticks"]` reads, `board["ticks"] = 3` writes; `board.histogram(name)` counts."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if create:
            write_bytes(path, bytes(_BOARD.itemsize))  # a new file: an old one may be mapped yet
        with path.open("r+b") as file:  # the mapping holds the file by itself
            page = mmap.mmap(file.fileno(), _BOARD.itemsize)
        mapped = np.frombuffer(page, np.uint8)
        self._address = address_of(mapped)
        record = mapped.view(_BOARD).reshape(())
        self._fields = {name: record[name] for name in _BOARD.names or ()}

    def __getitem__(self, name: str) -> Any:
        return self._fields[name][()]

    def __setitem__(self, name: str, value: object) -> None:
        self._fields[name][...] = value

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def histogram(self, name: str) -> Histogram:
        return Histogram(self._fields[name])

    def make_writable(self) -> None:
        """Wait now for a page that the system is writing to disk; the next writes do not."""
        make_writable(self._address, _BOARD.itemsize)

    def beat(self, process: str) -> None:
        """Heartbeat of body, guard, trainer or the human who drives, now."""
        self._fields[f"{process}_heartbeat_ns"][...] = time.perf_counter_ns()

    def heartbeat_age_s(self, process: str) -> float:
        """Seconds since the last heartbeat; 0 when there was none yet."""
        last = int(self[f"{process}_heartbeat_ns"])
        return (time.perf_counter_ns() - last) * 1e-9 if last else 0.0
