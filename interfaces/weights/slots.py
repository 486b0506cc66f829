"""The file format of published weights: three slots with a sequence number, a version and a CRC.

The sequence number of a slot is odd while the slot is being written. A reader copies the slot, then
checks that the sequence number is unchanged and that the CRC matches. With three slots, the writer
rarely overwrites the slot that a reader copies.
"""

import hashlib
import json
import math
import os
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.reading.busy_files import delete_file, replace_file
from interfaces.ipc.file_reader import FileReader
from interfaces.ipc.mapped_file import allocate, map_bytes
from interfaces.ipc.regular_file import is_nearly, open_regular
from interfaces.ipc.set_aside import set_aside

SLOTS = 3
_MAGIC = b"YUMEW001"
_HEADER = np.dtype([("magic", "S8"), ("size", "<u8"), ("hash", "S64")])
_SLOT = np.dtype([("sequence", "<u8"), ("version", "<u8"), ("publish_ns", "<i8"), ("crc", "<u8")])
_TABLE, _DATA = 256, 4096  # positions in the file
_STATED = struct.Struct("<Qq")  # version, publish_ns


class WeightsError(BadInput, ValueError):
    """The weights are not finite, have another shape, or are not stored."""


@dataclass(frozen=True)
class Manifest:
    """Names and shapes of the arrays in a flat float32 buffer, in order."""

    entries: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def size(self) -> int:
        """Number of float32 values in the buffer."""
        return sum(math.prod(shape) for _, shape in self.entries)

    @property
    def hash(self) -> str:
        """SHA-256 of names, shapes and order. Writer and reader must have the same one."""
        return hashlib.sha256(json.dumps(self.entries).encode()).hexdigest()

    def to_json(self) -> list[list[object]]:
        """[name, [sizes]] of each array, in order; all are float32."""
        return [[name, list(shape)] for name, shape in self.entries]


class SlotTable:
    """What the slots of a live file hold, without the weights."""

    def __init__(self, table: NDArray[np.void]) -> None:
        self.sequence, self.version = table["sequence"], table["version"]
        self.publish_ns, self.crc = table["publish_ns"], table["crc"]

    def newest(self) -> int | None:
        """The slot with the newest complete version; None when there is none.

        A slot whose version has a wrong checksum is not complete.
        """
        complete = [i for i in range(SLOTS) if self.is_complete(i) and self.version[i] > 0]
        return max(complete, key=lambda i: int(self.version[i]), default=None)

    def is_complete(self, slot: int) -> bool:
        """Whether nothing is being written, and version and time have the right checksum.

        Older files have no such checksum.
        """
        check = int(self.crc[slot]) >> 32
        stated = not check or check == _check(int(self.version[slot]), int(self.publish_ns[slot]))
        return self.sequence[slot] % 2 == 0 and stated


class Slots(SlotTable):
    """The mapped file `live-HASH.mmap` of one manifest, for its writer."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Raises WeightsError for another size or manifest, and OSError."""
        _check_live(path, manifest, write=True)
        mapped = map_bytes(path, write=True)
        super().__init__(mapped[_TABLE : _TABLE + SLOTS * _SLOT.itemsize].view(_SLOT))
        self.data: NDArray[np.float32] = (
            mapped[_DATA:].view(np.float32).reshape(SLOTS, manifest.size)
        )


class ReadSlots(SlotTable):
    """The live file for a reader. It is read, not mapped: a program that cuts the file does not end
    the body. The table is that of the last `refresh`.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Raises WeightsError for another size or manifest, and OSError."""
        _check_live(path, manifest, write=False)
        self._file = FileReader(path)
        self._table = np.zeros(SLOTS, _SLOT)
        self._bytes = 4 * manifest.size
        super().__init__(self._table)
        self.refresh()

    def refresh(self) -> None:
        """Read the table again. That of a file that was cut stays as it was, or is not complete."""
        self._file.read_into(_TABLE, self._table.view(np.uint8))

    def copy(self, slot: int, target: NDArray[np.float32]) -> bool:
        """Copy the weights of a slot to `target` (size,). False if the file is too short."""
        place = _DATA + slot * self._bytes
        return self._file.read_into(place, target.view(np.uint8)) == self._bytes


def seal(data_crc: int, version: int, publish_ns: int) -> int:
    """The checksum word of a slot: that of the weights, and above it that of version and time."""
    return data_crc | _check(version, publish_ns) << 32


def _check(version: int, publish_ns: int) -> int:
    return zlib.crc32(_STATED.pack(version, publish_ns)) or 1  # 0 means: without a checksum


LIVE_FILES = "live-*.mmap"


def live_path(folder: Path, manifest: Manifest) -> Path:
    """The path of the live file. Each manifest has its own: Windows replaces no mapped file."""
    return folder / f"live-{manifest.hash[:8]}.mmap"


def create_live(folder: Path, manifest: Manifest) -> Path:
    """Create the live file, fully allocated, unless a complete one exists. Return its path.

    A file of ours without its header (after a power cut) is replaced. Something else with this name
    is renamed to NAME.damaged-N: it must not end the run. Raises LinkRefused for a link, and
    OSError, also when the disk is full.
    """
    path = live_path(folder, manifest)
    if os.path.lexists(path):
        if not is_live_file(path):
            aside = set_aside(path)
            logger.error(
                "weights: {} is no file of published weights: set aside as {}; no Step is lost",
                path,
                aside.name,
            )
        else:
            try:
                Slots(path, manifest)
                return path
            except WeightsError:
                delete_file(path)
    folder.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".new")
    allocate(hidden, _file_size(manifest))
    mapped = map_bytes(hidden, write=True)
    mapped[: _HEADER.itemsize] = np.frombuffer(_header(manifest), np.uint8)
    del mapped
    replace_file(hidden, path)
    return path


def _check_live(path: Path, manifest: Manifest, *, write: bool) -> None:
    with open_regular(path, write=write) as file:
        begin, size = file.read(_HEADER.itemsize), file.seek(0, 2)
    if size != _file_size(manifest):
        raise WeightsError(f"{path} is truncated or contains weights of another network")
    if begin != _header(manifest):
        raise WeightsError(f"{path} contains weights of another network")


def is_live_file(path: Path) -> bool:
    """Whether the content shows a file of published weights, also a damaged one."""
    try:
        with open_regular(path, write=True) as file:
            return is_nearly(file.read(_HEADER.itemsize), _MAGIC)
    except OSError:
        return False


def _header(manifest: Manifest) -> bytes:
    return np.array((_MAGIC, manifest.size, manifest.hash.encode()), _HEADER).tobytes()


def _file_size(manifest: Manifest) -> int:
    return _DATA + SLOTS * manifest.size * 4


assert sys.byteorder == "little", "the mapped files are little-endian, read without conversion"
