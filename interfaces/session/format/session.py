"""A session: the segments of a run in order, with access to its Steps by index or by time."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout, as_layout
from interfaces.session.format.segment_reader import SegmentInfo, SessionSegment
from interfaces.session.format.segment_writer import DONE, LIVE, RecordedStep, SessionError


class Session:
    """Reads a run's folder, its session folder, or a single file. Times in ns since the epoch.

    `live` lists unfinished segments: being written now, or left by a crash. `layout` has the reward
    terms of all segments. Raises SessionError
    for a folder without a session, and for segments with different spaces or the same Steps.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = [SessionSegment(each) for each in segment_files(path)]
        self.live = live_files(path)
        if not self.segments:
            if self.live:
                raise SessionError(
                    f"{path} has no finished segment. A segment that is being recorded is finished "
                    "after session.minutes; after a crash, run `sessions recover`"
                )
            raise SessionError(f"{path} holds no session")
        self.segments.sort(key=lambda segment: segment.info.first)
        spaces = {str(info.codec.spaces.to_json()): info for info in self.infos}
        if len(spaces) > 1:
            one, other, *_ = spaces.values()
            raise SessionError(f"{one.path} and {other.path} have different spaces")
        self.layout = common_layout(info.codec.layout for info in self.infos)
        for one, other in itertools.pairwise(self.infos):
            if other.first < one.end:
                raise SessionError(
                    f"{one.path} and {other.path} have the same Steps: remove one of them"
                )

    @property
    def infos(self) -> list[SegmentInfo]:
        """What each file contains, in order."""
        return [segment.info for segment in self.segments]

    @property
    def spaces(self) -> Spaces:
        return self.segments[0].info.codec.spaces

    @property
    def first(self) -> int:
        """Index of the first Step."""
        return self.segments[0].info.first

    @property
    def end(self) -> int:
        """One past the index of the last Step."""
        return self.segments[-1].info.end

    @property
    def steps_recorded(self) -> int:
        """How many Steps all files hold."""
        return sum(info.steps for info in self.infos)

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """(first missing index, count), including the gaps between segments."""
        parts: list[tuple[int, int]] = []
        at = self.first
        for info in self.infos:
            if info.first > at:
                parts.append((at, info.first - at))
            parts += info.gaps
            at = max(at, info.end)
        gaps: list[tuple[int, int]] = []
        for first, count in parts:  # a gap across the end of a segment counts once
            if gaps and sum(gaps[-1]) == first:
                first, count = gaps[-1][0], gaps.pop()[1] + count
            gaps.append((first, count))
        return gaps

    def messages(
        self, start: int = 0, end: int | None = None
    ) -> Iterator[tuple[SessionSegment, RecordedStep]]:
        """Segment and messages of each Step with start <= index < end, in order.

        Missing Steps are left out. Raises SessionError for damage.
        """
        for segment in self.segments:
            info = segment.info
            if info.end <= start:
                continue
            if end is not None and info.first >= end:
                return
            chunk = segment.chunk_of(start) if start > info.first else 0
            for recorded in segment.messages(chunk):
                if end is not None and recorded.index >= end:
                    return
                if recorded.index >= start:
                    yield segment, recorded

    def steps(
        self, start: int = 0, end: int | None = None, *, picture: bool = True
    ) -> Iterator[tuple[int, NDArray[np.void]]]:
        """(log time in ns, Step), in the order of `messages`. Raises SessionError for damage."""
        for segment, recorded in self.messages(start, end):
            step = segment.decode(recorded, picture=picture)
            yield recorded.log_ns, as_layout(step, self.layout)

    def read(self, start: int, length: int) -> NDArray[np.void]:
        """The Steps start <= index < start + length as records (T,); missing ones are left out."""
        steps = [step for _, step in self.steps(start, start + length)]
        return np.array(steps, self.layout.dtype)

    def index_at(self, time_ns: int) -> int:
        """Index of the first Step logged at this time or later; `end` if there is none."""
        for segment in self.segments:
            if segment.info.ended_ns < time_ns:
                continue
            for recorded in segment.messages(segment.chunk_at(time_ns)):
                if recorded.log_ns >= time_ns:
                    return recorded.index
        return self.end


def common_layout(layouts: Iterable[StepLayout]) -> StepLayout:
    """The layout of the newest of these, with the reward terms of all. The oldest comes first."""
    newest, *older = reversed(list(layouts))
    for layout in older:
        newest = newest.with_terms_of(layout)
    return newest


def session_folder(path: Path) -> Path:
    """The session folder of a run, or the given folder itself."""
    inside = path / "session"
    return inside if inside.is_dir() else path


def segment_files(path: Path) -> list[Path]:
    """The finished segments of a run, oldest first; files from `cut` and `merge` are not among
    them. A single file is returned as it is."""
    return [path] if path.is_file() else numbered(session_folder(path), DONE)


def live_files(path: Path) -> list[Path]:
    """The unfinished segments of a run."""
    return [] if path.is_file() else numbered(session_folder(path), LIVE)


def numbered(folder: Path, suffix: str) -> list[Path]:
    """Files named by the index of their first Step, as the segments of a run are."""
    return sorted(folder.glob(f"{12 * '[0-9]'}{suffix}"))


def is_numbered(path: Path) -> bool:
    """Whether the file name is the 12-digit index of a Step."""
    return len(path.stem) == 12 and path.stem.isdecimal()
