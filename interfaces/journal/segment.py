"""One segment file of the journal: fixed size, with a checksum for each record.

A segment is a header (segment_header.py) and `capacity` records. Its name is the index of its first
Step. The writer writes the record, then its checksum, then the commit counter of the header.
After a crash, the checksum shows whether a record beyond the counter is complete.
"""

import os
import re
import zlib
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.reading.busy_files import delete_at_once, replace_file
from interfaces.ipc.mapped_file import address_of, allocate, make_writable, map_bytes
from interfaces.journal.journal_errors import (
    DamagedSegment,
    ForeignSegment,
    JournalError,
    NewerJournal,
)
from interfaces.journal.segment_header import (
    CLOSED,
    COMMITTED,
    GONE,
    MAGIC,
    PAGE,
    Counters,
    fixed_part,
    read_shape,
    record_dtype,
)
from interfaces.journal.segment_records import SegmentRecords

__all__ = [
    "MAGIC",
    "DamagedSegment",
    "ForeignSegment",
    "JournalError",
    "NewerJournal",
    "Segment",
]

NO_HOLD = np.uint64(2**64 - 1)  # content of a hold file that holds nothing
_NAME = re.compile(r"\d{12,19}\.seg")
_COUNTERS = slice(8 * COMMITTED, 8 * (CLOSED + 1))  # their bytes in the header


class Segment(SegmentRecords):
    """One mapped segment file, to be written. `steps` (capacity,) are its records, with the fields
    of the file. Opening it repairs the header.
    """

    def __init__(self, path: Path, undescribed: np.dtype[np.void]) -> None:
        """`undescribed`: the fields of a Step in a file of version 0.1.0, which does not name them.

        Raises DamagedSegment, NewerJournal, JournalError for another layout, and OSError.
        """
        shape = read_shape(path, undescribed, write=True)
        mapped = map_bytes(path, write=True)
        if mapped.size != shape.size:
            raise DamagedSegment(f"{path} has {mapped.size} bytes instead of {shape.size}")
        super().__init__(path, shape, Counters(mapped, shape))
        self.bytes = mapped
        self._records = mapped[self._start :].view(self.record)
        self.steps: NDArray[np.void] = self._records["step"]
        self._raw = mapped[self._start :].reshape(self.capacity, self.record.itemsize)
        self._crc = self._records["crc"]
        self._address = address_of(mapped)
        # The only writer knows the count: damage to the header does not move its next record.
        self._own_count: int | None = None
        self._repair(shape.restored)
        self._own_count = self.committed

    @property
    def committed(self) -> int:
        """How many Steps are committed. Setting it commits them."""
        return super().committed if self._own_count is None else self._own_count

    @committed.setter
    def committed(self, count: int) -> None:
        self._counters.store(COMMITTED, count)
        if self._own_count is not None:
            self._own_count = count

    def end_here(self) -> None:
        """Take no more Steps, so that the next one begins a segment with other fields."""
        make_writable(self._address, PAGE)
        self._counters.store(CLOSED, self.committed + 1)

    def write(self, row: int, raw: NDArray[np.uint8]) -> None:
        """Write one record and commit it. `raw` is the bytes of the Step."""
        size = self._raw.shape[1]
        make_writable(self._address + self._start + row * size, size)
        make_writable(self._address, PAGE)
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)
        self.committed = row + 1  # last: readers read only committed records

    def rewrite(self, row: int, step: NDArray[np.void]) -> None:
        """Replace the Step of a committed record. The journal must have no running writer."""
        raw = np.frombuffer(step.tobytes(), np.uint8)
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)

    def recover(self) -> int:
        """Commit every record up to the last intact one, and return their number.

        A damaged record before it stays, and readers leave it out. The records after it are
        invalidated. Otherwise a later recovery would find old records there.
        """
        proven = self._counters.value(COMMITTED) if self.checked else None
        count = max(min(proven or 0, self.limit), self._last_intact())
        if count < self.limit:
            self.truncate(count)
        else:
            self.committed = count
        return count

    def erase_uncommitted(self) -> None:
        """Overwrite the uncommitted records. The journal must have no running writer."""
        self._raw[self.committed :, self._offset :] = 0
        self._raw[self.committed :, : self._offset] = 0xFF

    def truncate(self, count: int) -> None:
        """Keep the first `count` records. Invalidate the others, so that no recovery finds them."""
        self.committed = count
        self._counters.store(CLOSED, 0)
        self._raw[count:, : self._offset] = 0xFF

    def end_before(self, following: int) -> None:
        """Make the Step `following`, the first of the next segment, follow the Steps of this one.

        Records that a power cut took from the end stay as damaged ones.
        """
        count = following - self.first
        if 0 < count <= self.capacity and (self.end != following or not self.full):
            self.committed = count
            self._counters.store(CLOSED, 0)
            if count < self.capacity:
                self.end_here()

    def discard(self) -> None:
        """Mark this segment as discarded, so that readers close it."""
        self._counters.store(GONE, 1)

    def _repair(self, restored: bytes) -> None:
        """Write again what is damaged in the header, and what can be proven."""
        if restored:
            logger.error("journal: {} has a damaged header: restored from its copy", self.path)
            whole = np.frombuffer(restored, np.uint8)
            self.bytes[: _COUNTERS.start] = whole[: _COUNTERS.start]
            self.bytes[_COUNTERS.stop : whole.size] = whole[_COUNTERS.stop :]
        if not self.checked:
            return
        if self._counters.value(GONE) is None:  # without a proof, nothing is deleted
            self._counters.store(GONE, 0)
        if self._counters.value(COMMITTED) is None:
            self._counters.store(COMMITTED, self.committed)
        if self._counters.value(CLOSED) is None:  # the next Step begins a segment
            self._counters.store(CLOSED, self.committed + 1)

    def _rows(self, low: int, high: int) -> NDArray[np.void]:
        return self._records[low:high]


def segment_path(folder: Path, first: int) -> Path:
    """The file of the segment whose first Step has this index."""
    return folder / f"{first:012d}.seg"


def hold_path(folder: Path, name: str) -> Path:
    """The file with the index (8 bytes) of the first Step that the reader `name` still needs."""
    return folder / f"hold-{name}.pos"


def segment_paths(folder: Path) -> list[Path]:
    """The paths of all segments, oldest first. Other names are not among them."""
    return sorted(path for path in folder.glob("[0-9]*.seg") if _NAME.fullmatch(path.name))


def stray_paths(folder: Path) -> list[Path]:
    """Files whose name ends like that of a segment, but is none. They are left alone."""
    return sorted(path for path in folder.glob("*.seg") if not _NAME.fullmatch(path.name))


def create_segment(folder: Path, step: np.dtype[np.void], first: int, capacity: int) -> Segment:
    """Create an empty, fully allocated segment for Steps with these fields.

    Raises OSError when the disk is full, and ForeignSegment where something else has its name.
    """
    path = segment_path(folder, first)
    if os.path.lexists(path):
        try:
            read_shape(path, step)
        except ForeignSegment:
            raise
        except DamagedSegment:
            pass  # ours, and of no use
    hidden = path.with_suffix(".new")  # readers open only *.seg: it appears with its header
    header = np.frombuffer(fixed_part(first, capacity, step), np.uint8)
    allocate(hidden, header.size + capacity * record_dtype(step).itemsize)
    mapped = map_bytes(hidden, write=True)
    mapped[: header.size] = header
    del mapped  # Windows does not rename a mapped file
    replace_file(hidden, path)
    return Segment(path, step)


def discard(path: Path, undescribed: np.dtype[np.void]) -> bool:
    """Mark a segment as discarded and delete it. False when it cannot be deleted yet.

    A reader that sees the mark closes the file: an open file takes space. The mark also shows that
    a later segment with the same name is another one. Raises JournalError for anything that is not
    proven to be a segment: it stays.
    """
    try:
        segment = Segment(path, undescribed)
        segment.discard()
        del segment
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        delete_at_once(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
