"""Sessions for other tools: NumPy arrays, a video, a LeRobot dataset."""

import math
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from interfaces.ipc.atomic_files import workshop
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.playback_time import Pace

_STEPS_A_FILE = 10_000
_LEAST_SIDE = 256  # of a video: small pictures are enlarged, pixel by pixel
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Episode:
    """Steps that follow each other without a break."""

    steps: NDArray[np.void]
    times_ns: NDArray[np.int64]


def hz_of(session: Session) -> float:
    """The beat it was lived at, from the configuration the session carries. Raises SessionError."""
    try:
        return float(yaml.safe_load(session.infos[0].about["config"])["beat"]["hz"])
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise SessionError(f"{session.path} does not say at which beat it was lived") from error


def episodes(session: Session, longest: int) -> Iterator[Episode]:
    """Cut at beginnings, ends, gaps, skipped beats, and after `longest` Steps."""
    kept: list[NDArray[np.void]] = []
    times: list[int] = []

    def done() -> Episode:
        found = Episode(np.array(kept, kept[0].dtype), np.array(times, np.int64))
        kept.clear()
        times.clear()
        return found

    for at, step in session.steps():
        broken = bool(kept) and (
            bool(step["is_first"])
            or bool(kept[-1]["is_last"])
            or int(step["index"]) != int(kept[-1]["index"]) + 1
            or int(step["skipped"]) > 0
            or len(kept) == longest
        )
        if broken:
            yield done()
        kept.append(step)
        times.append(at)
    if kept:
        yield done()


def to_npz(session: Session, out: Path, progress: Progress = lambda _: None) -> int:
    """A folder of NAME.npz, each of up to 10,000 Steps: an array for each field of a Step, `time_s`
    since the beginning, which never goes back, and `features` and `actions`, the names. How many
    Steps."""
    new(out)
    spaces = session.spaces
    names: dict[str, Any] = {
        "features": np.array(spaces.features),
        "actions": np.array(_action_names(session)),
    }
    pace, done = Pace(longest_s=math.inf), 0
    with whole(out) as folder:
        folder.mkdir()
        for part in _by_file(session):
            columns: dict[str, Any] = {
                name: part.steps[name] for name in part.steps.dtype.names or ()
            }
            first = int(part.steps["index"][0])
            columns["time_s"] = np.array([pace.seconds(int(at)) for at in part.times_ns])
            columns |= names
            np.savez_compressed(folder / f"{first:012d}.npz", **columns)
            done += len(part.steps)
            progress(done)
    return done


def _by_file(session: Session) -> Iterator[Episode]:
    """All Steps, in files' worth."""
    kept: list[NDArray[np.void]] = []
    times: list[int] = []
    for at, step in session.steps():
        kept.append(step)
        times.append(at)
        if len(kept) == _STEPS_A_FILE:
            yield Episode(np.array(kept, kept[0].dtype), np.array(times, np.int64))
            kept, times = [], []
    if kept:
        yield Episode(np.array(kept, kept[0].dtype), np.array(times, np.int64))


def to_mp4(session: Session, out: Path, progress: Progress = lambda _: None) -> int:
    """What it saw, each picture at its own time, pauses shortened, in H.264. How many pictures.
    Raises SessionError for a life without pictures."""
    if not session.spaces.has_image:
        raise SessionError(f"{session.path}: it saw nothing, there is no video of it")
    new(out, ".mp4")
    av = av_module()
    height, width, _ = session.spaces.image_shape
    scale = max(1, -(-_LEAST_SIDE // min(height, width)))
    pace, done, last = Pace(), 0, -1
    tall, wide = (side * scale - side * scale % 2 for side in (height, width))
    with whole(out) as part, av.open(str(part), "w", format="mp4") as container:
        stream = add_video(container, wide, tall, 1000)
        for _, step in session.steps():
            seconds = pace.seconds(int(step["monotonic_ns"]))
            picture = even(np.repeat(np.repeat(step["image"], scale, 0), scale, 1))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            last = max(last + 1, int(1e3 * seconds))
            frame.pts = last
            container.mux(stream.encode(frame))
            done += 1
            progress(done)
        container.mux(stream.encode())
    return done


def add_video(container: Any, width: int, height: int, ticks_a_second: int, gop: int = 20) -> Any:
    """An H.264 stream whose times are whole ticks; a key frame every `gop` pictures."""
    stream = container.add_stream("libx264", rate=ticks_a_second)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = Fraction(1, ticks_a_second)
    stream.codec_context.time_base = Fraction(1, ticks_a_second)
    stream.codec_context.gop_size = gop
    stream.options = {"crf": "18", "preset": "veryfast"}
    return stream


def av_module() -> Any:
    """PyAV. Raises SessionError where it is missing."""
    try:
        import av
    except ImportError as error:
        raise SessionError(
            f'{error}; python -m pip install -e ".[export]" -c constraints.txt'
        ) from error
    return av


def _action_names(session: Session) -> list[str]:
    return [action.name for action in session.spaces.actions]


def new(out: Path, suffix: str = "") -> None:
    """Raises SessionError for an `out` that exists, or ends otherwise."""
    if out.exists():
        raise SessionError(f"{out} exists already: nothing is written over")
    if suffix and out.suffix != suffix:
        raise SessionError(f"{out}: this file ends in {suffix}")
    out.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def whole(out: Path) -> Generator[Path]:
    """A place beside `out`, for a file or a folder, that becomes it once it is written; nothing
    half is left."""
    part = workshop(out)
    _take_away(part)  # of one that was killed
    try:
        yield part
        part.replace(out)
    finally:
        _take_away(part)


def _take_away(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With even sides, which H.264 needs: an odd one loses its last row or column."""
    height, width, _ = picture.shape
    return np.ascontiguousarray(picture[: height - height % 2, : width - width % 2])
