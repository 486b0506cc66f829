"""The state of a journal's segments after a crash: what is kept, deleted or set aside."""

import re
from pathlib import Path

from loguru import logger

from interfaces.journal.journal_errors import DamagedSegment, ForeignSegment
from interfaces.journal.layout import JournalLayout, read_layout
from interfaces.journal.segment import Segment, discard, segment_paths, stray_paths

# What a killed `create_segment` leaves.
_LEFTOVER = re.compile(r"\d{12,19}\.new(\.tmp)?")


def open_segments(folder: Path, layout: JournalLayout) -> list[Segment]:
    """Open all segments for the writer, oldest first.

    Incomplete files of a crash are deleted, damaged segments are renamed. Raises JournalError for
    another layout and for something else with the name of a segment, and OSError.
    """
    for leftover in folder.glob("[0-9]*.new*"):
        if _LEFTOVER.fullmatch(leftover.name) and not leftover.is_dir():
            leftover.unlink()
    for stray in stray_paths(folder):
        logger.warning("journal: {} is no segment: it is left alone", stray)
    set_aside_damaged(folder, layout)
    segments: list[Segment] = []
    for path in segment_paths(folder):
        segment = Segment(path, layout.step, write=True)
        if segment.discarded:
            del segment
            discard(path, layout.step)
        else:
            segments.append(segment)
    return segments


def recoverable_end(folder: Path) -> int:
    """Index of the Step at which an exact resume may continue; 0 without a journal.

    Nothing is changed. A writer continues after a damaged record. An exact resume cannot: the
    result is then the index of the first damaged record in the two newest segments. Raises
    JournalError for another layout.
    """
    segments: list[Segment] = []
    layout = read_layout(folder)
    for path in segment_paths(folder) if layout is not None else ():
        assert layout is not None
        try:
            segment = Segment(path, layout.step, write=False)
        except DamagedSegment:
            continue
        if not segment.discarded:
            segments.append(segment)
    empty = 0
    while segments and not segments[-1].count_intact():
        empty = segments.pop().first
    if not segments:
        return empty
    for segment in segments[-2:]:
        if (count := segment.count_intact()) < segment.limit:
            return segment.first + count
    return segments[-1].first + segments[-1].limit


def set_aside_damaged(folder: Path, layout: JournalLayout) -> list[tuple[Path, Path]]:
    """Rename each segment without a header or an end to *.bad. Return its (old path, new path).

    The journal must have no running writer. Raises JournalError for another layout and for
    something that is not a segment, and OSError.
    """
    renamed: list[tuple[Path, Path]] = []
    for path in segment_paths(folder):
        try:
            Segment(path, layout.step, write=False)
            continue
        except ForeignSegment:
            raise
        except DamagedSegment as error:
            damage = str(error)
        aside = _free_path(path.with_suffix(".bad"))
        # Not inside `except`: the error still maps the file there, and Windows would refuse.
        path.replace(aside)
        logger.error("journal: {}; set aside as {}", damage, aside.name)
        renamed.append((path, aside))
    return renamed


def _free_path(path: Path) -> Path:
    """This path or, if it exists, the same with a number."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return free
