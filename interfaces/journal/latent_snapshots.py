"""Latent keyframes: what the body's memory held, now and then, so that a life can be replayed from
its middle, where the weights of its beginning are no longer kept.

A mapped file of fixed size, the newest in the place of the oldest. It is written off the beat.
"""

import contextlib
import os
import zlib
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.ipc.mapped_file import address_of, allocate, make_writable, map_bytes, touch_pages

KEYFRAME_STEPS = 100  # from one to the next: ten seconds
_SLOTS = 1024  # nearly three hours
_MAGIC = b"YUMEK001"
_HEADER = np.dtype([("magic", "S8"), ("feature_size", "<u8"), ("slots", "<u8")])


class Keyframes:
    """Keeps the feature (F,) float32 after the Steps whose index is a multiple of KEYFRAME_STEPS.
    Raises OSError when the file cannot be made."""

    def __init__(self, path: Path, feature_size: int) -> None:
        dtype = _slot_dtype(feature_size)
        if _header(path) != (feature_size, _SLOTS):
            allocate(path, _HEADER.itemsize + _SLOTS * dtype.itemsize)
            with path.open("r+b") as file:
                file.write(np.array((_MAGIC, feature_size, _SLOTS), _HEADER).tobytes())
        mapped = map_bytes(path, write=True)
        touch_pages(mapped)
        self._slots = mapped[_HEADER.itemsize :].view(dtype)
        self._address = address_of(mapped) + _HEADER.itemsize

    def take(self, index: int, feature: NDArray[np.float32]) -> None:
        """Keep it if it is due."""
        if index % KEYFRAME_STEPS:
            return
        number = index // KEYFRAME_STEPS % _SLOTS
        size = self._slots.dtype.itemsize
        make_writable(self._address + number * size, size)
        slot = self._slots[number, ...]
        slot["feature"], slot["place"] = feature, index + 1
        slot["crc"] = _crc(slot)


def open_keyframes(path: Path, feature_size: int, next_index: int) -> Keyframes | None:
    """To go on at the Step `next_index`: of what was lost behind it (a power cut, a resume) none
    are kept. None where the disk does not allow it, which is said: without keyframes less can be
    replayed, and nothing else is lost."""
    try:
        drop_keyframes(path, next_index)
        return Keyframes(path, feature_size)
    except OSError as error:
        logger.warning("no keyframes for replay: {}", error)
        return None


def read_keyframes(path: Path, feature_size: int) -> dict[int, NDArray[np.float32]]:
    """Index of a Step to the feature (F,) after it; empty where none are kept, or another memory's.

    One that a crash left half written is not among them. Raises OSError.
    """
    if _header(path) != (feature_size, _SLOTS):
        return {}
    slots = np.fromfile(path, _slot_dtype(feature_size), offset=_HEADER.itemsize)
    return {int(slot["place"]) - 1: slot["feature"] for slot in slots if _whole(slot)}


def drop_keyframes(path: Path, first: int, before: int = 0) -> None:
    """Wipe those of the Steps from `first` on, and `before`: what was seen then is still in them.
    For a life nobody lives; it is on the disk when this returns. Raises OSError."""
    header = _header(path)
    if header is None:  # cut, or of another Yume: nobody can read it, and nobody shall
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    slots = np.fromfile(path, _slot_dtype(header[0]), offset=_HEADER.itemsize)
    stays = [_whole(slot) and before < int(slot["place"]) <= first for slot in slots]
    slots[~np.array(stays)] = np.zeros((), slots.dtype)
    with path.open("r+b") as file:
        file.seek(_HEADER.itemsize)
        file.write(slots.tobytes())
        file.flush()
        os.fsync(file.fileno())


def _slot_dtype(feature_size: int) -> np.dtype[np.void]:
    """place: 1 + the index of the Step, 0 where there is none."""
    return np.dtype([("crc", "<u4"), ("place", "<u8"), ("feature", "<f4", (feature_size,))])


def _whole(slot: NDArray[np.void]) -> bool:
    return bool(slot["place"]) and int(slot["crc"]) == _crc(slot)


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
