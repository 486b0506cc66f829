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

from interfaces.journal.layout import (
    JournalError,
    Segment,
    create_segment,
    segment_paths,
    write_layout,
)
from interfaces.mapped import flush, touch_pages
from interfaces.spaces import Spaces

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
                self._drop()
                return False
            # The thread unmaps and syncs the full one: doing so here would cost milliseconds.
            self._full.append(current)
            self._current, self._ready = ready, None
            self._wake.set()
            current, row = ready, 0
        if self.gap_pending:
            self._gaps.append((current.first + row, self.dropped - self._dropped_told))
            self._dropped_told, self.gap_pending = self.dropped, False
            self._wake.set()
        step["index"] = current.first + row
        current.put(row, step.reshape(1).view(np.uint8))
        return True

    def truncate(self, next_index: int) -> None:
        """Throw away the Steps from `next_index` on; before any append (a resume in lockstep)."""
        if next_index >= self.next_index:
            return
        self._ready = None
        paths = [p for p in segment_paths(self._folder) if int(p.stem) >= max(1, next_index)]
        holder = [p for p in segment_paths(self._folder) if int(p.stem) < max(1, next_index)]
        if not holder:
            raise JournalError(f"{self._folder}: step {next_index} is no longer in the journal")
        self._current = Segment(holder[-1], self._spaces, write=True)
        self._current.cut(next_index - self._current.first)
        for path in paths:
            path.unlink()
        self._maintain()

    def close(self) -> None:
        """Stop the thread and sync what was written."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        self._sync()

    def _drop(self) -> None:
        self.dropped += 1
        self.gap_pending = True

    def _recover(self) -> Segment:
        """The segment to go on with: after the last whole record there is."""
        for path in self._folder.glob("*.new"):
            path.unlink()
        segments = [Segment(path, self._spaces, write=True) for path in segment_paths(self._folder)]
        while segments:
            last = segments.pop()
            if last.recover() or not segments:
                if last.capacity == self._segment_steps or last.committed < last.capacity:
                    return last
                return self._create(last.end)
            last.path.unlink()  # prepared ahead, never used
        return self._create(0)

    def _create(self, first: int) -> Segment:
        segment = create_segment(self._folder, self._spaces, first, self._segment_steps)
        touch_pages(segment.bytes[4096:])
        return segment

    def _keep(self) -> None:
        while not self._closed:
            self._wake.wait(_RETRY_S)
            self._wake.clear()
            self._maintain()

    def _maintain(self) -> None:
        """Sync what is full, write gaps down, free what is old, and have the next segment ready."""
        self._sync()
        self._write_gaps()
        self._free()
        if self._ready is None:
            current = self._current
            try:
                self._ready = self._create(current.first + current.capacity)
                self._full_disk_told = False
            except OSError as error:
                if not self._full_disk_told:
                    logger.error("journal: no new segment ({}); Steps may be dropped", error)
                    self._full_disk_told = True

    def _sync(self) -> None:
        while self._full:
            segment = self._full.popleft()
            with contextlib.suppress(OSError, ValueError):
                flush(segment.bytes)

    def _write_gaps(self) -> None:
        while self._gaps:
            index, dropped = self._gaps.popleft()
            line = {
                "before_index": index,
                "dropped": dropped,
                "written": datetime.now().astimezone().isoformat(timespec="seconds"),
            }
            logger.warning("journal: {} Steps missing before step {}", dropped, index)
            with contextlib.suppress(OSError), (self._folder / "gaps.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    def _free(self) -> None:
        """Delete the oldest segments beyond max_steps that no reader holds."""
        paths = [p for p in segment_paths(self._folder) if int(p.stem) < self._current.first]
        end = self._current.first + self._segment_steps
        held_from = min(self._holds(), default=end)
        for path, following in zip(paths, [*paths[1:], self._current.path], strict=bool(paths)):
            kept_without = end - int(following.stem)
            if kept_without < self._max_steps:
                return
            held = int(following.stem) > held_from
            if held and end - int(path.stem) <= _HOLD_AT_MOST * self._max_steps:
                return
            try:
                path.unlink()
            except OSError:
                return  # Windows: a reader still maps it; the next round tries again

    def _holds(self) -> list[int]:
        found: list[int] = []
        for path in self._folder.glob("hold-*.pos"):
            with contextlib.suppress(OSError, ValueError):
                found.append(int(path.read_text(encoding="ascii")))
        return found
