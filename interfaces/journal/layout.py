"""How the journal lies on disk: segment files of fixed size, a checksum for each record.

A segment is a header and `capacity` records. Its name is the index of its first Step. A record is
written first, then its checksum, then the header's commit counter: whatever a crash leaves behind
the counter is either whole, which its checksum shows, or never was.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.schema import ActionConfig
from interfaces.files import write_json
from interfaces.mapped import allocate, map_bytes
from interfaces.spaces import Spaces
from interfaces.step import step_dtype

MAGIC = b"YUMEJ001"
HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("first", "<u8"),
        ("capacity", "<u8"),
        ("record", "<u8"),
        ("committed", "<u8"),
    ]
)
_HEADER_SIZE = 4096


class JournalError(BadInput, ValueError):
    """A journal that was made by another configuration, or is none."""


class Segment:
    """One mapped segment file."""

    def __init__(self, path: Path, spaces: Spaces, *, write: bool) -> None:
        """Raises JournalError when the file is not a segment of this layout."""
        self.path = path
        mapped = map_bytes(path, write=write)
        record = record_dtype(spaces)
        self._header = mapped[: HEADER.itemsize].view(HEADER)[0]
        if self._header["magic"] != MAGIC or self._header["record"] != record.itemsize:
            raise JournalError(f"{path} is not a journal segment of this layout")
        self.first, self.capacity = int(self._header["first"]), int(self._header["capacity"])
        end = _HEADER_SIZE + self.capacity * record.itemsize
        if mapped.size != end:
            raise JournalError(f"{path} has {mapped.size} bytes, not {end}: it was cut")
        self.bytes = mapped
        self._records = mapped[_HEADER_SIZE:end].view(record)
        self.steps: NDArray[np.void] = self._records["step"]
        self._raw = mapped[_HEADER_SIZE:end].reshape(self.capacity, record.itemsize)
        self._offset = int(record.fields["step"][1]) if record.fields else 0
        self._crc = self._records["crc"]

    @property
    def committed(self) -> int:
        return int(self._header["committed"])

    @committed.setter
    def committed(self, count: int) -> None:
        self._header["committed"] = count

    @property
    def end(self) -> int:
        """Index one past the newest committed Step."""
        return self.first + self.committed

    def put(self, row: int, raw: NDArray[np.uint8]) -> None:
        """Write one record and commit it; `raw` is the Step's bytes."""
        self._raw[row, self._offset :] = raw
        self._crc[row] = zlib.crc32(raw.data)
        self._header["committed"] = row + 1  # last: a reader never looks behind it

    def good(self, row: int) -> bool:
        """Whether this record is whole and where it belongs."""
        right = int(self.steps["index"][row]) == self.first + row
        return right and zlib.crc32(self._raw[row, self._offset :].data) == int(self._crc[row])

    def recover(self, *, from_row: int = 0) -> int:
        """Set the commit counter to the records that are whole, those beyond it included."""
        count = from_row
        while count < self.capacity and self.good(count):
            count += 1
        self.committed = count
        return count

    def cut(self, count: int) -> None:
        """Forget the records from `count` on, so that no recovery brings them back."""
        self.committed = count
        self._raw[count:, : self._offset] = 0xFF


def record_dtype(spaces: Spaces) -> np.dtype[np.void]:
    return np.dtype([("crc", "<u4"), ("unused", "<u4"), ("step", step_dtype(spaces))])


def segment_path(folder: Path, first: int) -> Path:
    return folder / f"{first:012d}.seg"


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


def write_layout(folder: Path, spaces: Spaces) -> None:
    """Say once what the Steps look like. Raises JournalError when the folder holds others."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "layout.json"
    wanted = json.loads(json.dumps(spaces.to_json()))
    if not path.exists():
        write_json(path, {"format": MAGIC.decode(), "spaces": wanted})
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    for key, value in wanted.items():
        old = found.get("spaces", {}).get(key)
        if value != old:
            raise JournalError(
                f"{folder} holds Steps of another shape: {key} was {old}, now it is {value}; "
                "start a new run"
            )


def read_layout(folder: Path) -> Spaces | None:
    """The spaces of a journal; None while there is none. Raises JournalError for a strange file."""
    path = folder / "layout.json"
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        spaces = content["spaces"]
        height, width, channels = spaces["image_shape"]
        return Spaces(
            (height, width, channels),
            tuple(spaces["features"]),
            tuple(ActionConfig(**action) for action in spaces["actions"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is not a journal's layout: {error}") from error
