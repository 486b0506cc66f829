"""What a segment file holds, for its readers: which records are committed and intact."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.ipc.file_reader import FileReader
from interfaces.ipc.mapped_file import file_identity
from interfaces.journal.segment_header import (
    CLOSED,
    COMMITTED,
    GONE,
    HEADER,
    Counters,
    SegmentShape,
    read_shape,
)

_BLOCK_BYTES = 2**20  # read at once: it stays in the cache of the processor
_TRIES = 3  # the writer may store a counter while it is read


class SegmentRecords(ABC):
    """The counters of a segment, and the checksums of its records."""

    def __init__(self, path: Path, shape: SegmentShape, counters: Counters) -> None:
        self.path = path
        self.first, self.capacity, self.checked = shape.first, shape.capacity, shape.checked
        self.record = shape.record
        self._offset = int(self.record.fields["step"][1]) if self.record.fields else 0
        self._start, self._counters = shape.start, counters
        self._seen = (-1, 0)  # the last commit word, and the count that it stands for
        self._intact = np.zeros(self.capacity, np.bool_)  # rows whose checksum was right

    @abstractmethod
    def _rows(self, low: int, high: int) -> NDArray[np.void]:
        """The records low <= row < high; fewer, if the file is too short."""

    @property
    def committed(self) -> int:
        """How many Steps are committed."""
        word = self._counters.word(COMMITTED)
        if word != self._seen[0]:
            self._seen = (word, self._count())
        return self._seen[1]

    @property
    def discarded(self) -> bool:
        """Whether the writer has discarded this segment. A reader then closes it."""
        return bool(self._counters.value(GONE))

    @property
    def has_damaged_counter(self) -> bool:
        """Whether a counter of the header has a wrong checksum."""
        numbers = (COMMITTED, GONE, CLOSED) if self.checked else ()
        return any(self._counters.value(number) is None for number in numbers)

    @property
    def limit(self) -> int:
        """How many Steps the file can have: its capacity, or less where it was closed early."""
        closed = self._counters.value(CLOSED) or 0
        return closed - 1 if 0 < closed <= self.capacity + 1 else self.capacity

    @property
    def full(self) -> bool:
        """Whether no Step fits any more."""
        return self.committed >= self.limit

    @property
    def end(self) -> int:
        """1 + the index of the newest committed Step."""
        return self.first + self.committed

    def is_intact(self, row: int) -> bool:
        """Whether the record has the right index and the right checksum."""
        records = self._rows(row, row + 1)
        return len(records) == 1 and self._is_right(records[0, ...], row)

    def damaged_rows(self, low: int, high: int) -> list[int]:
        """The rows low <= row < high that are not intact. Each row is checked only once."""
        damaged: list[int] = []
        for start, stop in self._blocks(low, high):
            damaged += self._damaged(self._rows(start, stop), start, stop)
        return damaged

    def count_intact(self) -> int:
        """Number of records before the first damaged one, uncommitted records included."""
        count = 0
        while count < self.limit and self.is_intact(count):
            count += 1
        return count

    def _blocks(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """(first row, row after the last one) of parts with at most _BLOCK_BYTES."""
        rows = max(1, _BLOCK_BYTES // self.record.itemsize)
        for start in range(low, high, rows):
            yield start, min(start + rows, high)

    def _damaged(self, records: NDArray[np.void], low: int, high: int) -> list[int]:
        """The rows low <= row < high that are not intact, of which `records` are the first ones."""
        complete = low + len(records)
        unknown = np.flatnonzero(~self._intact[low:complete]).tolist()
        for at in unknown:
            self._intact[low + at] = self._is_right(records[at, ...], low + at)
        damaged = [low + at for at in unknown if not self._intact[low + at]]
        return [*damaged, *range(complete, high)]

    def _is_right(self, record: NDArray[np.void], row: int) -> bool:
        if int(record["step"]["index"]) != self.first + row:
            return False
        raw = record.reshape(1).view(np.uint8)[self._offset :]
        return zlib.crc32(raw.data) == int(record["crc"])

    def _count(self) -> int:
        """The number of committed Steps, by the counter or, if it is damaged, by the records."""
        count = self._counters.value(COMMITTED)
        if count is not None and count <= self.capacity and (self.checked or self._agrees(count)):
            return count
        counted = self._last_intact()
        if self.checked or counted != (count or 0) + 1:  # a crash leaves one uncommitted record
            logger.error(
                "journal: {} has a damaged commit counter; its records show {} Steps",
                self.path,
                counted,
            )
        return counted

    def _agrees(self, count: int) -> bool:
        """Whether the records agree with a counter without a checksum."""
        return (not count or self.is_intact(count - 1)) and (
            count >= self.limit or not self.is_intact(count)
        )

    def _last_intact(self) -> int:
        """1 + the row of the last intact record; 0 without one."""
        rows = range(self.limit - 1, -1, -1)
        return next((row + 1 for row in rows if self.is_intact(row)), 0)


class ReadSegment(SegmentRecords):
    """A segment file for a reader. The file is read, not mapped: if another program cuts it, its
    records are damaged ones, and the process lives.

    The counters are those of the last `refresh`. Raises DamagedSegment, NewerJournal, JournalError
    for another layout, and OSError.
    """

    def __init__(self, path: Path, undescribed: np.dtype[np.void]) -> None:
        """`undescribed`: the fields of a Step in a file of version 0.1.0, which names none."""
        self._identity = file_identity(path)  # first: later, it may be another file
        shape = read_shape(path, undescribed)
        self._file = FileReader(path)
        self._size = shape.size
        self._header = np.zeros(HEADER.itemsize, np.uint8)
        self._new_header = self._header.copy()
        super().__init__(path, shape, Counters(self._header, shape))
        self._buffer = np.zeros(0, np.uint8)
        self.refresh()

    @property
    def step(self) -> np.dtype[np.void]:
        """The fields of a Step in this file."""
        return self.record["step"]

    def refresh(self) -> None:
        """Read the counters again. Those of a file that was cut stay as they were."""
        for _ in range(_TRIES):
            count = self._file.read_into(0, self._new_header)
            if count != self._new_header.size or self._file.size != self._size:
                return
            self._header[:] = self._new_header
            if not self.has_damaged_counter:
                return

    def is_replaced(self) -> bool:
        """Whether this path leads to another file or size now. A deleted file is not replaced."""
        return file_identity(self.path) not in (None, self._identity)

    def read(self, low: int, high: int) -> Iterator[tuple[int, NDArray[np.void], list[int]]]:
        """Parts of the Steps low <= row < high: (first row, Steps, damaged rows).

        The next part overwrites the Steps. Damaged rows have any content.
        """
        for start, stop in self._blocks(low, high):
            records = self._rows(start, stop)
            damaged = self._damaged(records, start, stop)
            yield start, self._whole(stop - start)["step"], damaged

    def _rows(self, low: int, high: int) -> NDArray[np.void]:
        records = self._whole(high - low)
        place = self._start + low * self.record.itemsize
        count = self._file.read_into(place, records.view(np.uint8))
        return records[: count // self.record.itemsize]

    def _whole(self, rows: int) -> NDArray[np.void]:
        """The buffer of so many records."""
        size = rows * self.record.itemsize
        if self._buffer.size < size:
            self._buffer = np.zeros(size, np.uint8)
        return self._buffer[:size].view(self.record)
