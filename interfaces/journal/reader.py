"""A reader of the journal's committed Steps. Reader and writer never wait for each other."""

import contextlib
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.core.step import StepLayout, as_layout, column, reward_terms_of
from interfaces.core.world import Situation
from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.mapped_file import map_bytes
from interfaces.journal.journal_errors import DamagedRecord, DamagedSegment, NewerJournal
from interfaces.journal.layout import JournalLayout, read_layout
from interfaces.journal.segment import (
    NO_HOLD,
    hold_path,
    segment_paths,
    stray_paths,
)
from interfaces.journal.segment_records import ReadSegment

_CHECK_S = 1.0  # between two looks for files that replace the newest segments


class JournalReader:
    """Reads the Steps `first` to `end` (excluded) by global index.

    The journal may not exist yet, and its writer may have ended. Raises JournalError for a folder
    that holds no journal, and NewerJournal. Only Steps after a damaged or missing segment are
    visible, so every window is contiguous.

    The checksum of every record is checked before its first use. A damaged record is read as a Step
    without content, whose situation is FORGOTTEN.

    Every Step has the fields of `layout`, whichever version recorded it: see
    `interfaces.core.step.as_layout`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal: JournalLayout | None = None
        self._layout: StepLayout | None = None
        self._segments: list[ReadSegment] = []
        self._firsts = np.zeros(0, np.int64)
        self._buffers: dict[str, NDArray[Any]] = {}
        self._holds: dict[str, NDArray[np.uint64]] = {}
        self._reported: set[object] = set()
        self._next_check_s = 0.0
        self.end = 0
        self.refresh()

    @property
    def first(self) -> int:
        """Index of the oldest Step in the journal."""
        return self._segments[0].first if self._segments else 0

    @property
    def layout(self) -> StepLayout | None:
        """The fields of the Steps, with the reward terms of all segments; None without a journal.

        It can get more reward terms when a resumed run adds some.
        """
        return self._layout

    def refresh(self) -> None:
        """Update `end` and the list of segments.

        The folder is listed only when the newest segment is full or missing, or when the writer
        discarded the oldest or the newest one. A restarted writer replaces files that were deleted:
        then the folder is listed too.
        """
        ends = self._segments[:1] + self._segments[-2:]  # the newest one may be empty
        for segment in ends:
            segment.refresh()
        if not ends or ends[-1].full or any(segment.discarded for segment in ends):
            self._list()
        elif (now := time.perf_counter()) >= self._next_check_s:
            self._next_check_s = now + _CHECK_S
            if self._is_outdated():
                self._list()
        self.end = next(
            (segment.end for segment in reversed(self._segments) if segment.committed), self.first
        )

    def read(self, start: int, length: int, *, verify: bool = False) -> NDArray[np.void]:
        """Copy `length` Steps from `start` on, as records (length,) of `layout`.

        Raises IndexError when some are not in the journal, and DamagedRecord with `verify`.
        """
        parts: list[NDArray[np.void]] = []
        for segment, low, high in self._spans(start, length):
            for row, steps, damaged in segment.read(low, high):
                if verify and damaged:
                    raise DamagedRecord(segment.path, segment.first + damaged[0])
                self._report_damaged(segment, damaged)
                assert self._layout is not None
                part = as_layout(steps.copy(), self._layout)
                for each in damaged:
                    part[each - row] = _blank(part.dtype, segment.first + each)
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
        """Copy windows (B, length, ...) of each field, B = len(starts).

        The next call overwrites the arrays, unless `fresh` asks for new ones. Raises IndexError
        when a window is not completely in the journal, and when `starts` is empty.
        """
        spans = [self._spans(int(start), length) for start in starts]
        if not spans:
            raise IndexError("no window was requested")
        assert self._layout is not None
        windows: dict[str, NDArray[Any]] = {}
        for name in fields:
            field = self._layout.dtype[name]
            windows[name] = self._window(
                name, (len(spans), length, *field.shape), field.base, fresh
            )
        for b, parts in enumerate(spans):
            for segment, low, high in parts:
                for row, steps, damaged in segment.read(low, high):
                    t = segment.first + row - int(starts[b])
                    for name, window in windows.items():
                        part = column(steps, name, self._layout)
                        window[b, t : t + len(steps)] = part
                    self._report_damaged(segment, damaged)
                    for each in damaged:
                        blank = _blank(self._layout.dtype, segment.first + each)
                        for name, window in windows.items():
                            window[b, t + each - row] = blank[name]
        return windows

    def hold(self, name: str, index: int) -> None:
        """Ask the writer to keep the Steps from `index` on for the reader `name`.

        This is one store into a mapped file, so it can be called after every Step. A name has only
        letters, digits, - and _, else ValueError. Raises OSError when the file cannot be created.
        """
        if name not in self._holds:
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(f"a hold cannot have the name {name!r}")
            self._folder.mkdir(parents=True, exist_ok=True)
            path = hold_path(self._folder, name)
            if not path.exists() or path.stat().st_size != NO_HOLD.itemsize:
                write_bytes(path, np.uint64(index).tobytes())
            self._holds[name] = map_bytes(path, write=True).view(np.uint64)
        self._holds[name][0] = index

    def release(self, name: str) -> None:
        """Remove the hold of the reader `name`."""
        hold = self._holds.pop(name, None)
        if hold is not None:
            hold[0] = NO_HOLD
            del hold
        with contextlib.suppress(OSError):  # Windows: the writer has it open at the moment
            hold_path(self._folder, name).unlink(missing_ok=True)

    def _list(self) -> None:
        """Open new segments, close discarded ones. An open file stays valid without its name."""
        self._journal = self._journal or read_layout(self._folder)
        if self._journal is None:
            return
        known = {
            segment.path: segment
            for segment in self._segments
            if not segment.discarded and not segment.is_replaced()
        }
        opened: list[ReadSegment] = []
        for path in stray_paths(self._folder):
            self._report(path, f"{path} is no segment: it is left alone")
        for path in segment_paths(self._folder):
            segment = known.get(path) or self._open(path, self._journal)
            if segment is not None and not segment.discarded:
                opened.append(segment)
        contiguous: list[ReadSegment] = []
        for segment in reversed(opened):
            # An empty segment was prepared ahead: the one before it may still be filling.
            if contiguous and contiguous[0].committed and segment.end != contiguous[0].first:
                break
            contiguous.insert(0, segment)
        self._segments = contiguous
        self._firsts = np.array([segment.first for segment in contiguous], np.int64)
        self._layout = self._common_layout(self._journal)

    def _is_outdated(self) -> bool:
        """Whether one of the two newest segments is another file now, or a later one exists. The
        newest one may be empty."""
        newest = self._segments[-1].path
        return any(segment.is_replaced() for segment in self._segments[-2:]) or any(
            path > newest for path in segment_paths(self._folder)[-1:]
        )

    def _common_layout(self, journal: JournalLayout) -> StepLayout:
        """The spaces of the journal, and the reward terms of its segments, the newest first."""
        layouts = [
            StepLayout(journal.spaces, reward_terms_of(segment.step))
            for segment in reversed(self._segments)
        ] or [journal.steps]
        common = layouts[0]
        for layout in layouts[1:]:
            common = common.with_terms_of(layout)
        return self._layout if common == self._layout and self._layout is not None else common

    def _open(self, path: Path, journal: JournalLayout) -> ReadSegment | None:
        try:
            segment = ReadSegment(path, journal.step)
            as_layout(np.zeros(0, segment.step), journal.steps)
            return segment
        except DamagedSegment as error:
            self._report(path, str(error))
        except NewerJournal:
            raise
        except (ValueError, KeyError) as error:
            self._report(path, f"{path} has Steps of another layout: {error}")
        except OSError:
            pass  # deleted after the listing, or (Windows) just being deleted
        return None

    def _report_damaged(self, segment: ReadSegment, damaged: list[int]) -> None:
        """Log damaged records, each one once and those of one part in one line."""
        steps = [segment.first + row for row in damaged]
        if new := [index for index in steps if index not in self._reported]:
            self._reported.update(new)
            logger.error(
                "journal: {} has damaged records: {} Steps from {} to {} are left out",
                segment.path,
                len(new),
                new[0],
                new[-1],
            )

    def _report(self, what: object, message: str) -> None:
        """Log an error once."""
        if what not in self._reported:
            self._reported.add(what)
            logger.error("journal: {}", message)

    def _window(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], fresh: bool
    ) -> NDArray[Any]:
        if fresh:
            return np.empty(shape, dtype)
        window = self._buffers.get(name)
        if window is None or window.shape != shape:
            window = self._buffers[name] = np.empty(shape, dtype)
        return window

    def _spans(self, start: int, length: int) -> list[tuple[ReadSegment, int, int]]:
        """(segment, low row, high row) of the parts that together are the requested Steps."""
        if length < 1 or start < self.first or start + length > self.end:
            raise IndexError(
                f"requested Steps {start} to {start + length}, the journal has {self.first} to "
                f"{self.end}"
            )
        spans: list[tuple[ReadSegment, int, int]] = []
        at = int(np.searchsorted(self._firsts, start, side="right")) - 1
        while length > 0:
            segment = self._segments[at]
            low = start - segment.first
            high = min(segment.committed, low + length)
            spans.append((segment, low, high))
            start, length, at = start + high - low, length - (high - low), at + 1
        return spans


def _blank(dtype: np.dtype[np.void], index: int) -> NDArray[np.void]:
    """What a damaged record is read as: the first Step of an episode, and nothing else is known."""
    blank = np.zeros((), dtype)
    blank["index"], blank["situation"], blank["is_first"] = index, Situation.FORGOTTEN, True
    return blank
