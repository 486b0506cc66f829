"""The header of a segment file: a fixed part with a checksum and a copy, and three counters.

The fixed part says where the records are and which fields they have. It is written once, in two
copies of whole pages, with a CRC. Each counter is one word of eight bytes: 32 bits of value and
their CRC. So the writer commits a Step with one store, and a reader can prove what it reads.

Segments of format 1 have neither checksum nor copy. They are read, and never continued.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from interfaces.ipc.regular_file import NotRegularFile, is_nearly, open_regular
from interfaces.journal.journal_errors import (
    DamagedSegment,
    ForeignSegment,
    JournalError,
    NewerJournal,
)
from interfaces.journal.step_fields import fields_from_json, fields_to_json

MAGIC = b"YUMEJ001"  # format 1, also of layout.json
CHECKED_MAGIC = b"YUMEJ002"
_FAMILY = MAGIC[:5]  # followed by the number of the format
_OLD_HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("first", "<u8"),
        ("capacity", "<u8"),
        ("record", "<u8"),
        ("committed", "<u8"),
        ("gone", "<u8"),  # discarded; the file is deleted when the system allows it
        # Files of version 0.1.0 have 0 in the fields from here on.
        ("closed", "<u8"),  # not 0: 1 + the number of Steps after which a new layout began
        ("fields", "<u8"),  # size of the JSON after the header, with the fields of a Step
        ("records", "<u8"),  # position of the first record; 0: after one page
    ]
)
# `check` is the CRC of the fixed part: all but the counters and itself.
HEADER = np.dtype([*_OLD_HEADER.descr, ("check", "<u4"), ("unused", "<u4")])
COMMITTED, GONE, CLOSED = 4, 5, 6  # words of eight bytes from the start of the file
PAGE = 4096
_MAX_FIELDS = 2**20  # bytes of JSON
MAX_CAPACITY = 2**32 - 1
_SALT = struct.Struct("<QQ")


@dataclass(frozen=True)
class SegmentShape:
    """What the fixed part of a header says.

    `start`: position of the first record. `checked`: the header has a checksum and sealed counters.
    `restored`: the fixed part at the start of the file, if it was damaged and a copy has it.
    """

    first: int
    capacity: int
    start: int
    step: np.dtype[np.void]
    checked: bool
    restored: bytes = b""

    @property
    def record(self) -> np.dtype[np.void]:
        """One record of the file."""
        return record_dtype(self.step)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.start + self.capacity * self.record.itemsize


class Counters:
    """The three counters in the header of a mapped segment."""

    def __init__(self, mapped: NDArray[np.uint8], shape: SegmentShape) -> None:
        self._words = mapped[: _OLD_HEADER.itemsize].view("<u8")
        self._salts = {
            number: zlib.crc32(_SALT.pack(shape.first, number))
            for number in (COMMITTED, GONE, CLOSED)
        }
        self._checked = shape.checked

    def word(self, number: int) -> int:
        """The stored word."""
        return int(self._words[number])

    def value(self, number: int) -> int | None:
        """The counter; None if its checksum is wrong.

        Only a mark with a checksum counts as `gone`, in a segment of either format.
        """
        word = self.word(number)
        if not self._checked and number != GONE:
            return word
        return word & MAX_CAPACITY if word == self._sealed(number, word & MAX_CAPACITY) else None

    def store(self, number: int, value: int) -> None:
        """Write a counter, with its checksum."""
        sealed = self._checked or number == GONE
        self._words[number] = self._sealed(number, value) if sealed else value

    def _sealed(self, number: int, value: int) -> int:
        return value | zlib.crc32(value.to_bytes(4, "little"), self._salts[number]) << 32


def record_dtype(step: np.dtype[np.void]) -> np.dtype[np.void]:
    """One record of a segment file: checksum, padding, Step."""
    return np.dtype([("crc", "<u4"), ("unused", "<u4"), ("step", step)])


def fixed_part(first: int, capacity: int, step: np.dtype[np.void]) -> bytes:
    """The pages before the records of a new segment, whose counters are all 0."""
    fields = json.dumps(fields_to_json(step), ensure_ascii=False).encode()
    pages = -(-(HEADER.itemsize + len(fields)) // PAGE) * PAGE
    header = np.zeros(1, HEADER)
    header["magic"], header["first"], header["capacity"] = CHECKED_MAGIC, first, capacity
    header["record"], header["fields"] = record_dtype(step).itemsize, len(fields)
    header["records"] = 2 * pages
    header["check"] = _check(header.tobytes(), fields)
    part = np.frombuffer(bytearray(pages), np.uint8)
    part[: HEADER.itemsize] = header.view(np.uint8)
    part[HEADER.itemsize : HEADER.itemsize + len(fields)] = np.frombuffer(fields, np.uint8)
    counters = Counters(part, SegmentShape(first, capacity, 2 * pages, step, checked=True))
    for number in (COMMITTED, GONE, CLOSED):
        counters.store(number, 0)
    return 2 * part.tobytes()


def read_shape(path: Path, undescribed: np.dtype[np.void], *, write: bool = False) -> SegmentShape:
    """What the header of a segment file says, proven by checksum and by the size of the file.

    `undescribed`: the fields of a Step in a file of version 0.1.0, which does not name them.
    `write`: refuse a link. Raises DamagedSegment, ForeignSegment, NewerJournal, JournalError for
    another layout, and OSError.
    """
    try:
        with open_regular(path, write=write) as file:
            size = file.seek(0, 2)
            head = _read(file, 0, PAGE)
            shape = _checked_shape(file, head) or _old_shape(path, head, size, undescribed)
    except NotRegularFile as error:
        what = str(error).removeprefix(f"{path} ").split(",")[0]
        raise ForeignSegment(path, what) from error
    if shape is None:
        if head.startswith(_FAMILY) and head[:8] > CHECKED_MAGIC:
            raise NewerJournal(path)
        if not is_nearly(head, CHECKED_MAGIC) and not is_nearly(head, MAGIC):
            raise ForeignSegment(path, "has no header of a segment")
        if size < PAGE:
            raise DamagedSegment(f"{path} is shorter than the header of a segment")
        raise DamagedSegment(f"{path} has no header of a journal segment with this name")
    if shape.first != int(path.stem):
        raise DamagedSegment(f"{path} has the header of the segment {shape.first:012d}")
    if shape.step.names is None or "index" not in shape.step.names:
        raise DamagedSegment(f"{path} has Steps without an index")
    if size != shape.size:
        raise DamagedSegment(f"{path} has {size} bytes instead of {shape.size}")
    return shape


def _checked_shape(file: BinaryIO, head: bytes) -> SegmentShape | None:
    """The shape from the first copy of the fixed part with a right checksum; None without one."""
    if head.startswith(MAGIC):
        return None
    if head.startswith(CHECKED_MAGIC) and len(head) == PAGE:
        fields = int(np.frombuffer(head, HEADER, 1)["fields"][0])
        if fields <= _MAX_FIELDS and (shape := _shape_of(_read(file, 0, HEADER.itemsize + fields))):
            return shape
    if not is_nearly(head, CHECKED_MAGIC) and not head.startswith(_FAMILY):
        return None
    content = _read(file, 0, 2 * _MAX_FIELDS + 2 * PAGE)
    for at in range(PAGE, len(content) - HEADER.itemsize, PAGE):
        if content.startswith(CHECKED_MAGIC, at) and (shape := _shape_of(content[at:])):
            if shape.start != 2 * at:
                continue
            restored = content[at : 2 * at]
            return SegmentShape(
                shape.first, shape.capacity, shape.start, shape.step, True, restored
            )
    return None


def _shape_of(content: bytes) -> SegmentShape | None:
    """The shape from one copy of the fixed part; None if it is not intact."""
    header = np.frombuffer(content, HEADER, 1)[0]
    fields = content[HEADER.itemsize : HEADER.itemsize + int(header["fields"])]
    if int(header["check"]) != _check(content[: HEADER.itemsize], fields):
        return None
    try:
        step = fields_from_json(json.loads(fields))
    except (ValueError, RecursionError):
        return None
    first, capacity, start = (int(header[name]) for name in ("first", "capacity", "records"))
    if not 0 < capacity <= MAX_CAPACITY or int(header["record"]) != record_dtype(step).itemsize:
        return None
    return SegmentShape(first, capacity, start, step, checked=True)


def _old_shape(
    path: Path, head: bytes, size: int, undescribed: np.dtype[np.void]
) -> SegmentShape | None:
    """The shape of a segment of format 1; None for another file."""
    if not head.startswith(MAGIC) or len(head) < PAGE:
        return None
    header = np.frombuffer(head, _OLD_HEADER, 1)[0]
    step, start = undescribed, int(header["records"]) or PAGE
    if named := int(header["fields"]):
        try:
            if named > _MAX_FIELDS:
                raise ValueError(f"{named} bytes of JSON")
            with open_regular(path) as file:
                content = _read(file, _OLD_HEADER.itemsize, named)
            step = fields_from_json(json.loads(content))
        except (ValueError, RecursionError) as error:
            raise DamagedSegment(f"{path} has damaged fields: {error}") from error
    first, capacity, record = (int(header[name]) for name in ("first", "capacity", "record"))
    if record != record_dtype(step).itemsize:
        if not named and size == start + capacity * record:
            raise JournalError(f"{path} is a journal segment of another layout")
        raise DamagedSegment(f"{path} has a damaged header: records of {record} bytes")
    if not 0 < capacity <= MAX_CAPACITY:
        raise DamagedSegment(f"{path} has a damaged header: {capacity} records")
    return SegmentShape(first, capacity, start, step, checked=False)


def _check(header: bytes, fields: bytes) -> int:
    """The CRC of the fixed part: everything but the counters, the checksum and the padding."""
    check = zlib.crc32(header[: 8 * COMMITTED])
    check = zlib.crc32(header[8 * (CLOSED + 1) : _OLD_HEADER.itemsize], check)
    return zlib.crc32(fields, check)


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
