"""The state of a journal's segments after a crash: what is kept, deleted or set aside."""

from pathlib import Path

from loguru import logger

from interfaces.journal.layout import JournalLayout, read_layout
from interfaces.journal.segment import DamagedSegment, Segment, discard, segment_paths


def open_segments(folder: Path, layout: JournalLayout) -> list[Segment]:
    """Open all segments for the writer, oldest first.

    Incomplete files of a crash are deleted, damaged segments are renamed. Raises JournalError for
    another layout, and OSError.
    """
    for leftover in (*folder.glob("*.new"), *folder.glob("*.new.tmp")):
        leftover.unlink()
    set_aside_damaged(folder, layout)
    segments: list[Segment] = []
    for path in segment_paths(folder):
        segment = Segment(path, layout.step, write=True)
        if segment.discarded:
            del segment
            discard(path)
        else:
            segments.append(segment)
    return segments


def recoverable_end(folder: Path) -> int:
    """Index of the Step at which a writer would continue; 0 without a journal. Changes nothing.

    A writer drops all Steps after a damaged record in the two newest segments. Raises JournalError
    for another layout.
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

    The journal must have no running writer. Raises JournalError for another layout, and OSError.
    """
    renamed: list[tuple[Path, Path]] = []
    for path in segment_paths(folder):
        try:
            Segment(path, layout.step, write=False)
            continue
        except DamagedSegment as error:
            damage = str(error)
        aside = path.with_suffix(".bad")
        # Not inside `except`: the error still maps the file there, and Windows would refuse.
        path.replace(aside)
        logger.error("journal: {}; set aside as {}", damage, aside.name)
        renamed.append((path, aside))
    return renamed
