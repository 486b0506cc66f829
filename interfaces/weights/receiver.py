"""The receiver of the body: a thread copies and checks weights, a tick switches a reference."""

import contextlib
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.ipc.mapped_file import file_identity
from interfaces.weights.slots import Manifest, ReadSlots, WeightsError, live_path
from interfaces.weights.versions import load_version, prune_versions, read_pin, save_version

T = TypeVar("T")
_POLL_S, _LOOK_S = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class Applied(Generic[T]):
    """A checked version of the weights. `publish_ns` is the trainer's monotonic time."""

    version: int
    publish_ns: int
    networks: T
    buffer: int


class WeightsReader(Generic[T]):
    """Receives weights in two buffers: the body uses one, the thread fills the other.

    `build` makes the networks whose parameters are views of a buffer. `refused` counts the refused
    versions by reason: torn, crc, not finite, not stored. "unreadable" counts the different errors
    of the live file.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        build: Callable[[NDArray[np.float32]], T],
        keep_bytes: int,
    ) -> None:
        self._folder, self._manifest, self._keep_bytes = folder, manifest, keep_bytes
        self._buffers = [np.zeros(manifest.size, np.float32) for _ in range(2)]
        self._networks = [build(buffer) for buffer in self._buffers]
        self._slots: ReadSlots | None = None
        self._file: tuple[int, int, int] | None = None  # identity of the open file
        self._next_look_s = 0.0
        self._ready: Applied[T] | None = None
        self._in_use = 0
        self._unsaved: Applied[T] | None = None
        self._seen = 0  # newest version of the live file taken or refused
        self._pinned: int | None = None
        self._refused_pin: int | None = None
        self.refused: dict[str, int] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def refused_total(self) -> int:
        """How many versions were refused; torn reads, which are repeated, do not count."""
        return sum(count for reason, count in self.refused.items() if reason != "torn")

    def take_newer(self) -> Applied[T] | None:
        """Return each newest version once, else None. The only method that a tick calls."""
        ready = self._ready
        if ready is not None:
            # The order matters: when `_ready` is None, the thread may fill the unused buffer.
            self._in_use = ready.buffer
            self._unsaved = ready
            self._ready = None
        return ready

    def poll(self) -> bool:
        """Copy and check the newest version. True if a version is ready. Not called in a tick."""
        if self._ready is not None:
            return True
        if self._thread is not None:
            self._save_applied_or_warn()  # before the next switch: every applied version is stored
        pinned = read_pin(self._folder, unreadable=self._pinned)
        if pinned != self._pinned:
            if pinned is not None:
                return self._load_pinned(pinned)
            # Unpinned: the newest live version counts as new again.
            self._pinned, self._refused_pin, self._seen = None, None, 0
        return pinned is None and self._copy_newest()

    def start(self) -> None:
        """Start a thread that polls and stores every applied version."""
        self._thread = threading.Thread(target=self._run, name="weights", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and store the last applied version. Safe to call more than once."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            if not self._thread.is_alive():
                self._save_applied_or_warn()

    def save_applied(self) -> None:
        """Store the last applied version if it is not stored yet. Raises OSError."""
        applied = self._unsaved
        if applied is None:
            return
        save_version(self._folder, applied.version, self._buffers[applied.buffer], self._manifest)
        prune_versions(self._folder, self._keep_bytes)
        if self._unsaved is applied:
            self._unsaved = None

    def _run(self) -> None:
        last_error = ""
        while not self._closed.wait(_POLL_S):
            try:
                self.poll()
            except (WeightsError, OSError) as error:  # the body keeps its weights: log why
                if str(error) != last_error:
                    last_error = str(error)
                    self.refused["unreadable"] = self.refused.get("unreadable", 0) + 1
                    logger.error("weights: {}", error)

    def _save_applied_or_warn(self) -> None:
        try:
            self.save_applied()
        except OSError as error:
            self._unsaved = None
            logger.warning("weights: a version could not be stored: {}", error)

    def _load_pinned(self, version: int) -> bool:
        try:
            flat = load_version(self._folder, version, self._manifest)
        except (WeightsError, OSError, ValueError) as error:
            if self._refused_pin != version:
                self._refuse("not stored", version, str(error))
            self._refused_pin = version
            if not isinstance(error, OSError):  # an OSError may be temporary: try again
                self._pinned = version
            return False
        self._pinned = version
        spare = 1 - self._in_use
        self._buffers[spare][:] = flat
        self._ready = Applied(version, 0, self._networks[spare], spare)
        return True

    def _copy_newest(self) -> bool:
        slots = self._open()
        if slots is None:
            return False
        slots.refresh()
        slot = slots.newest()
        if slot is None or int(slots.version[slot]) <= self._seen:
            return False
        sequence, version = int(slots.sequence[slot]), int(slots.version[slot])
        publish_ns, crc = int(slots.publish_ns[slot]), int(slots.crc[slot])
        spare = 1 - self._in_use
        buffer = self._buffers[spare]
        is_whole = slots.copy(slot, buffer)
        slots.refresh()
        if not is_whole or sequence % 2 or int(slots.sequence[slot]) != sequence:
            self.refused["torn"] = self.refused.get("torn", 0) + 1
            return False  # the writer overwrote it meanwhile; the next poll finds a newer version
        self._seen = version
        if zlib.crc32(buffer.data) != crc & 0xFFFFFFFF:
            self._refuse("crc", version, "its checksum does not match")
        elif not np.isfinite(buffer).all():
            self._refuse("not finite", version, "it contains numbers that are not finite")
        else:
            self._ready = Applied(version, publish_ns, self._networks[spare], spare)
            return True
        return False

    def _refuse(self, reason: str, version: int, message: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
        logger.warning("weights: version {} refused: {}", version, message)

    def _open(self) -> ReadSlots | None:
        """The live file, or None until the trainer has created it.

        A restarted trainer replaces a file that was deleted or damaged: then the new one is opened.
        """
        path = live_path(self._folder, self._manifest)
        if self._slots is not None and (now := time.perf_counter()) >= self._next_look_s:
            self._next_look_s = now + _LOOK_S
            if file_identity(path) not in (None, self._file):
                self._slots, self._seen = None, 0
        if self._slots is None:
            with contextlib.suppress(FileNotFoundError):
                self._file = file_identity(path)
                self._slots = ReadSlots(path, self._manifest)
        return self._slots
