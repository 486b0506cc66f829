"""A session: the segments of a life in order, and its Steps by index or by time."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.session.format.segment_reader import Segment, SegmentInfo
from interfaces.session.format.segment_writer import DONE, LIVE, Recorded, SessionError


class Session:
    """Reads a run's folder, its session folder, or a single file. Times in ns since the epoch.

    `live` are segments that are not ended: being written, or left by a crash. Raises SessionError
    for a folder without a session, and one whose segments are of different spaces.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = [Segment(each) for each in segment_files(path)]
        self.live = live_files(path)
        if not self.segments:
            if self.live:
                raise SessionError(
                    f"{path} has no segment with an end yet: one that is being recorded gets it "
                    "after session.minutes; what a crash has left sessions recover brings back"
                )
            raise SessionError(f"{path} holds no session")
        self.segments.sort(key=lambda segment: segment.info.first)
        spaces = {str(info.codec.spaces.to_json()): info for info in self.infos}
        if len(spaces) > 1:
            one, other, *_ = spaces.values()
            raise SessionError(f"{one.path} and {other.path} are of different spaces")
        for one, other in itertools.pairwise(self.infos):
            if other.first < one.end:
                raise SessionError(
                    f"{one.path} and {other.path} have the same Steps: take one away"
                )

    @property
    def infos(self) -> list[SegmentInfo]:
        return [segment.info for segment in self.segments]

    @property
    def spaces(self) -> Spaces:
        return self.segments[0].info.codec.spaces

    @property
    def first(self) -> int:
        return self.segments[0].info.first

    @property
    def end(self) -> int:
        """One past the last Step."""
        return self.segments[-1].info.end

    @property
    def steps_recorded(self) -> int:
        return sum(info.steps for info in self.infos)

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """(first missing index, how many), those between segments too."""
        holes: list[tuple[int, int]] = []
        at = self.first
        for info in self.infos:
            if info.first > at:
                holes.append((at, info.first - at))
            holes += info.gaps
            at = max(at, info.end)
        found: list[tuple[int, int]] = []
        for first, count in holes:  # one that goes over the end of a segment is one
            if found and sum(found[-1]) == first:
                first, count = found[-1][0], found.pop()[1] + count
            found.append((first, count))
        return found

    def messages(
        self, start: int = 0, end: int | None = None
    ) -> Iterator[tuple[Segment, Recorded]]:
        """What was recorded of the Steps with start <= index < end, in order, and where; what is
        missing is not there. Raises SessionError for damage."""
        for segment in self.segments:
            info = segment.info
            if info.end <= start:
                continue
            if end is not None and info.first >= end:
                return
            chunk = segment.chunk_of(start) if start > info.first else 0
            for found in segment.messages(chunk):
                if end is not None and found.index >= end:
                    return
                if found.index >= start:
                    yield segment, found

    def steps(
        self, start: int = 0, end: int | None = None, *, picture: bool = True
    ) -> Iterator[tuple[int, NDArray[np.void]]]:
        """(log time, Step), like messages."""
        for segment, found in self.messages(start, end):
            yield found.log_ns, segment.decode(found, picture=picture)

    def read(self, start: int, length: int) -> NDArray[np.void]:
        """Steps `start` to start + length, as far as they are there."""
        found = [step for _, step in self.steps(start, start + length)]
        return np.array(found, step_dtype(self.spaces))

    def index_at(self, time_ns: int) -> int:
        """The first Step logged at this time or later; the end where there is none."""
        for segment in self.segments:
            if segment.info.ended_ns < time_ns:
                continue
            for found in segment.messages(segment.chunk_at(time_ns)):
                if found.log_ns >= time_ns:
                    return found.index
        return self.end


def session_folder(path: Path) -> Path:
    """Of a run, or a session's own folder."""
    inside = path / "session"
    return inside if inside.is_dir() else path


def segment_files(path: Path) -> list[Path]:
    """The ended segments there, oldest first. What was cut or merged is none: it has a name."""
    return [path] if path.is_file() else numbered(session_folder(path), DONE)


def live_files(path: Path) -> list[Path]:
    """Segments that were not ended."""
    return [] if path.is_file() else numbered(session_folder(path), LIVE)


def numbered(folder: Path, suffix: str) -> list[Path]:
    """Segments of a life, which bear the number of their first Step."""
    return sorted(folder.glob(f"{12 * '[0-9]'}{suffix}"))


def is_numbered(path: Path) -> bool:
    return len(path.stem) == 12 and path.stem.isdecimal()
