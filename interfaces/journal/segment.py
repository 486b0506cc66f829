"""One segment file of the journal: fixed size, with a checksum for each record.

A segment is a header, the fields of its Steps, and `capacity` records. Its name is the index of its
first Step. The writer writes the record, then its checksum, then the commit counter of the header.
After a crash, the checksum shows whether a record beyond the counter is complete.
"""

import contextlib
import json
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from interfaces.ipc.mapped_file import address_of, allocate, make_writable, map_bytes
from interfaces.journal.step_fields import fields_from_json, fields_to_json

MAGIC = b"YUMEJ001"
_FAMILY = MAGIC[:5]  # followed by the number of the format
HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("first", "<u8"),
        ("capacity", "<u8"),
        ("record", "<u8"),
        ("committed", "<u8"),
        ("gone", "<u8"),  # not 0: discarded; the file is deleted when the system allows it
        # Files of version 0.1.0 have 0 in the fields from here on.
        ("closed", "<u8"),  # not 0: 1 + the number of Steps after which a new layout began
        ("fields", "<u8"),  # size of the JSON after the header, with the fields of a Step
        ("records", "<u8"),  # position of the first record; 0: after one page
    ]
)
_PAGE = 4096
NO_HOLD = np.uint64(2**64 - 1)  # content of a hold file that holds nothing


class JournalError(BadInput, ValueError):
    """The folder is no journal, or its Steps come from another configuration."""


class NewerJournal(JournalError):
    """A newer version of Yume wrote this journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was written by a newer version of Yume: use that version; nothing was changed"
        )


class DamagedSegment(JournalError):
    """A segment without its header or its end, for example after a power cut."""


class Segment:
    """One mapped segment file. `steps` (capacity,) are its records, with the fields of the file."""

    def __init__(self, path: Path, undescribed: np.dtype[np.void], *, write: bool) -> None:
        """`undescribed`: the fields of a Step in a file of version 0.1.0, which does not name them.

        Raises DamagedSegment, NewerJournal, JournalError for another layout, and OSError.
        """
        self.path = path
        if path.stat().st_size < _PAGE:
            raise DamagedSegment(f"{path} is shorter than the header of a segment")
        mapped = map_bytes(path, write=write)
        self._header = mapped[: HEADER.itemsize].view(HEADER)[0]
        magic = bytes(self._header["magic"])
        if magic != MAGIC and magic.startswith(_FAMILY) and magic > MAGIC:
            raise NewerJournal(path)
        if magic != MAGIC or int(self._header["first"]) != int(path.stem):
            raise DamagedSegment(f"{path} has no header of a journal segment with this name")
        record = record_dtype(self._fields(mapped) or undescribed)
        if self._header["record"] != record.itemsize:
            raise JournalError(f"{path} is a journal segment of another layout")
        self.first, self.capacity = int(self._header["first"]), int(self._header["capacity"])
        self._start = int(self._header["records"]) or _PAGE
        end = self._start + self.capacity * record.itemsize
        if mapped.size != end:
            raise DamagedSegment(f"{path} has {mapped.size} bytes instead of {end}")
        self.bytes = mapped
        self._records = mapped[self._start : end].view(record)
        self.steps: NDArray[np.void] = self._records["step"]
        self._raw = mapped[self._start : end].reshape(self.capacity, record.itemsize)
        self._offset = int(record.fields["step"][1]) if record.fields else 0
        self._crc = self._records["crc"]
        self._address = address_of(mapped)

    @property
    def committed(self) -> int:
        """How many Steps are committed. Setting it commits them."""
        return int(self._header["committed"])

    @committed.setter
    def committed(self, count: int) -> None:
        self._header["committed"] = count

    @property
    def discarded(self) -> bool:
        """Whether the writer has discarded this segment. A reader then unmaps it."""
        return bool(self._header["gone"])

    @property
    def limit(self) -> int:
        """How many Steps the file can have: its capacity, or less where it was closed early."""
        return int(self._header["closed"]) - 1 if self._header["closed"] else self.capacity

    @property
    def full(self) -> bool:
        """Whether no Step fits any more."""
        return self.committed >= self.limit

    def end_here(self) -> None:
        """Take no more Steps, so that the next one begins a segment with other fields."""
        make_writable(self._address, _PAGE)
        self._header["closed"] = self.committed + 1

    @property
    def end(self) -> int:
        """1 + the index of the newest committed Step."""
        return self.first + self.committed

    def write(self, row: int, raw: NDArray[np.uint8]) -> None:
        """Write one record and commit it. `raw` is the bytes of the Step."""
        size = self._raw.shape[1]
        make_writable(self._address + self._start + row * size, size)
        make_writable(self._address, _PAGE)
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)
        self._header["committed"] = row + 1  # last: readers read only committed records

    def rewrite(self, row: int, step: NDArray[np.void]) -> None:
        """Replace the Step of a committed record. The journal must have no running writer."""
        raw = np.frombuffer(step.tobytes(), np.uint8)
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)

    def is_intact(self, row: int) -> bool:
        """Whether the record has the right index and the right checksum."""
        in_place = int(self.steps["index"][row]) == self.first + row
        return in_place and zlib.crc32(self._raw[row, self._offset :].data) == int(self._crc[row])

    def recover(self) -> int:
        """Commit every record before the first damaged one, and return their number.

        The records after the damaged one are invalidated. Otherwise the next recovery would find
        old records there, once the damaged one has been overwritten.
        """
        count = self.count_intact()
        if count < self.limit:
            self.truncate(count)
        return count

    def count_intact(self) -> int:
        """Number of records before the first damaged one, uncommitted records included."""
        count = 0
        while count < self.limit and self.is_intact(count):
            count += 1
        return count

    def erase_uncommitted(self) -> None:
        """Overwrite the uncommitted records. The journal must have no running writer."""
        self._raw[self.committed :, self._offset :] = 0
        self._raw[self.committed :, : self._offset] = 0xFF

    def truncate(self, count: int) -> None:
        """Keep the first `count` records. Invalidate the others, so that no recovery finds them."""
        self.committed, self._header["closed"] = count, 0
        self._raw[count:, : self._offset] = 0xFF

    def _fields(self, mapped: NDArray[np.uint8]) -> np.dtype[np.void] | None:
        """The fields of a Step that the file names; None if it names none."""
        size, start = int(self._header["fields"]), HEADER.itemsize
        if not size:
            return None
        try:
            return fields_from_json(json.loads(bytes(mapped[start : start + size])))
        except (ValueError, RecursionError) as error:
            raise DamagedSegment(f"{self.path} has damaged fields: {error}") from error


def record_dtype(step: np.dtype[np.void]) -> np.dtype[np.void]:
    """One record of a segment file: checksum, padding, Step."""
    return np.dtype([("crc", "<u4"), ("unused", "<u4"), ("step", step)])


def segment_path(folder: Path, first: int) -> Path:
    """The file of the segment whose first Step has this index."""
    return folder / f"{first:012d}.seg"


def hold_path(folder: Path, name: str) -> Path:
    """The file with the index (8 bytes) of the first Step that the reader `name` still needs."""
    return folder / f"hold-{name}.pos"


def segment_paths(folder: Path) -> list[Path]:
    """The paths of all segments, oldest first."""
    return sorted(folder.glob("[0-9]*.seg"))


def create_segment(folder: Path, step: np.dtype[np.void], first: int, capacity: int) -> Segment:
    """Create an empty, fully allocated segment for Steps with these fields.

    Raises OSError when the disk is full.
    """
    record = record_dtype(step).itemsize
    path = segment_path(folder, first)
    hidden = path.with_suffix(".new")  # readers open only *.seg: it appears with its header
    fields = json.dumps(fields_to_json(step), ensure_ascii=False).encode()
    start = -(-(HEADER.itemsize + len(fields)) // _PAGE) * _PAGE
    allocate(hidden, start + capacity * record)
    mapped = map_bytes(hidden, write=True)
    header = mapped[: HEADER.itemsize].view(HEADER)[0]
    header["magic"], header["first"] = MAGIC, first
    header["capacity"], header["record"] = capacity, record
    header["fields"], header["records"] = len(fields), start
    mapped[HEADER.itemsize : HEADER.itemsize + len(fields)] = np.frombuffer(fields, np.uint8)
    del header, mapped  # Windows does not rename a mapped file
    hidden.replace(path)
    return Segment(path, step, write=True)


def discard(path: Path) -> bool:
    """Mark a segment as discarded and delete it. False when it cannot be deleted yet.

    A reader that sees the mark unmaps the file, because Windows cannot delete a mapped file. The
    mark also shows that a later segment with the same name is another one.
    """
    with contextlib.suppress(OSError, ValueError):
        mapped = map_bytes(path, write=True)
        if mapped.size >= _PAGE:
            mapped[: HEADER.itemsize].view(HEADER)["gone"] = 1
        del mapped
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
