"""Latent keyframes: what the body's memory held, now and then, so that a life can be replayed from
its middle, where the weights of its beginning are no longer kept.

A file of fixed size, the newest in the place of the oldest. It is written off the beat.
"""

import zlib
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.mapped import allocate

KEYFRAME_STEPS = 100  # from one to the next: ten seconds
_SLOTS = 1024  # nearly three hours
_MAGIC = b"YUMEK001"
_HEADER = np.dtype([("magic", "S8"), ("feature_size", "<u8"), ("slots", "<u8")])
_EMPTY = 0


class Keyframes:
    """Keeps the feature (F,) float32 after the Steps whose index is a multiple of KEYFRAME_STEPS.

    `next_index`: of the Step to come; of what was lost behind it (a power cut, a resume) none are
    kept. Raises OSError when the file cannot be made.
    """

    def __init__(self, path: Path, feature_size: int, next_index: int) -> None:
        self._path = path
        self._slot = np.zeros((), _slot_dtype(feature_size))
        self._failed = False
        if _header(path) != (feature_size, _SLOTS):
            allocate(path, _HEADER.itemsize + _SLOTS * self._slot.itemsize)
            with path.open("r+b") as file:
                file.write(np.array((_MAGIC, feature_size, _SLOTS), _HEADER).tobytes())
        drop_keyframes(path, next_index)

    def take(self, index: int, feature: NDArray[np.float32]) -> None:
        """Keep it if it is due. Where the disk fails it is said once, and life goes on: without
        keyframes less can be replayed, and nothing else is lost."""
        if index % KEYFRAME_STEPS or self._failed:
            return
        slot = self._slot
        slot["feature"], slot["place"] = feature, index + 1
        slot["crc"] = _crc(slot)
        number = index // KEYFRAME_STEPS % _SLOTS
        try:
            with self._path.open("r+b") as file:
                file.seek(_HEADER.itemsize + number * slot.itemsize)
                file.write(slot.tobytes())
        except OSError as error:
            self._failed = True
            logger.error("no more keyframes for replay: {}", error)


def read_keyframes(path: Path, feature_size: int) -> dict[int, NDArray[np.float32]]:
    """Index of a Step to the feature (F,) after it; empty where none are kept, or another memory's.

    One that a crash left half written is not among them. Raises OSError.
    """
    if _header(path) != (feature_size, _SLOTS):
        return {}
    slots = np.fromfile(path, _slot_dtype(feature_size), offset=_HEADER.itemsize)
    whole = [slot for slot in slots if slot["place"] != _EMPTY and slot["crc"] == _crc(slot)]
    return {int(slot["place"]) - 1: slot["feature"] for slot in whole}


def drop_keyframes(path: Path, first: int) -> None:
    """Wipe those of the Steps from `first` on: what was seen then is still in them. For a life
    nobody lives. Raises OSError."""
    header = _header(path)
    if header is None:
        return
    slots = np.fromfile(path, _slot_dtype(header[0]), offset=_HEADER.itemsize)
    slots[slots["place"] > first] = np.zeros((), slots.dtype)
    with path.open("r+b") as file:
        file.seek(_HEADER.itemsize)
        file.write(slots.tobytes())


def _slot_dtype(feature_size: int) -> np.dtype[np.void]:
    """place: 1 + the index of the Step, 0 where there is none."""
    return np.dtype([("crc", "<u4"), ("place", "<u8"), ("feature", "<f4", (feature_size,))])


def _crc(slot: NDArray[np.void]) -> int:
    return zlib.crc32(slot["feature"].tobytes(), int(slot["place"]) & 0xFFFFFFFF)


def _header(path: Path) -> tuple[int, int] | None:
    """Feature size and slots of a whole file; None for any other."""
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
    whole = size == _HEADER.itemsize + slots * _slot_dtype(features).itemsize
    return (features, slots) if whole else None
