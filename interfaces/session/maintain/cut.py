"""Copy a part of a session into one file, and join such parts."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from configs.reading.busy_files import replace_file
from interfaces.ipc.atomic_files import staging_path
from interfaces.runtime.known_runs import require_known_place
from interfaces.session.format.ownership import remove_staging
from interfaces.session.format.segment_writer import DONE, LIVE, SegmentWriter, SessionError
from interfaces.session.format.session import Session, common_layout, numbered
from interfaces.session.maintain.overview import format_time


def cut(path: Path, out: Path, begin_ns: int, end_ns: int) -> int:
    """Copy the Steps logged in begin_ns <= t < end_ns into the new file `out`; return their number.

    Raises SessionError if there are none, or if `out` exists.
    """
    session = Session(path)
    start, end = session.index_at(begin_ns), session.index_at(end_ns)
    return _copy([session], out, start, end)


def merge(paths: Sequence[Path], out: Path) -> int:
    """Join parts of one run in the new file `out`; return the number of Steps.

    Raises SessionError for parts with different spaces or with the same Steps, and if `out` exists.
    """
    sessions = sorted((Session(path) for path in paths), key=lambda session: session.first)
    for one, other in itertools.pairwise(sessions):
        if one.spaces.to_json() != other.spaces.to_json():
            raise SessionError(f"{one.path} and {other.path} have different spaces")
        if other.first < one.end:
            raise SessionError(
                f"{one.path} ends at step {one.end}, {other.path} starts at {other.first}: "
                "they come from different runs, or have the same Steps"
            )
    return _copy(sessions, out, sessions[0].first, sessions[-1].end)


def _copy(sessions: Sequence[Session], out: Path, start: int, end: int) -> int:
    require_known_place(out, f"writing {out}")
    if os.path.lexists(out):
        raise SessionError(f"{out} exists already: existing files are never overwritten")
    if out.suffix != DONE:
        raise SessionError(f"{out}: the name of a session file ends in {DONE}")
    if start >= end:
        raise SessionError(f"there is no Step in that time span; {_recorded_times(sessions)}")
    if numbered(out.parent, DONE) or numbered(out.parent, LIVE):
        raise SessionError(f"{out.parent} holds a session: choose another folder")
    info = sessions[0].infos[0]
    codec = replace(info.codec, layout=common_layout(each.layout for each in sessions))
    staging = staging_path(out)
    remove_staging(staging)  # left by a killed process
    writer = SegmentWriter(staging, start, codec, info.run_metadata)
    try:
        for session in sessions:
            for _, recorded in session.messages(start, end):
                writer.copy(recorded)
        steps, done = writer.steps, writer.close()
        if done is not None:
            replace_file(done, out)
    finally:
        writer.abandon()
        remove_staging(staging)
    return steps


def _recorded_times(sessions: Sequence[Session]) -> str:
    infos = [info for session in sessions for info in session.infos]
    began, ended = format_time(infos[0].began_ns), format_time(infos[-1].ended_ns)
    return f"the recording is from {began} to {ended}"
