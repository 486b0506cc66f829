"""Latent snapshots: the recurrent state of the body at regular Steps.

A replay can start at a snapshot where the weights of the first Steps are no longer stored. The
file is mapped and has a fixed size; the newest snapshot replaces the oldest. The body's tick never
writes it.
"""

import contextlib
import os
import zlib
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.ipc.mapped_file import address_of, allocate, make_writable, map_bytes, touch_pages
from interfaces.ipc.no_links import open_here

SNAPSHOT_INTERVAL_STEPS = 100  # 10 s at 10 Hz
_SLOTS = 1024  # nearly three hours at 10 Hz
_MAGIC = b"YUMEK001"
_HEADER = np.dtype([("magic", "S8"), ("feature_size", "<u8"), ("slots", "<u8")])


class LatentSnapshots:
    """Stores the feature (F,) float32 after each Step with index % SNAPSHOT_INTERVAL_STEPS == 0.

    Raises OSError when the file cannot be created.
    """

    def __init__(self, path: Path, feature_size: int) -> None:
        dtype = _slot_dtype(feature_size)
        if _read_header(path) != (feature_size, _SLOTS):
            allocate(path, _HEADER.itemsize + _SLOTS * dtype.itemsize)
            with open_here(path, "r+b") as file:
                file.write(np.array((_MAGIC, feature_size, _SLOTS), _HEADER).tobytes())
        mapped = map_bytes(path, write=True)
        touch_pages(mapped)
        self._slots = mapped[_HEADER.itemsize :].view(dtype)
        self._address = address_of(mapped) + _HEADER.itemsize

    def save_if_due(self, index: int, feature: NDArray[np.float32]) -> None:
        """Store `feature` (F,) when `index` is a multiple of SNAPSHOT_INTERVAL_STEPS."""
        if index % SNAPSHOT_INTERVAL_STEPS:
            return
        number = index // SNAPSHOT_INTERVAL_STEPS % _SLOTS
        size = self._slots.dtype.itemsize
        make_writable(self._address + number * size, size)
        slot = self._slots[number, ...]
        slot["feature"], slot["place"] = feature, index + 1
        slot["crc"] = _crc(slot)


def open_latent_snapshots(path: Path, feature_size: int, next_index: int) -> LatentSnapshots | None:
    """Open the file for a body that continues at the Step `next_index`.

    Snapshots from that Step on are erased: their Steps were lost in a power cut or a resume.
    Returns None with a warning when the file cannot be written. Then less can be replayed, and
    everything else works.
    """
    try:
        drop_latent_snapshots(path, next_index)
        return LatentSnapshots(path, feature_size)
    except OSError as error:
        logger.warning("no latent snapshots for replay: {}", error)
        return None


def read_latent_snapshots(path: Path, feature_size: int) -> dict[int, NDArray[np.float32]]:
    """Map the index of a Step to the feature (F,) after it.

    Snapshots that a crash left incomplete are left out. The result is empty without a file or when
    the feature size differs. Raises OSError.
    """
    if _read_header(path) != (feature_size, _SLOTS):
        return {}
    slots = np.fromfile(path, _slot_dtype(feature_size), offset=_HEADER.itemsize)
    return {int(slot["place"]) - 1: slot["feature"] for slot in slots if _is_intact(slot)}


def drop_latent_snapshots(path: Path, first: int, before: int = 0) -> None:
    """Erase the snapshots of Steps with index >= `first` or < `before`, because they contain traces
    of what was observed.

    The body must not be running. The change is on disk when this returns. Raises OSError.
    """
    header = _read_header(path)
    if header is None:  # cut, or of another version: it cannot be read and must not remain
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    slots = np.fromfile(path, _slot_dtype(header[0]), offset=_HEADER.itemsize)
    stays = [_is_intact(slot) and before < int(slot["place"]) <= first for slot in slots]
    slots[~np.array(stays)] = np.zeros((), slots.dtype)
    with open_here(path, "r+b") as file:
        file.seek(_HEADER.itemsize)
        file.write(slots.tobytes())
        file.flush()
        os.fsync(file.fileno())


def _slot_dtype(feature_size: int) -> np.dtype[np.void]:
    """`place` is 1 + the index of the Step, 0 in an empty slot."""
    return np.dtype([("crc", "<u4"), ("place", "<u8"), ("feature", "<f4", (feature_size,))])


def _is_intact(slot: NDArray[np.void]) -> bool:
    return bool(slot["place"]) and int(slot["crc"]) == _crc(slot)


def _crc(slot: NDArray[np.void]) -> int:
    return zlib.crc32(slot["feature"].tobytes(), int(slot["place"]) & 0xFFFFFFFF)


def _read_header(path: Path) -> tuple[int, int] | None:
    """(feature size, number of slots) of a complete file; None for any other."""
    try:
        with path.open("rb") as file:
            begin = file.read(_HEADER.itemsize)
            size = path.stat().st_size
    except FileNotFoundError:
        return None
    if len(begin) < _HEADER.itemsize:
        return None
    header = np.frombuffer(begin, _HEADER)[0]
    features, slots = int(header["feature_size"]), int(header["slots"])
    if header["magic"] != _MAGIC or slots != _SLOTS or features > size:
        return None
    is_complete = size == _HEADER.itemsize + slots * _slot_dtype(features).itemsize
    return (features, slots) if is_complete else None
