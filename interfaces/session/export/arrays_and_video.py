"""Export a session as NumPy arrays or as a video."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.session.export.episodes import Episode
from interfaces.session.export.output_files import check_new_path, write_whole
from interfaces.session.export.video_stream import add_video_stream, av_module, crop_to_even
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.playback_time import PlaybackTime

_STEPS_PER_FILE = 10_000
_MIN_SIDE = 256  # pixels of a video: smaller pictures are enlarged by a whole factor
Progress = Callable[[int], None]


def to_npz(session: Session, out: Path, progress: Progress = lambda _: None) -> int:
    """Write a folder of .npz files with up to 10,000 Steps each; return the number of Steps.

    A file has one array (T, ...) per field of a Step, and `time_s` since the first Step, which
    never decreases. `features` and `actions` are the names. Raises SessionError if `out` exists.
    """
    check_new_path(out)
    spaces = session.spaces
    names: dict[str, Any] = {
        "features": np.array(spaces.features),
        "actions": np.array([action.name for action in spaces.actions]),
    }
    clock, done = PlaybackTime(longest_s=math.inf), 0
    with write_whole(out) as folder:
        folder.mkdir()
        for part in _parts(session):
            columns: dict[str, Any] = {
                name: part.steps[name] for name in part.steps.dtype.names or ()
            }
            first = int(part.steps["index"][0])
            columns["time_s"] = np.array([clock.seconds(int(at)) for at in part.times_ns])
            columns |= names
            np.savez_compressed(folder / f"{first:012d}.npz", **columns)
            done += len(part.steps)
            progress(done)
    return done


def _parts(session: Session) -> Iterator[Episode]:
    """All Steps in parts of one file each."""
    steps: list[NDArray[np.void]] = []
    times: list[int] = []
    for at, step in session.steps():
        steps.append(step)
        times.append(at)
        if len(steps) == _STEPS_PER_FILE:
            yield Episode(np.array(steps, steps[0].dtype), np.array(times, np.int64))
            steps, times = [], []
    if steps:
        yield Episode(np.array(steps, steps[0].dtype), np.array(times, np.int64))


def to_mp4(session: Session, out: Path, progress: Progress = lambda _: None) -> int:
    """Write the pictures as an H.264 video in PlaybackTime; return the number of pictures.

    Raises SessionError for a session without pictures, an existing `out`, or without PyAV.
    """
    if not session.spaces.has_image:
        raise SessionError(f"{session.path} has no pictures: a video is not possible")
    check_new_path(out, ".mp4")
    av = av_module()
    height, width, _ = session.spaces.image_shape
    scale = max(1, -(-_MIN_SIDE // min(height, width)))
    clock, done, last_ms = PlaybackTime(), 0, -1
    tall, wide = (side * scale - side * scale % 2 for side in (height, width))
    with write_whole(out) as staging, av.open(str(staging), "w", format="mp4") as container:
        stream = add_video_stream(container, wide, tall, 1000)
        for _, step in session.steps():
            seconds = clock.seconds(int(step["monotonic_ns"]))
            picture = crop_to_even(np.repeat(np.repeat(step["image"], scale, 0), scale, 1))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            last_ms = max(last_ms + 1, int(1e3 * seconds))
            frame.pts = last_ms
            container.mux(stream.encode(frame))
            done += 1
            progress(done)
        container.mux(stream.encode())
    return done
