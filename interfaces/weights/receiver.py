"""The body's end: a thread copies and checks, the tick only flips a reference."""

import contextlib
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.weights.slots import Manifest, Slots, WeightsError, live_path
from interfaces.weights.versions import keep, load_kept, prune, read_pin

T = TypeVar("T")
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Applied(Generic[T]):
    """A version ready to act with. `publish_ns` is monotonic, from the trainer."""

    version: int
    publish_ns: int
    networks: T
    buffer: int


class WeightsReader(Generic[T]):
    """Two buffers: one in use, one being filled. `build` makes the networks that view a buffer.

    `refused` counts versions by why they were refused: torn, crc, not finite, not kept;
    and once each reason why the live file could not be read.
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
        self._slots: Slots | None = None
        self._ready: Applied[T] | None = None
        self._in_use = 0
        self._to_keep: Applied[T] | None = None
        self._seen = 0  # newest version of the live file taken or refused
        self._pinned: int | None = None
        self._refused_pin: int | None = None
        self.refused: dict[str, int] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def refused_total(self) -> int:
        return sum(count for why, count in self.refused.items() if why != "torn")

    def take_newer(self) -> Applied[T] | None:
        """The newest version, once; None when there is nothing newer. All that a tick calls."""
        ready = self._ready
        if ready is not None:
            # In this order: once `_ready` is empty, the thread may fill the buffer not in use.
            self._in_use = ready.buffer
            self._to_keep = ready
            self._ready = None
        return ready

    def poll(self) -> bool:
        """Copy and check what is newest; whether something is ready. Never called by the tick."""
        if self._ready is not None:
            return True
        if self._thread is not None:
            self._keep_applied()  # before the tick can flip again: every version applied is kept
        pinned = read_pin(self._folder, unreadable=self._pinned)
        if pinned != self._pinned:
            if pinned is not None:
                return self._load_pinned(pinned)
            # Unpinned: the newest live version counts as new again.
            self._pinned, self._refused_pin, self._seen = None, None, 0
        return pinned is None and self._copy_newest()

    def start(self) -> None:
        """Poll in a thread, and write down every version applied."""
        self._thread = threading.Thread(target=self._run, name="weights", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and keep what was applied last. Safe to call more than once."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            if not self._thread.is_alive():
                self._keep_applied()

    def save_applied(self) -> None:
        """Keep the version last applied, if it is not kept yet. Raises OSError."""
        applied = self._to_keep
        if applied is None:
            return
        keep(self._folder, applied.version, self._buffers[applied.buffer], self._manifest)
        prune(self._folder, self._keep_bytes)
        if self._to_keep is applied:
            self._to_keep = None

    def _run(self) -> None:
        told = ""
        while not self._closed.wait(_POLL_S):
            try:
                self.poll()
            except (WeightsError, OSError) as error:  # else the body would keep old weights, unsaid
                if str(error) != told:
                    told = str(error)
                    self.refused["unreadable"] = self.refused.get("unreadable", 0) + 1
                    logger.error("weights: {}", error)

    def _keep_applied(self) -> None:
        try:
            self.save_applied()
        except OSError as error:
            self._to_keep = None
            logger.warning("weights: a version could not be kept: {}", error)

    def _load_pinned(self, version: int) -> bool:
        try:
            flat = load_kept(self._folder, version, self._manifest)
        except (WeightsError, OSError, ValueError) as error:
            if self._refused_pin != version:
                self._refuse("not kept", version, str(error))
            self._refused_pin = version
            if not isinstance(error, OSError):  # a file held by another program may be free soon
                self._pinned = version
            return False
        self._pinned = version
        spare = 1 - self._in_use
        self._buffers[spare][:] = flat
        self._ready = Applied(version, 0, self._networks[spare], spare)
        return True

    def _copy_newest(self) -> bool:
        slots = self._open()
        slot = slots.newest() if slots is not None else None
        if slots is None or slot is None or int(slots.version[slot]) <= self._seen:
            return False
        sequence, version = int(slots.sequence[slot]), int(slots.version[slot])
        publish_ns, crc = int(slots.publish_ns[slot]), int(slots.crc[slot])
        spare = 1 - self._in_use
        buffer = self._buffers[spare]
        np.copyto(buffer, slots.data[slot])
        if sequence % 2 or int(slots.sequence[slot]) != sequence:
            self.refused["torn"] = self.refused.get("torn", 0) + 1
            return False  # the writer came by; the next poll finds a newer one
        self._seen = version
        if zlib.crc32(buffer.data) != crc:
            self._refuse("crc", version, "its checksum does not fit")
        elif not np.isfinite(buffer).all():
            self._refuse("not finite", version, "it has numbers that are not finite")
        else:
            self._ready = Applied(version, publish_ns, self._networks[spare], spare)
            return True
        return False

    def _refuse(self, why: str, version: int, message: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1
        logger.warning("weights: version {} refused: {}", version, message)

    def _open(self) -> Slots | None:
        """The live file, as soon as the trainer has made it."""
        if self._slots is None:
            with contextlib.suppress(FileNotFoundError):
                self._slots = Slots(
                    live_path(self._folder, self._manifest), self._manifest, write=False
                )
        return self._slots
