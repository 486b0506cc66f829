"""The state of a journal's segments after a crash: what is kept, deleted or set aside."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from configs.reading.busy_files import delete_file, rename_file
from interfaces.ipc.no_links import refuse_links_between
from interfaces.ipc.set_aside import set_aside
from interfaces.journal.journal_errors import DamagedSegment, ForeignSegment
from interfaces.journal.layout import JournalLayout, read_layout
from interfaces.journal.segment import Segment, discard, segment_paths, stray_paths
from interfaces.journal.segment_records import ReadSegment

# What a killed `create_segment` leaves.
# Files that a crash left: segments not yet named, and (Windows) segments renamed to be deleted.
_LEFTOVER = re.compile(r"\d{12,19}\.(new(\.tmp)?|seg\.[0-9a-f]{8}\.gone)")


@dataclass(frozen=True)
class SetAside:
    """A file that has been renamed from `path` to `aside`, and why."""

    path: Path
    aside: Path
    cause: str


def open_segments(folder: Path, layout: JournalLayout) -> tuple[list[Segment], list[SetAside]]:
    """Open all segments for the writer, oldest first; also the files that were set aside.

    Incomplete files of a crash are deleted. Damaged segments are renamed, and so is everything else
    that has the name of a segment, except a link: one file must not end a run. Raises JournalError
    for another layout, LinkRefused, and OSError.
    """
    for leftover in folder.glob("[0-9]*"):
        if _LEFTOVER.fullmatch(leftover.name) and not leftover.is_dir():
            delete_file(leftover)
    for stray in stray_paths(folder):
        logger.warning("journal: {} is no segment: it is left alone", stray)
    renamed = list(_set_aside(folder, layout, foreign=True))
    segments: list[Segment] = []
    for path in segment_paths(folder):
        segment = Segment(path, layout.step)
        if segment.discarded:
            del segment
            discard(path, layout.step)
        else:
            segments.append(segment)
    return segments, renamed


def fill_holes(
    segments: list[Segment], end: int, max_hole: int, create: Callable[[int, int], Segment]
) -> list[Segment]:
    """The segments, with damaged records in place of the Steps missing between them and up to
    `end`.

    `create(first, capacity)` makes an empty segment. A hole of more than `max_hole` Steps stays:
    readers see only the Steps after it.
    """
    filled: list[Segment] = []
    for number, segment in enumerate(segments):
        filled.append(segment)
        first = segments[number + 1].first if number + 1 < len(segments) else end
        if not 0 < first - segment.end <= max_hole:
            continue
        segment.end_before(min(first, segment.first + segment.capacity))
        while (at := filled[-1].end) < first:
            lost = create(at, min(first - at, segment.capacity))
            lost.committed = lost.capacity  # without content: no checksum is right
            filled.append(lost)
    return filled


def recoverable_end(folder: Path) -> int:
    """Index of the Step at which an exact resume may continue; 0 without a journal.

    Nothing is changed. A writer continues after a damaged record. An exact resume cannot: the
    result is then the index of the first damaged record in the two newest segments. Raises
    JournalError for another layout.
    """
    segments: list[ReadSegment] = []
    layout = read_layout(folder)
    for path in segment_paths(folder) if layout is not None else ():
        assert layout is not None
        try:
            segment = ReadSegment(path, layout.step)
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


def set_aside_damaged(folder: Path, layout: JournalLayout) -> list[SetAside]:
    """Rename each segment without a header or an end to *.bad.

    The journal must have no running writer. Raises JournalError for another layout and for
    something that is not a segment, LinkRefused, and OSError.
    """
    renamed: list[SetAside] = []
    for each in _set_aside(folder, layout, foreign=False):
        logger.error("journal: {} {}; set aside as {}", each.path, each.cause, each.aside.name)
        renamed.append(each)
    return renamed


def _set_aside(folder: Path, layout: JournalLayout, *, foreign: bool) -> Iterator[SetAside]:
    """Rename damaged segments to *.bad. With `foreign`, rename what is not proven to be a segment
    to NAME.damaged-N.

    There are two names because `forget` deletes *.bad, which may hold Steps of the run.
    """
    for path in segment_paths(folder):
        if foreign:  # the writer would follow it
            refuse_links_between(folder.parent, path)
        try:
            ReadSegment(path, layout.step)
            continue
        except ForeignSegment as error:
            if not foreign:
                raise
            cause, is_ours = error.what, False
        except DamagedSegment as error:
            cause, is_ours = str(error).removeprefix(f"{path} "), True
        # Not inside `except`: the error still has the file open there, and Windows would refuse.
        if is_ours:
            refuse_links_between(folder.parent, path)
            aside = rename_file(path, _free_path(path.with_suffix(".bad")))
        else:
            aside = set_aside(path)
        yield SetAside(path, aside, cause)


def report_lost(renamed: list[SetAside], segments: list[Segment], end: int) -> None:
    """Log the Steps that missing and damaged files cost, with a line for each file set aside.

    `segments`: what the journal still has. `end`: one past the newest Step that was recorded.
    """
    named = sorted(int(each.path.stem) for each in renamed)
    known = [*(segment.first for segment in segments), end]
    for each in renamed:
        first = int(each.path.stem)
        after = min([end, *(other for other in (*named, *known) if other > first)])
        steps = f"Steps {first} to {after - 1} are lost" if after > first else "no Step is lost"
        logger.error(
            "journal: {} {}: set aside as {}; {}", each.path, each.cause, each.aside.name, steps
        )
    for segment, first in zip(segments, known[1:], strict=True):
        after = min([first, *(other for other in named if other >= segment.end)])
        if after > segment.end:
            logger.error(
                "journal: Steps {} to {} are lost: no segment has them", segment.end, after - 1
            )


def _free_path(path: Path) -> Path:
    """This path or, if it exists, the same with a number."""
    free, number = path, 2
    while os.path.lexists(free):
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return free
