"""The one writer of a journal. `append` touches memory only; a thread does everything slow."""

import contextlib
import json
import threading
from collections import deque
from datetime import datetime
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.mapped_file import flush, map_bytes, touch_pages
from interfaces.journal.layout import (
    NO_HOLD,
    JournalError,
    Segment,
    create_segment,
    discard,
    hold_path,
    open_segments,
    segment_paths,
    write_layout,
)

_RETRY_S = 1.0
_HOLD_AT_MOST = 2  # times max_steps: a reader that has died must not fill the disk


class JournalWriter:
    """Appends Steps. Where the next segment is not ready, because the disk is full or slow, a Step
    is dropped and counted: the body never waits.

    Raises JournalError when the folder holds Steps of another shape, OSError when the first segment
    cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        spaces: Spaces,
        *,
        segment_steps: int,
        max_steps: int,
        background: bool = True,
    ) -> None:
        write_layout(folder, spaces)
        self._folder, self._spaces = folder, spaces
        self._segment_steps, self._max_steps = segment_steps, max_steps
        self.dropped = 0
        self.gap_pending = False
        self._dropped_told = 0
        self._full_disk_told = False
        self._full: deque[Segment] = deque()
        self._gaps: deque[tuple[int, int]] = deque()
        self._ready: Segment | None = None
        self._slow = threading.RLock()  # the thread's work against truncate; append never takes it
        self._current = self._recover()
        self._wake, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._maintain()
        if background:
            self._thread = threading.Thread(target=self._keep, name="journal", daemon=True)
            self._thread.start()

    @property
    def next_index(self) -> int:
        return self._current.end

    def append(self, step: NDArray[np.void]) -> bool:
        """Commit one Step, a 0-d record of step_dtype; its `index` is set here.

        False when it had to be dropped. Neither locks nor touches the disk.
        """
        current = self._current
        row = current.committed
        if row == current.capacity:
            ready = self._ready
            if ready is None and self._thread is None:
                self._maintain()
                ready = self._ready
            if ready is None:
                self.miss(1)
                return False
            # The thread unmaps and syncs the full one: doing so here would cost milliseconds.
            self._full.append(current)
            self._current, self._ready = ready, None
            if self._thread is None:
                self._maintain()  # what is freed then depends on the index alone
            self._wake.set()
            current, row = ready, 0
        if self.gap_pending:
            self._gaps.append((current.first + row, self.dropped - self._dropped_told))
            self._dropped_told, self.gap_pending = self.dropped, False
            self._wake.set()
        step["index"] = current.first + row
        current.put(row, step.reshape(1).view(np.uint8))
        return True

    def miss(self, count: int) -> None:
        """Say that `count` Steps are missing before the next one; 0 says nothing."""
        if count:
            self.dropped += count
            self.gap_pending = True

    def truncate(self, next_index: int) -> None:
        """Throw away the Steps from `next_index` on, and the gaps there; while nothing appends (a
        resume in lockstep). Raises JournalError when that place was freed, and OSError."""
        if next_index >= self.next_index:
            return
        with self._slow:
            paths = segment_paths(self._folder)
            kept = [path for path in paths if int(path.stem) < max(1, next_index)]
            if next_index and not kept:
                raise JournalError(f"{self._folder}: step {next_index} is no longer in the journal")
            last = Segment(kept[-1], self._spaces, write=True) if kept else self._create(0)
            if next_index > last.first + last.capacity:
                raise JournalError(f"{self._folder}: step {next_index} is no longer in the journal")
            last.cut(next_index - last.first)
            self._current, self._ready = last, None
            for path in paths[len(kept) :]:
                discard(path)
            self._forget_gaps(next_index)
            self._maintain()

    def close(self) -> None:
        """Stop the thread, write down a gap still open, and sync. Safe to call more than once."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        if self.dropped > self._dropped_told:
            self._gaps.append((self.next_index, self.dropped - self._dropped_told))
            self._dropped_told = self.dropped
        self._write_gaps()
        self._sync()
        with contextlib.suppress(OSError, ValueError):
            flush(self._current.path, self._current.bytes)

    def _recover(self) -> Segment:
        """The segment to go on with: after the last whole record there is.

        Scans the newest segment with records and the one before it, which may not have been synced
        yet; older ones were. An empty one prepared ahead is used again: a reader has it mapped.
        """
        segments = open_segments(self._folder, self._spaces)
        empty: Segment | None = None
        while segments and not segments[-1].recover():
            if empty is not None:
                discard(empty.path)
            empty = segments.pop()
        if len(segments) > 1 and segments[-2].recover() < segments[-2].capacity:
            discard(segments.pop().path)  # nothing behind a damaged record is trusted
        fits = empty is not None and empty.capacity == self._segment_steps
        if not segments:
            if empty is None or fits:
                return empty or self._create(0)
            discard(empty.path)
            return self._create(empty.first)
        current = segments[-1]
        if empty is not None and not (fits and empty.first == current.first + current.capacity):
            discard(empty.path)
            empty = None
        if current.full and current.capacity != self._segment_steps:
            return empty or self._create(current.end)
        touch_pages(current.bytes)
        if empty is not None:
            touch_pages(empty.bytes)
        self._ready = empty
        return current

    def _create(self, first: int) -> Segment:
        segment = create_segment(self._folder, self._spaces, first, self._segment_steps)
        touch_pages(segment.bytes)
        return segment

    def _keep(self) -> None:
        while not self._closed:
            self._wake.wait(_RETRY_S)
            self._wake.clear()
            self._maintain()

    def _maintain(self) -> None:
        """Free what is old, have the next segment ready, write gaps down, sync what is full.

        The next segment comes before the sync: on a busy disk that takes seconds.
        """
        with self._slow:
            self._free()
            self._prepare()
            self._write_gaps()
            self._sync()

    def _prepare(self) -> None:
        if self._ready is not None:
            return
        current = self._current
        try:
            self._ready = self._create(current.first + current.capacity)
            self._full_disk_told = False
        except (OSError, JournalError) as error:
            if not self._full_disk_told:
                logger.error("journal: no new segment ({}); Steps may be dropped", error)
                self._full_disk_told = True

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
                with (self._folder / "gaps.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            except OSError:
                return  # still full; the next round tries again
            self._gaps.popleft()
            logger.warning("journal: {} Steps missing before step {}", dropped, index)

    def _forget_gaps(self, next_index: int) -> None:
        path = self._folder / "gaps.jsonl"
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if _before_index(line) < next_index]
        write_bytes(path, "".join(kept).encode())

    def _free(self) -> None:
        """Delete the oldest segments beyond max_steps that no reader holds."""
        paths = [p for p in segment_paths(self._folder) if int(p.stem) < self._current.first]
        end = self._current.first  # at least max_steps are kept, however full the current one is
        held_from = min(self._holds(), default=end)
        for path, following in zip(paths, [*paths[1:], self._current.path], strict=bool(paths)):
            kept_without = end - int(following.stem)
            if kept_without < self._max_steps:
                return
            held = int(following.stem) > held_from
            if held and end - int(path.stem) <= _HOLD_AT_MOST * self._max_steps:
                return
            discard(path)  # where a reader still maps it (Windows), the next round tries again

    def _holds(self) -> list[int]:
        found: list[int] = []
        for path in self._folder.glob(hold_path(self._folder, "*").name):
            with contextlib.suppress(OSError, ValueError):
                position = map_bytes(path, write=False).view(np.uint64)[0]
                if position != NO_HOLD:
                    found.append(int(position))
        return found


def _before_index(line: str) -> int:
    """Of a line of gaps.jsonl; 0 for one that a full disk cut short: it is kept as it is."""
    try:
        return int(json.loads(line)["before_index"])
    except (ValueError, KeyError, TypeError):
        return 0
