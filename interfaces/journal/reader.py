"""A reader of the journal: sees what is committed, waits for nobody, and is never waited for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.files import write_bytes
from interfaces.journal.layout import (
    JournalError,
    Segment,
    read_layout,
    segment_paths,
)
from interfaces.spaces import Spaces


class JournalReader:
    """Steps `first` to `end` (excluded) by global index. A journal that does not exist yet, or
    whose writer is dead, is opened all the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spaces: Spaces | None = None
        self._segments: list[Segment] = []
        self._firsts = np.zeros(0, np.int64)
        self._buffers: dict[tuple[Any, ...], NDArray[Any]] = {}
        self.end = 0
        self.refresh()

    @property
    def first(self) -> int:
        """Index of the oldest Step kept."""
        return self._segments[0].first if self._segments else 0

    def refresh(self) -> None:
        """See what is new. Lists the folder only when the newest segment is full or missing."""
        if not self._segments or self._segments[-1].committed:
            self._list()
        self.end = next(
            (segment.end for segment in reversed(self._segments) if segment.committed), self.first
        )

    def read(self, start: int, length: int, *, verify: bool = False) -> NDArray[np.void]:
        """A copy of `length` Steps. Raises IndexError when they are not all there, JournalError
        when `verify` finds one that is damaged."""
        parts: list[NDArray[np.void]] = []
        for segment, low, high in self._spans(start, length):
            if verify and not all(segment.good(row) for row in range(low, high)):
                raise JournalError(f"{segment.path} has a damaged record")
            parts.append(segment.steps[low:high].copy())
        return np.concatenate(parts)

    def gather(
        self, starts: NDArray[np.int64], length: int, fields: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        """Windows (B, length, ...) of each field. The arrays are reused by the next call."""
        found: dict[str, NDArray[Any]] = {}
        for name in fields:
            shape = (len(starts), length, *self._segments[0].steps[name].shape[1:])
            key = (name, *shape)
            if key not in self._buffers:
                self._buffers[key] = np.empty(shape, self._segments[0].steps[name].dtype)
            found[name] = self._buffers[key]
        for b, start in enumerate(starts):
            done = 0
            for segment, low, high in self._spans(int(start), length):
                for name in fields:
                    found[name][b, done : done + high - low] = segment.steps[name][low:high]
                done += high - low
        return found

    def hold(self, name: str, index: int) -> None:
        """Ask the writer to keep the Steps from `index` on for the reader called `name`."""
        write_bytes(self._folder / f"hold-{name}.pos", str(index).encode("ascii"))

    def release(self, name: str) -> None:
        (self._folder / f"hold-{name}.pos").unlink(missing_ok=True)

    def _list(self) -> None:
        """Map what is new, forget what was freed. Mappings in use outlive their files."""
        self._spaces = self._spaces or read_layout(self._folder)
        if self._spaces is None:
            return
        known = {segment.first: segment for segment in self._segments}
        segments: list[Segment] = []
        for path in segment_paths(self._folder):
            segment = known.get(int(path.stem))
            if segment is None:
                try:
                    segment = Segment(path, self._spaces, write=False)
                except FileNotFoundError:
                    continue  # freed between listing and opening
            segments.append(segment)
        self._segments = segments
        self._firsts = np.array([segment.first for segment in segments], np.int64)

    def _spans(self, start: int, length: int) -> list[tuple[Segment, int, int]]:
        """(segment, low row, high row) that together are the Steps asked for."""
        if start < self.first or start + length > self.end:
            raise IndexError(
                f"steps {start} to {start + length}: the journal has {self.first} to {self.end}"
            )
        spans: list[tuple[Segment, int, int]] = []
        at = int(np.searchsorted(self._firsts, start, side="right")) - 1
        while length > 0:
            segment = self._segments[at]
            low = start - segment.first
            high = min(segment.committed, low + length)
            spans.append((segment, low, high))
            start, length, at = start + high - low, length - (high - low), at + 1
        return spans
