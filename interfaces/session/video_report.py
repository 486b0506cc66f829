"""Says what an imported video lacked, and calls it damaged only where its container proves it."""

from collections.abc import Iterator
from pathlib import Path

from interfaces.devices.file_video import FileFrames
from interfaces.devices.video_container import is_cut_short

_TOLERANCE_S = 1.0  # a header's length is an estimate


def missing_parts(video: Path, frames: FileFrames) -> Iterator[str]:
    """One note for each thing that the frames, read to the end, lacked. Raises OSError."""
    reader, times = frames.reader, frames.times
    short = reader.end_s < reader.length_s - _TOLERANCE_S
    if is_cut_short(video):
        of = f" of {reader.length_s:.1f}" if short else ""
        yield f"only {reader.end_s:.1f}{of} s could be read: the file is cut off"
    elif short:
        yield (
            f"the last picture is at {reader.end_s:.1f} s, the header states "
            f"{reader.length_s:.1f} s: the rest has no picture, or it cannot be read"
        )
    if frames.undecodable:
        yield f"frames that cannot be decoded, left out: {frames.undecodable}"
    if times.estimated:
        yield f"frames without a usable time, estimated from their neighbours: {times.estimated}"
    if times.restarts:
        yield f"places where its clock starts again, played one after another: {times.restarts}"
