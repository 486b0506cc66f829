"""How the journal lies on disk: segment files of fixed size, a checksum for each record.

A segment is a header and `capacity` records. Its name is the index of its first Step. A record is
written first, then its checksum, then the header's commit counter: whatever a crash leaves behind
the counter is either whole, which its checksum shows, or never was.
"""

import contextlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.errors import BadInput
from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.ipc.atomic_files import write_json
from interfaces.ipc.mapped_file import address_of, allocate, make_writable, map_bytes

MAGIC = b"YUMEJ001"
HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("first", "<u8"),
        ("capacity", "<u8"),
        ("record", "<u8"),
        ("committed", "<u8"),
        ("gone", "<u8"),  # not 0: given up, to be deleted as soon as the system allows it
    ]
)
_HEADER_SIZE = 4096
NO_HOLD = np.uint64(2**64 - 1)  # in a hold's eight bytes: nothing is held


class JournalError(BadInput, ValueError):
    """A journal that was made by another configuration, or is none."""


class DamagedSegment(JournalError):
    """A file that a power cut or a bad disk left without a header, or without its end."""


class Segment:
    """One mapped segment file."""

    def __init__(self, path: Path, spaces: Spaces, *, write: bool) -> None:
        """Raises DamagedSegment; JournalError when it is of another layout; OSError."""
        self.path = path
        if path.stat().st_size < _HEADER_SIZE:
            raise DamagedSegment(f"{path} is shorter than a segment's header")
        mapped = map_bytes(path, write=write)
        record = record_dtype(spaces)
        self._header = mapped[: HEADER.itemsize].view(HEADER)[0]
        if self._header["magic"] != MAGIC or int(self._header["first"]) != int(path.stem):
            raise DamagedSegment(f"{path} does not begin as a journal segment of its name")
        if self._header["record"] != record.itemsize:
            raise JournalError(f"{path} is not a journal segment of this layout")
        self.first, self.capacity = int(self._header["first"]), int(self._header["capacity"])
        end = _HEADER_SIZE + self.capacity * record.itemsize
        if mapped.size != end:
            raise DamagedSegment(f"{path} has {mapped.size} bytes, not {end}: it was cut")
        self.bytes = mapped
        self._records = mapped[_HEADER_SIZE:end].view(record)
        self.steps: NDArray[np.void] = self._records["step"]
        self._raw = mapped[_HEADER_SIZE:end].reshape(self.capacity, record.itemsize)
        self._offset = int(record.fields["step"][1]) if record.fields else 0
        self._crc = self._records["crc"]
        self._address = address_of(mapped)

    @property
    def committed(self) -> int:
        return int(self._header["committed"])

    @committed.setter
    def committed(self, count: int) -> None:
        self._header["committed"] = count

    @property
    def gone(self) -> bool:
        """Whether the writer has given this segment up; a reader then lets go of it."""
        return bool(self._header["gone"])

    @property
    def full(self) -> bool:
        return self.committed >= self.capacity

    @property
    def end(self) -> int:
        """Index one past the newest committed Step."""
        return self.first + self.committed

    def put(self, row: int, raw: NDArray[np.uint8]) -> None:
        """Write one record and commit it; `raw` is the Step's bytes."""
        size = self._raw.shape[1]
        make_writable(self._address + _HEADER_SIZE + row * size, size)
        make_writable(self._address, _HEADER_SIZE)
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)
        self._header["committed"] = row + 1  # last: a reader never looks behind it

    def rewrite(self, row: int, step: NDArray[np.void]) -> None:
        """Put another Step in the place of a committed one. For a journal nobody writes."""
        raw = np.frombuffer(step.tobytes(), np.uint8)
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)

    def good(self, row: int) -> bool:
        """Whether this record is whole and where it belongs."""
        right = int(self.steps["index"][row]) == self.first + row
        return right and zlib.crc32(self._raw[row, self._offset :].data) == int(self._crc[row])

    def recover(self) -> int:
        """Set the commit counter to the records that are whole, those beyond it included.

        What lies behind the first bad one is forgotten: else the next recovery would find old
        records there, once the bad one is written over.
        """
        count = self.whole()
        if count < self.capacity:
            self.cut(count)
        return count

    def whole(self) -> int:
        """How many records are whole, up to the first that is not; those beyond the commit counter
        included."""
        count = 0
        while count < self.capacity and self.good(count):
            count += 1
        return count

    def wipe(self) -> None:
        """Zeros where records lie that were cut. For a journal nobody writes."""
        self._raw[self.committed :, self._offset :] = 0
        self._raw[self.committed :, : self._offset] = 0xFF

    def cut(self, count: int) -> None:
        """Forget the records from `count` on, so that no recovery brings them back."""
        self.committed = count
        self._raw[count:, : self._offset] = 0xFF


def record_dtype(spaces: Spaces) -> np.dtype[np.void]:
    return np.dtype([("crc", "<u4"), ("unused", "<u4"), ("step", step_dtype(spaces))])


def segment_path(folder: Path, first: int) -> Path:
    return folder / f"{first:012d}.seg"


def hold_path(folder: Path, name: str) -> Path:
    """Eight mapped bytes: the first Step that the reader called `name` still needs."""
    return folder / f"hold-{name}.pos"


def segment_paths(folder: Path) -> list[Path]:
    """All segments, oldest first."""
    return sorted(folder.glob("[0-9]*.seg"))


def create_segment(folder: Path, spaces: Spaces, first: int, capacity: int) -> Segment:
    """A new, empty segment, allocated in full. Raises OSError when the disk is full."""
    record = record_dtype(spaces).itemsize
    path = segment_path(folder, first)
    hidden = path.with_suffix(".new")  # readers look at *.seg only: it appears with its header
    allocate(hidden, _HEADER_SIZE + capacity * record)
    mapped = map_bytes(hidden, write=True)
    header = mapped[: HEADER.itemsize].view(HEADER)[0]
    header["magic"], header["first"] = MAGIC, first
    header["capacity"], header["record"] = capacity, record
    del header, mapped  # Windows renames no mapped file
    hidden.replace(path)
    return Segment(path, spaces, write=True)


def discard(path: Path) -> bool:
    """Give a segment up; False when it could not be deleted yet.

    The mark comes first. A reader that sees it unmaps the file, which Windows needs before it can
    be deleted, and does not take a later segment of the same name for this one.
    """
    with contextlib.suppress(OSError, ValueError):
        mapped = map_bytes(path, write=True)
        if mapped.size >= _HEADER_SIZE:
            mapped[: HEADER.itemsize].view(HEADER)["gone"] = 1
        del mapped
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def open_segments(folder: Path, spaces: Spaces) -> list[Segment]:
    """The writer's segments, oldest first. What a crash left half made is cleared away, what is
    damaged is set aside under another name. Raises JournalError for another layout, OSError."""
    for leftover in (*folder.glob("*.new"), *folder.glob("*.new.tmp")):
        leftover.unlink()
    set_damaged_aside(folder, spaces)
    segments: list[Segment] = []
    for path in segment_paths(folder):
        segment = Segment(path, spaces, write=True)
        if segment.gone:
            del segment
            discard(path)
        else:
            segments.append(segment)
    return segments


def recoverable_end(folder: Path, spaces: Spaces) -> int:
    """Index of the Step that a writer would go on with, which forgets what lies behind a damaged
    record of the two newest segments. Changes nothing. Raises JournalError for another layout."""
    segments: list[Segment] = []
    for path in segment_paths(folder):
        try:
            segment = Segment(path, spaces, write=False)
        except DamagedSegment:
            continue
        if not segment.gone:
            segments.append(segment)
    empty = 0
    while segments and not segments[-1].whole():
        empty = segments.pop().first
    if not segments:
        return empty
    for segment in segments[-2:]:
        if (count := segment.whole()) < segment.capacity:
            return segment.first + count
    return segments[-1].first + segments[-1].capacity


def set_damaged_aside(folder: Path, spaces: Spaces) -> list[tuple[Path, Path]]:
    """Segments without a header or an end get another name; which, and what they are called now.
    Nobody may be writing. Raises JournalError for another layout, OSError."""
    found: list[tuple[Path, Path]] = []
    for path in segment_paths(folder):
        try:
            Segment(path, spaces, write=False)
            continue
        except DamagedSegment as error:
            damage = str(error)
        aside = path.with_suffix(".bad")
        path.replace(aside)  # not before: Windows renames no file that the error still has mapped
        logger.error("journal: {}; set aside as {}", damage, aside.name)
        found.append((path, aside))
    return found


def write_layout(folder: Path, spaces: Spaces) -> None:
    """Say once what the Steps look like. Raises JournalError when the folder holds others."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "layout.json"
    if not path.exists():
        content = {"format": MAGIC.decode(), "spaces": spaces.to_json(), "step": _fields(spaces)}
        write_json(path, content)
        return
    found = _load(path)
    old, wanted = found["spaces"], json.loads(json.dumps(spaces.to_json()))
    for key, value in wanted.items():
        if value != old.get(key):
            raise JournalError(
                f"{folder} holds Steps of another shape: {key} was {old.get(key)}, now it is "
                f"{value}; start a new run"
            )
    _same_fields(path, found, spaces)


def read_layout(folder: Path) -> Spaces | None:
    """The spaces of a journal; None while there is none. Raises JournalError for a strange file, or
    Steps recorded by a version of Yume with other fields."""
    path = folder / "layout.json"
    if not path.exists():
        return None
    found = _load(path)
    try:
        spaces = Spaces.from_json(found["spaces"])
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is not a journal's layout: {error}") from error
    _same_fields(path, found, spaces)
    return spaces


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content["spaces"], dict):
            return content
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is not a journal's layout: {error}") from error
    raise JournalError(f"{path} is not a journal's layout: it names no spaces")


def _fields(spaces: Spaces) -> list[Any]:
    """Name, type and shape of every field of a Step, as JSON has them."""
    return json.loads(json.dumps(step_dtype(spaces).descr))


def _same_fields(path: Path, found: dict[str, Any], spaces: Spaces) -> None:
    """Raises JournalError naming the fields of a Step that differ."""
    wanted, old = _fields(spaces), found.get("step", _fields(spaces))
    if old != wanted:
        differ = [field for field in (*old, *wanted) if (field in old) != (field in wanted)]
        names = ", ".join(sorted({str(field[0]) for field in differ})) or "their order"
        raise JournalError(f"{path}: Steps were recorded with other fields: {names}")
