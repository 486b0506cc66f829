"""The publisher of the trainer: it writes each version into the oldest slot."""

import contextlib
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.weights.slots import (
    LIVE_FILES,
    SLOTS,
    Manifest,
    Slots,
    WeightsError,
    create_live,
    is_live_file,
    seal,
)


class WeightsWriter:
    """Publishes flat float32 buffers. Only one writer may exist at a time."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        path = create_live(folder, manifest)
        for other in folder.glob(LIVE_FILES):  # of networks that this run no longer uses
            if other != path and is_live_file(other):
                with contextlib.suppress(OSError):
                    other.unlink()
        self._slots = Slots(path, manifest)
        self._size = manifest.size

    @property
    def last_version(self) -> int:
        """The newest complete version in the file, 0 when there is none."""
        newest = self._slots.newest()
        return 0 if newest is None else int(self._slots.version[newest])

    def publish(self, flat: NDArray[np.float32], version: int, publish_ns: int) -> None:
        """Write `flat` (size,) float32 as `version`, which must be newer than the last one.

        `publish_ns` is monotonic time. Raises WeightsError for another shape, for numbers that are
        not finite and for a version that is not newer.
        """
        if flat.shape != (self._size,) or flat.dtype != np.float32:
            raise WeightsError(f"weights of shape {flat.shape}, expected ({self._size},) float32")
        flat = np.ascontiguousarray(flat)
        if not np.isfinite(flat).all():
            raise WeightsError(f"version {version} contains numbers that are not finite")
        if version <= self.last_version:
            raise WeightsError(f"version {version} is not newer than {self.last_version}")
        slots = self._slots
        slot = min(range(SLOTS), key=lambda i: (slots.is_complete(i), slots.version[i]))
        slots.sequence[slot] |= 1  # odd while writing; a crash may have left it odd
        slots.version[slot] = version
        slots.publish_ns[slot] = publish_ns
        slots.data[slot] = flat
        slots.crc[slot] = seal(zlib.crc32(flat.data), version, publish_ns)
        slots.sequence[slot] += 1
