"""Latent snapshots: the recurrent state of the body at regular Steps.

A replay can start at a snapshot where the weights of the first Steps are no longer stored. The
file is mapped and has a fixed size; the newest snapshot replaces the oldest. The body's tick never
writes it.
"""

import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.reading.busy_files import delete_file
from interfaces.ipc.mapped_file import address_of, allocate, make_writable, map_bytes, touch_pages
from interfaces.ipc.no_links import open_here
from interfaces.ipc.regular_file import NotRegularFile, is_nearly, open_regular

SNAPSHOT_INTERVAL_STEPS = 100  # 10 s at 10 Hz
_SLOTS = 1024  # nearly three hours at 10 Hz
_MAX_FEATURES = 2**20  # numbers of one latent state
_MAGIC = b"YUMEK001"
_HEADER = np.dtype([("magic", "S8"), ("feature_size", "<u8"), ("slots", "<u8")])


class LatentSnapshots:
    """Stores the feature (F,) float32 after each Step with index % SNAPSHOT_INTERVAL_STEPS == 0.

    Raises OSError when the file cannot be created, also where something else has its name.
    """

    def __init__(self, path: Path, feature_size: int) -> None:
        dtype = _slot_dtype(feature_size)
        if _read_header(path) != (feature_size, _SLOTS):
            if not _may_be_replaced(path):
                raise NotRegularFile(f"{path} holds no latent snapshots: move it elsewhere")
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
    dtype = _slot_dtype(feature_size)
    snapshots: dict[int, NDArray[np.float32]] = {}
    with open_regular(path) as file:
        for number in range(_SLOTS):
            slot = _read_slot(file, number, dtype)
            if slot is not None and _is_intact(slot, number):
                snapshots[int(slot["place"]) - 1] = slot["feature"]
    return snapshots


def latent_snapshots_end(path: Path) -> int:
    """One past the newest Step with a snapshot; 0 without one. Raises OSError."""
    header = _read_header(path)
    if header is None:
        return 0
    return max((index + 1 for index in read_latent_snapshots(path, header[0])), default=0)


def drop_latent_snapshots(path: Path, first: int, before: int = 0) -> None:
    """Erase the snapshots of Steps with index >= `first` or < `before`, because they contain traces
    of what was observed.

    The body must not be running. The change is on disk when this returns. Raises OSError.
    """
    header = _read_header(path)
    if header is None:  # cut, or of another version: it cannot be read and must not remain
        if _may_be_replaced(path):
            delete_file(path, missing_ok=True)
        return
    dtype = _slot_dtype(header[0])
    empty = np.zeros((), dtype).tobytes()
    with open_here(path, "r+b") as file:
        for number in range(_SLOTS):
            slot = _read_slot(file, number, dtype)
            if slot is None or not (
                _is_intact(slot, number) and before < int(slot["place"]) <= first
            ):
                file.seek(_HEADER.itemsize + number * dtype.itemsize)
                file.write(empty)
        os.fsync(file.fileno())


def _slot_dtype(feature_size: int) -> np.dtype[np.void]:
    """`place` is 1 + the index of the Step, 0 in an empty slot."""
    return np.dtype([("crc", "<u4"), ("place", "<u8"), ("feature", "<f4", (feature_size,))])


def _read_slot(file: BinaryIO, number: int, dtype: np.dtype[np.void]) -> NDArray[np.void] | None:
    """A 0-d record; None behind the end of a file that becomes shorter."""
    file.seek(_HEADER.itemsize + number * dtype.itemsize)
    content = file.read(dtype.itemsize)
    return np.frombuffer(content, dtype)[0, ...] if len(content) == dtype.itemsize else None


def _is_intact(slot: NDArray[np.void], number: int) -> bool:
    """Whether the checksum is right, and the Step is one that is stored in this slot."""
    after = int(slot["place"]) - 1
    is_here = after % SNAPSHOT_INTERVAL_STEPS == 0 and (
        after // SNAPSHOT_INTERVAL_STEPS % _SLOTS == number
    )
    return 0 <= after < 2**63 and is_here and int(slot["crc"]) == _crc(slot)


def _crc(slot: NDArray[np.void]) -> int:
    return zlib.crc32(slot["feature"].tobytes(), int(slot["place"]) & 0xFFFFFFFF)


def _read_header(path: Path) -> tuple[int, int] | None:
    """(feature size, number of slots) of a complete file; None for any other."""
    try:
        with open_regular(path) as file:
            begin, size = file.read(_HEADER.itemsize), file.seek(0, os.SEEK_END)
    except FileNotFoundError:
        return None
    if len(begin) < _HEADER.itemsize:
        return None
    header = np.frombuffer(begin, _HEADER)[0]
    features, slots = int(header["feature_size"]), int(header["slots"])
    if header["magic"] != _MAGIC or slots != _SLOTS or features > _MAX_FEATURES:
        return None
    is_complete = size == _HEADER.itemsize + slots * _slot_dtype(features).itemsize
    return (features, slots) if is_complete else None


def _may_be_replaced(path: Path) -> bool:
    """Whether there is no file, or one whose content shows that it is ours."""
    try:
        with open_regular(path, write=True) as file:
            return is_nearly(file.read(_HEADER.itemsize), _MAGIC)
    except FileNotFoundError:
        return True
    except NotRegularFile:
        return False
