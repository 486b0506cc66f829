"""Read every Step of a session and report damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from interfaces.runtime.run_control import is_alive
from interfaces.runtime.run_folder import run_of
from interfaces.session.format.segment_reader import SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.session.maintain.verify_run_files import damaged_files


@dataclass(frozen=True)
class VerifyResult:
    """One segment: the number of Steps read, and what is wrong; empty if nothing is."""

    path: Path
    steps: int
    trouble: str


def verify(path: Path) -> Iterator[VerifyResult]:
    """Read all Steps of all segments, check the checksums and count.

    For a run also its small files: settings, metadata, checkpoints, weights. The unfinished segment
    of a running run is left out; any other unfinished segment is an error.

    Raises SessionError for a path without a session.
    """
    files = segment_files(path)
    if not files and not live_files(path):
        raise SessionError(f"{path} holds no session")
    for file in files:
        yield _verify_segment(file)
    run = run_of(path)
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
        for _, step in segment.steps():
            index = int(step["index"])
            expected = at + gaps.pop(at, 0)
            if index != expected:
                return VerifyResult(file, steps, f"step {index} where {expected} should be")
            at, steps = index + 1, steps + 1
    except SessionError as error:
        return VerifyResult(file, steps, str(error).removeprefix(f"{file}").lstrip(": "))
    if (steps, at) != (info.steps, info.end):
        text = f"{steps} Steps up to {at}, but the file states {info.steps} up to {info.end}"
        return VerifyResult(file, steps, text)
    return VerifyResult(file, steps, "")
