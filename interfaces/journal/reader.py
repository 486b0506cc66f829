"""A reader of the journal: sees what is committed, waits for nobody, and is never waited for."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.mapped_file import map_bytes
from interfaces.journal.layout import (
    NO_HOLD,
    DamagedSegment,
    JournalError,
    Segment,
    hold_path,
    read_layout,
    segment_paths,
)


class JournalReader:
    """Steps `first` to `end` (excluded) by global index. A journal that does not exist yet, or
    whose writer is dead, is opened all the same; one written by other spaces raises JournalError.

    After a damaged or missing segment only what is newer is shown: every window is of one piece.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spaces: Spaces | None = None
        self._segments: list[Segment] = []
        self._firsts = np.zeros(0, np.int64)
        self._buffers: dict[str, NDArray[Any]] = {}
        self._holds: dict[str, NDArray[np.uint64]] = {}
        self._damaged: set[Path] = set()
        self.end = 0
        self.refresh()

    @property
    def first(self) -> int:
        """Index of the oldest Step kept."""
        return self._segments[0].first if self._segments else 0

    def refresh(self) -> None:
        """See what is new. Lists the folder only when the newest segment is full or not there, or
        one at either end was given up by the writer."""
        ends = self._segments[:1] + self._segments[-1:]
        if not ends or ends[-1].full or any(segment.gone for segment in ends):
            self._list()
        self.end = next(
            (segment.end for segment in reversed(self._segments) if segment.committed), self.first
        )

    def read(self, start: int, length: int, *, verify: bool = False) -> NDArray[np.void]:
        """A copy of `length` Steps. Raises IndexError when they are not all there, JournalError
        when `verify` finds one that is damaged."""
        parts: list[NDArray[np.void]] = []
        for segment, low, high in self._spans(start, length):
            part = segment.steps[low:high].copy()
            if verify and not all(segment.good(row) for row in range(low, high)):
                raise JournalError(f"{segment.path} has a damaged record")
            parts.append(part)
        return np.concatenate(parts)

    def gather(
        self,
        starts: NDArray[np.int64],
        length: int,
        fields: Sequence[str],
        *,
        fresh: bool = False,
    ) -> dict[str, NDArray[Any]]:
        """Windows (B, length, ...) of each field, B = len(starts).

        The arrays are reused by the next call, unless `fresh` asks for new ones. Raises IndexError
        when a window is not all there.
        """
        spans = [self._spans(int(start), length) for start in starts]
        if not spans:
            raise IndexError("no windows asked for")
        found: dict[str, NDArray[Any]] = {}
        for name in fields:
            column = self._segments[0].steps[name]
            window = self._window(
                name, (len(spans), length, *column.shape[1:]), column.dtype, fresh
            )
            for b, parts in enumerate(spans):
                done = 0
                for segment, low, high in parts:
                    window[b, done : done + high - low] = segment.steps[name][low:high]
                    done += high - low
            found[name] = window
        return found

    def hold(self, name: str, index: int) -> None:
        """Ask the writer to keep the Steps from `index` on for the reader called `name`.

        A store into a mapped file: cheap enough for every Step. Raises ValueError for a name that
        is not letters, digits, - and _; OSError the first time, when the file cannot be made.
        """
        if name not in self._holds:
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(f"a hold cannot be called {name!r}")
            self._folder.mkdir(parents=True, exist_ok=True)
            path = hold_path(self._folder, name)
            if not path.exists() or path.stat().st_size != NO_HOLD.itemsize:
                write_bytes(path, np.uint64(index).tobytes())
            self._holds[name] = map_bytes(path, write=True).view(np.uint64)
        self._holds[name][0] = index

    def release(self, name: str) -> None:
        """Hold nothing any more."""
        held = self._holds.pop(name, None)
        if held is not None:
            held[0] = NO_HOLD
            del held
        with contextlib.suppress(OSError):  # Windows: the writer looks at it just now
            hold_path(self._folder, name).unlink(missing_ok=True)

    def _list(self) -> None:
        """Map what is new, forget what was given up. Mappings in use outlive their files."""
        self._spaces = self._spaces or read_layout(self._folder)
        if self._spaces is None:
            return
        known = {segment.path: segment for segment in self._segments if not segment.gone}
        found: list[Segment] = []
        for path in segment_paths(self._folder):
            segment = known.get(path) or self._map(path, self._spaces)
            if segment is not None and not segment.gone:
                found.append(segment)
        run: list[Segment] = []
        for segment in reversed(found):
            # An empty one is prepared ahead; the one before it is still being filled.
            if run and run[0].committed and segment.end != run[0].first:
                break
            run.insert(0, segment)
        self._segments = run
        self._firsts = np.array([segment.first for segment in run], np.int64)

    def _map(self, path: Path, spaces: Spaces) -> Segment | None:
        try:
            return Segment(path, spaces, write=False)
        except DamagedSegment as error:
            if path not in self._damaged:
                self._damaged.add(path)
                logger.error("journal: {}", error)
        except OSError:
            pass  # freed between listing and opening; Windows may also say that it is being deleted
        return None

    def _window(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], fresh: bool
    ) -> NDArray[Any]:
        if fresh:
            return np.empty(shape, dtype)
        window = self._buffers.get(name)
        if window is None or window.shape != shape:
            window = self._buffers[name] = np.empty(shape, dtype)
        return window

    def _spans(self, start: int, length: int) -> list[tuple[Segment, int, int]]:
        """(segment, low row, high row) that together are the Steps asked for."""
        if length < 1 or start < self.first or start + length > self.end:
            raise IndexError(
                f"steps {start} to {start + length}: the journal has {self.first} to {self.end}"
            )
        spans: list[tuple[Segment, int, int]] = []
        at = int(np.searchsorted(self._firsts, start, side="right")) - 1
        while length > 0:
            segment = self._segments[at]
            low = start - segment.first
            high = min(segment.capacity, low + length)
            spans.append((segment, low, high))
            start, length, at = start + high - low, length - (high - low), at + 1
        return spans
