"""Read every Step of a session and report damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from interfaces.runtime.live_control.run_control import is_alive
from interfaces.runtime.run_folder import run_of
from interfaces.session.format.segment_reader import SegmentInfo, SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.session.maintain.verify_journal import journal_troubles
from interfaces.session.maintain.verify_run_files import damaged_files


@dataclass(frozen=True)
class VerifyResult:
    """One segment: the number of Steps read, and what is wrong; empty if nothing is."""

    path: Path
    steps: int
    trouble: str


def verify(path: Path) -> Iterator[VerifyResult]:
    """Read all Steps of all segments, check the checksums and count.

    For a run also its journal and its small files: settings, metadata, checkpoints, weights. The
    unfinished segment of a running run is left out; any other unfinished segment is an error.

    Raises SessionError for a path without a session.
    """
    files = segment_files(path)
    if not files and not live_files(path):
        raise SessionError(f"{path} holds no session")
    for file in files:
        yield _verify_segment(file)
    run = run_of(path)
    if run is not None and path.is_dir():
        yield from (VerifyResult(file, 0, trouble) for file, trouble in journal_troubles(run))
    if run is None or not is_alive(run):
        for file in live_files(path):
            yield VerifyResult(file, 0, "has no end, as after a crash: run `sessions recover`")
    if run is not None and path.is_dir():
        yield from (VerifyResult(file, 0, trouble) for file, trouble in damaged_files(run))


def _verify_segment(file: Path) -> VerifyResult:
    steps = 0
    try:
        segment = SessionSegment(file)
        info, at = segment.info, segment.info.first
        gaps = dict(info.gaps)
        times: list[tuple[int, int]] = []
        for recorded in segment.messages():
            index = int(segment.decode(recorded)["index"])
            expected = at + gaps.pop(at, 0)
            if index != expected:
                return VerifyResult(file, steps, f"step {index} where {expected} should be")
            at, steps = index + 1, steps + 1
            times.append((recorded.log_ns, recorded.wall_ns))
        damage = segment.damage()
    except SessionError as error:
        return VerifyResult(file, steps, str(error).removeprefix(f"{file}").lstrip(": "))
    if (steps, at) != (info.steps, info.end):
        text = f"{steps} Steps up to {at}, but the file states {info.steps} up to {info.end}"
        return VerifyResult(file, steps, text)
    if gaps:
        return VerifyResult(file, steps, f"states a gap of {gaps}, where there is none")
    if damage:
        text = f"{damage}: its Steps are intact, its metadata may not be: run `sessions recover`"
        return VerifyResult(file, steps, text)
    if not _are_stated(times, info):
        return VerifyResult(file, steps, "states other times than those of its Steps")
    return VerifyResult(file, steps, "")


def _are_stated(times: list[tuple[int, int]], info: SegmentInfo) -> bool:
    """Whether the (log time, wall time) of the Steps are those that the file states."""
    if not times:
        return True
    wall = (min(wall for _, wall in times), max(wall for _, wall in times))
    log = (times[0][0], times[-1][0])
    return log == (info.began_ns, info.ended_ns) and info.wall_ns in (None, wall)
