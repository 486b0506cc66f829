"""Delete old segments to free disk space."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter

from configs.reading.bounded_file import MissingFile
from configs.reading.busy_files import delete_file
from configs.reading.json_document import read_json
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.ipc.no_links import refuse_links_between
from interfaces.runtime.run_folder import run_of
from interfaces.session.format.segment_reader import SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import segment_files
from interfaces.session.maintain.overview import find_sessions
from interfaces.session.maintain.start_time import save_start_time

PRUNED = "pruned.json"
_NS = 1_000_000_000
_DAY_S = 86_400.0


class PrunedSteps(BaseModel):
    """The content of pruned.json."""

    until: Annotated[int, Field(ge=0, lt=2**63, strict=True)]


PRUNED_STEPS = TypeAdapter(PrunedSteps)


@dataclass(frozen=True)
class PrunableSegment:
    """A segment that `prune` would delete. `end` is one past the index of its last Step."""

    path: Path
    bytes: int
    end: int
    reason: str


def find_prunable(
    paths: Sequence[Path], *, older_days: float | None, keep_gb: float | None, now_s: float
) -> list[PrunableSegment]:
    """The segments to delete, oldest first.

    These are the segments older than `older_days`, and the oldest ones until the rest fits in
    `keep_gb` (1 GB = 10**9 bytes). Unfinished and damaged segments are never among them. Raises
    LinkRefused for a link below one of the paths.
    """
    # `paths` may name a segment and also its session: count each file once.
    files: dict[Path, Path] = {}
    for folder in paths:
        for file in (file for path in find_sessions([folder]) for file in segment_files(path)):
            refuse_links_between(folder, file)  # a link leads to other files
            files.setdefault(file.resolve(), file)
    segments = _readable_segments(files.values())
    segments.sort(key=lambda segment: segment.info.ended_ns)
    prunable: list[PrunableSegment] = []
    left = sum(segment.info.bytes for segment in segments)
    for segment in segments:
        info = segment.info
        age_days = (now_s - info.ended_ns / _NS) / _DAY_S
        reason = ""
        if older_days is not None and age_days > older_days:
            reason = f"{age_days:.1f} days old"
        elif keep_gb is not None and left > keep_gb * 1e9:
            reason = f"the oldest beyond {keep_gb:g} GB"
        if reason:
            prunable.append(PrunableSegment(info.path, info.bytes, info.end, reason))
            left -= info.bytes
    return prunable


def prune(segments: Sequence[PrunableSegment]) -> int:
    """Delete these segments; return the freed bytes.

    The session remembers that they were deleted, so that a recovery does not restore them from the
    journal. Raises OSError.
    """
    for each in segments:
        if (run := run_of(each.path)) is not None:
            save_start_time(run)
        until = max(each.end, pruned_until(each.path.parent))
        write_checked_json(each.path.parent / PRUNED, {"until": until})
        delete_file(each.path, missing_ok=True)
    return sum(each.bytes for each in segments)


def pruned_until(folder: Path) -> int:
    """Steps before this index were pruned; 0 if none were.

    Raises UnreadableFile for a damaged file: `recover` would restore what was deleted.
    """
    try:
        return read_json(folder / PRUNED, PRUNED_STEPS).until
    except MissingFile:
        return 0


def _readable_segments(files: Iterable[Path]) -> list[SessionSegment]:
    segments: list[SessionSegment] = []
    for file in files:
        try:
            segments.append(SessionSegment(file))
        except SessionError:
            continue  # damaged: `recover` repairs it
    return segments
