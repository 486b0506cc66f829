"""The only writer of a journal. `append` writes to memory; a thread does the slow work."""

import contextlib
import json
import threading
import time
from collections import deque
from datetime import datetime
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.core.step import StepLayout
from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.mapped_file import flush, map_bytes, touch_pages
from interfaces.ipc.no_links import open_here
from interfaces.ipc.set_aside import set_aside
from interfaces.journal.journal_errors import ForeignSegment
from interfaces.journal.layout import write_layout
from interfaces.journal.recovery import fill_holes, open_segments, report_lost
from interfaces.journal.segment import (
    NO_HOLD,
    JournalError,
    Segment,
    create_segment,
    discard,
    hold_path,
    segment_path,
    segment_paths,
)

_RETRY_S = 1.0
_UNMAP_S = 10.0  # readers look for discarded files at every refresh
_MAX_HOLD = 2  # times max_steps: a reader that has ended must not fill the disk


class JournalWriter:
    """Appends Steps without waiting.

    When the disk is full or slow, the next segment is not ready. Then Steps are dropped and
    counted. Raises JournalError when the folder holds Steps of another shape, and OSError when the
    first segment cannot be created.

    `layout`: the fields of the Steps to append. Earlier segments may have others: Steps with new
    fields begin a new segment.
    `segment_steps`: Steps in one segment.
    `max_steps`: at least so many Steps remain. Older segments that no reader holds are deleted.
    `background`: if False, there is no thread, and `append` does the slow work itself.
    `known_end`: one past the newest Step that another file or the Board shows. The next Step has at
    least this index. Steps that were lost before it become damaged records. So an index stands for
    one Step only, in the session, the checkpoints and the readers that still run. Nothing else
    has to know about the loss: a reused index would need a correction in each of them.
    """

    def __init__(
        self,
        folder: Path,
        layout: StepLayout,
        *,
        segment_steps: int,
        max_steps: int,
        background: bool = True,
        known_end: int = 0,
    ) -> None:
        self._journal = write_layout(folder, layout)
        self._folder, self._step = folder, layout.dtype
        self._segment_steps, self._max_steps = segment_steps, max_steps
        self.dropped = 0
        self.gap_pending = False
        self._dropped_reported = 0
        self._full_disk_reported = False
        self._full: deque[Segment] = deque()
        self._gaps: deque[tuple[int, int]] = deque()
        self._ready: Segment | None = None
        self._undeleted: set[Path] = set()
        self._lock = threading.RLock()  # between the thread and truncate; append never takes it
        self._current = self._recover(known_end)
        self._wake, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._maintain()
        if background:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    @property
    def next_index(self) -> int:
        """The index of the next Step."""
        return self._current.end

    def append(self, step: NDArray[np.void]) -> bool:
        """Set the `index` of one Step, a 0-d record of the writer's layout, and commit it.

        Returns False when the Step was dropped. Takes no lock and does not access the disk.
        """
        current = self._current
        row = current.committed
        if row == current.capacity:
            ready = self._ready
            if ready is None and self._thread is None:
                self._maintain()
                ready = self._ready
            if ready is None:
                self.count_missing(1)
                return False
            # The thread syncs and unmaps the full segment; that takes milliseconds.
            self._full.append(current)
            self._current, self._ready = ready, None
            if self._thread is None:
                self._maintain()  # so deletion depends only on the index, not on timing
            self._wake.set()
            current, row = ready, 0
        if self.gap_pending:
            self._gaps.append((current.first + row, self.dropped - self._dropped_reported))
            self._dropped_reported, self.gap_pending = self.dropped, False
            self._wake.set()
        step["index"] = current.first + row
        current.write(row, step.reshape(1).view(np.uint8))
        return True

    def count_missing(self, count: int) -> None:
        """Record that `count` Steps are missing before the next one."""
        if count:
            self.dropped += count
            self.gap_pending = True

    def truncate(self, next_index: int) -> None:
        """Delete the Steps from `next_index` on and the gaps recorded there.

        Only for a lockstep run that resumes: nothing may append meanwhile. Raises JournalError when
        the Step before `next_index` is already deleted, and OSError.
        """
        if next_index >= self.next_index:
            return
        with self._lock:
            paths = segment_paths(self._folder)
            before = [path for path in paths if int(path.stem) < max(1, next_index)]
            if next_index and not before:
                raise JournalError(f"{self._folder}: Step {next_index} is no longer in the journal")
            last = self._open(before[-1]) if before else self._create(0)
            if next_index > last.first + last.limit:
                raise JournalError(f"{self._folder}: Step {next_index} is no longer in the journal")
            last.truncate(next_index - last.first)
            self._current, self._ready = last, None  # the others are unmapped: Windows deletes them
            for path in paths[len(before) :]:
                self._discard(path)
            if not self._continues(last):
                first, path = last.end, last.path
                if last.committed:
                    last.end_here()
                else:  # its name is needed; unmapped, Windows can delete it
                    del last, self._current
                    self._discard(path)
                self._current = self._create_soon(first)
            self._delete_gaps(next_index)
            self._maintain()

    def close(self) -> None:
        """Stop the thread, record an open gap and sync. Safe to call more than once."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        if self.dropped > self._dropped_reported:
            self._gaps.append((self.next_index, self.dropped - self._dropped_reported))
            self._dropped_reported = self.dropped
        self._write_gaps()
        self._sync()
        with contextlib.suppress(OSError, ValueError):
            flush(self._current.path, self._current.bytes)

    def _recover(self, known_end: int) -> Segment:
        """Return the segment to continue in, after the last intact record and `known_end`.

        Only the newest segment with records is scanned: older ones were full. An empty
        segment that was prepared ahead is used again, because a reader may have it open.
        """
        segments, renamed = open_segments(self._folder, self._journal)
        empty: Segment | None = None
        while segments and not segments[-1].recover():
            if empty is not None:
                self._discard(empty.path)
            empty = segments.pop()
        own_end = segments[-1].end if segments else 0 if empty is None else empty.first
        end = max(own_end, known_end)
        report_lost(renamed, segments, end)
        if empty is not None and empty.first < end:
            path, empty = empty.path, None  # unmapped, so that Windows can delete it
            self._discard(path)
        try:
            segments = fill_holes(segments, end, self._max_steps, self._create_soon)
        except OSError as error:
            logger.error("journal: lost Steps are not marked ({}); older ones are hidden", error)
        current = segments[-1] if segments and segments[-1].end == end else None
        segments.clear()
        if current is not None and not self._continues(current) and not current.full:
            current.end_here()
        expected = end or None
        if current is not None:
            expected = current.first + current.limit
        if empty is not None and not (self._is_usable(empty) and expected in (None, empty.first)):
            path, expected = empty.path, empty.first if expected is None else expected
            empty = None  # unmapped, so that Windows can delete it
            self._discard(path)
        if current is None:
            return empty or self._create_soon(expected or 0)
        if current.full and not (self._is_usable(current) and current.limit == current.capacity):
            return empty or self._create_soon(current.end)
        touch_pages(current.bytes)
        if empty is not None:
            touch_pages(empty.bytes)
        self._ready = empty
        return current

    def _create(self, first: int, capacity: int | None = None) -> Segment:
        capacity = capacity or self._segment_steps
        try:
            segment = create_segment(self._folder, self._step, first, capacity)
        except ForeignSegment as error:
            path = segment_path(self._folder, first)
            logger.error("journal: {} {}: set aside as {}", path, error.what, set_aside(path).name)
            segment = create_segment(self._folder, self._step, first, capacity)
        touch_pages(segment.bytes)
        return segment

    def _create_soon(self, first: int, capacity: int | None = None) -> Segment:
        """Like `_create`. Waits for readers that have a discarded file of the same name open: until
        then Windows refuses."""
        deadline = time.perf_counter() + _UNMAP_S
        while True:
            try:
                return self._create(first, capacity)
            except PermissionError:
                if time.perf_counter() > deadline:
                    raise
                time.sleep(0.05)

    def _open(self, path: Path) -> Segment:
        return Segment(path, self._journal.step)

    def _is_usable(self, segment: Segment) -> bool:
        """Whether a segment is like the ones that this writer creates."""
        return segment.capacity == self._segment_steps and self._continues(segment)

    def _continues(self, segment: Segment) -> bool:
        """Whether Steps can be appended to a segment. An older format gets no new Steps."""
        return segment.checked and segment.steps.dtype == self._step

    def _discard(self, path: Path) -> None:
        """Delete a segment, if it is proven to be one. Otherwise one warning says why it stays."""
        try:
            discard(path, self._journal.step)
        except JournalError as error:
            if path not in self._undeleted:
                self._undeleted.add(path)
                logger.warning("journal: not deleted: {}", error)

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(_RETRY_S)
            self._wake.clear()
            self._maintain()

    def _maintain(self) -> None:
        """Delete old segments, prepare the next one, record gaps and sync full segments.

        The sync comes last: on a busy disk it takes seconds.
        """
        with self._lock:
            self._delete_old()
            self._prepare()
            self._write_gaps()
            self._sync()

    def _prepare(self) -> None:
        if self._ready is not None:
            return
        current = self._current
        try:
            self._ready = self._create(current.first + current.capacity)
            self._full_disk_reported = False
        except (OSError, JournalError) as error:
            if not self._full_disk_reported:
                logger.error("journal: cannot create a segment ({}); Steps may be dropped", error)
                self._full_disk_reported = True

    def _sync(self) -> None:
        while self._full:
            segment = self._full.popleft()
            with contextlib.suppress(OSError, ValueError):
                flush(segment.path, segment.bytes)

    def _write_gaps(self) -> None:
        while self._gaps:
            index, dropped = self._gaps[0]
            line = {
                "before_index": index,
                "dropped": dropped,
                "written": datetime.now().astimezone().isoformat(timespec="seconds"),
            }
            try:
                with open_here(self._folder / "gaps.jsonl", "ab") as file:
                    file.write((json.dumps(line) + "\n").encode())
            except OSError:
                return  # the disk is still full; the next round tries again
            self._gaps.popleft()
            logger.warning("journal: {} Steps are missing before Step {}", dropped, index)

    def _delete_gaps(self, next_index: int) -> None:
        path = self._folder / "gaps.jsonl"
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        remaining = [line for line in lines if _before_index(line) < next_index]
        write_bytes(path, "".join(remaining).encode())

    def _delete_old(self) -> None:
        """Delete the oldest segments beyond max_steps that no reader holds."""
        paths = [p for p in segment_paths(self._folder) if int(p.stem) < self._current.first]
        end = self._current.first  # the current segment does not count toward max_steps
        held_from = min(self._holds(), default=end)
        for path, following in zip(paths, [*paths[1:], self._current.path], strict=bool(paths)):
            remaining = end - int(following.stem)
            if remaining < self._max_steps:
                return
            is_held = int(following.stem) > held_from
            if is_held and end - int(path.stem) <= _MAX_HOLD * self._max_steps:
                return
            self._discard(path)  # if a reader has it open (Windows), the next round tries again

    def _holds(self) -> list[int]:
        """The first held Step of each reader."""
        positions: list[int] = []
        for path in self._folder.glob(hold_path(self._folder, "*").name):
            with contextlib.suppress(OSError, ValueError):
                position = map_bytes(path, write=False).view(np.uint64)[0]
                if position != NO_HOLD:
                    positions.append(int(position))
        return positions


def _before_index(line: str) -> int:
    """`before_index` of a line of gaps.jsonl; 0 for a line that a full disk cut short."""
    try:
        return int(json.loads(line)["before_index"])
    except (ValueError, KeyError, TypeError):
        return 0
