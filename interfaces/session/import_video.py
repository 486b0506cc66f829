"""A session from what earlier recorders leave: a video, and a table of actions with their times.

At each beat the picture is the newest frame at that moment, the action the newest row: nothing is
interpolated, and nothing that came later is seen. How video and table lie to each other is said by
`offset_s`, and written into the session.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.load import dump_config
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender, step_dtype
from interfaces.devices.camera import prepare
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec
from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.vrchat.vrchat_world import vrchat_spaces

_TIMES = ("time_s", "timestamp", "time")  # the column with seconds, by whichever name
_ROUNDING_S = 1e-6  # times are sums of fractions: what is due now must not be late
_MOST = float(np.finfo(np.float32).max)
_NOTHING_YET_S = 1.0  # of a table that says nothing for so long: the life has ended


@dataclass(frozen=True)
class Table:
    """Seconds (N,), ascending, and for each row the values of actions and features by name."""

    times_s: NDArray[np.float64]
    values: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Found:
    """What was made: Steps, and which columns were used, which of the world's are always 0.
    `trouble`: what should be known of the video, empty where all of it could be read."""

    steps: int
    seconds: float
    used: tuple[str, ...]
    missing: tuple[str, ...]
    trouble: str


def read_table(path: Path) -> Table:
    """CSV with a header, or JSONL. Raises SessionError naming file, line and what is wrong."""
    rows = _rows(path)
    times: list[float] = []
    columns: dict[str, list[float]] = {}
    for line, row in rows:
        name = next((each for each in _TIMES if each in row), None)
        if name is None:
            raise SessionError(f"{path}, line {line}: no time; a column {' or '.join(_TIMES)}")
        at = _number(path, line, name, row.pop(name))
        numbers = {key: _number(path, line, key, value) for key, value in row.items()}
        if not (math.isfinite(at) and all(abs(each) <= _MOST for each in numbers.values())):
            raise SessionError(f"{path}, line {line}: not a number, or one that is too large")
        if times and at < times[-1]:
            raise SessionError(f"{path}, line {line}: time {at} is before the line above it")
        for key in columns.keys() | numbers.keys():
            column = columns.setdefault(key, [0.0] * len(times))
            column.append(numbers.get(key, column[-1] if column else 0.0))
        times.append(at)
    if not times:
        raise SessionError(f"{path}: no rows")
    return Table(
        np.array(times), {key: np.array(value, np.float32) for key, value in columns.items()}
    )


def _number(path: Path, line: int, column: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise SessionError(f"{path}, line {line}, column {column}: no number: {value!r}") from error


def import_video(
    config: Config,
    video: Path,
    table: Table,
    out: Path,
    *,
    offset_s: float = 0.0,
    began_ns: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Found:
    """Write OUT/session. The table's second t is the video's second t + offset_s.

    Columns are the names of the configuration's actions and parameters. Raises SessionError where
    none of the actions is in the table, `out` has a session, or the video cannot be read or tells
    no times.
    """
    spaces = vrchat_spaces(config.world)
    names = [action.name for action in spaces.actions]
    used = tuple(name for name in (*spaces.features, *names) if name in table.values)
    if not set(used) & set(names):
        raise SessionError(
            f"none of the actions {', '.join(names)} is a column; there are "
            f"{', '.join(table.values) or 'none'}"
        )
    if not math.isfinite(offset_s):
        raise SessionError(f"--offset {offset_s}: so many seconds, a number with an end")
    if segment_files(out) or live_files(out) or RunFolder(out).config_file.exists():
        raise SessionError(f"{out} holds a life already: nothing is written over")
    _check_actions(spaces, table)
    about = {
        "config": dump_config(config),
        "imported_from": video.name,
        "alignment": f"second t of the table is second t + {offset_s:g} of the video; at each beat "
        "the newest frame and the newest row",
    }
    writer = SegmentWriter(out / "session", 0, Codec(spaces, config.session.camera), about)
    missing = tuple(name for name in (*spaces.features, *names) if name not in used)
    try:
        frames = _Frames(video, spaces)
        for step in _steps(config, spaces, frames, table, offset_s, began_ns):
            writer.put(step)
            progress(writer.steps)
    except SessionError:
        writer.abandon()
        writer.path.unlink()
        raise
    steps, seconds = writer.steps, writer.seconds
    if writer.close() is None:
        raise SessionError(f"{video} and the table have no moment in common: see --offset")
    return Found(steps, seconds, used, missing, frames.trouble)


def _check_actions(spaces: Spaces, table: Table) -> None:
    """Raises SessionError for what no body can have sent."""
    for action in spaces.actions:
        low, high = (-1.0 if action.kind == "axis" else 0.0), 1.0
        done = table.values.get(action.name, np.zeros(0, np.float32))
        wrong = np.flatnonzero((done < low) | (done > high))
        if len(wrong):
            row = int(wrong[0])
            raise SessionError(
                f"second {table.times_s[row]:g} of the table: {action.name} is {done[row]:g}; "
                f"{low:g} to {high:g} is allowed"
            )


def _steps(
    config: Config,
    spaces: Spaces,
    video: "_Frames",
    table: Table,
    offset_s: float,
    began_ns: int,
) -> Iterator[NDArray[np.void]]:
    step, beat_s = np.zeros((), step_dtype(spaces)), 1.0 / config.beat.hz
    names = [action.name for action in spaces.actions]
    before = np.zeros(len(names), np.float32)
    frames = iter(video)
    frame_s, image = next(frames)
    ahead = next(frames, None)
    first_s = max(float(table.times_s[0]), frame_s - offset_s)
    last_s, index, number = float(table.times_s[-1]) + _NOTHING_YET_S, 0, 0
    while True:
        at = first_s + index * beat_s
        while ahead is not None and ahead[0] <= at + offset_s + _ROUNDING_S:
            (frame_s, image), number = ahead, number + 1
            ahead = next(frames, None)
        if at > last_s or (ahead is None and at + offset_s > frame_s + _NOTHING_YET_S):
            return
        row = int(np.searchsorted(table.times_s, at + _ROUNDING_S, side="right")) - 1
        now = lambda name, row=row: table.values[name][row] if name in table.values else 0.0  # noqa: E731
        step["index"] = step["tick"] = index
        step["monotonic_ns"] = round(1e9 * index * beat_s)
        step["wall_ns"] = began_ns + int(step["monotonic_ns"])
        step["frame_number"] = number
        step["frame_age_s"] = max(0.0, at + offset_s - frame_s)
        step["is_first"], step["sender"] = index == 0, Sender.HUMAN
        step["log_prob"], step["image"] = np.nan, image
        step["vector"] = [*(now(name) for name in spaces.features), *before]
        step["action"] = step["chosen"] = before = np.array([now(name) for name in names])
        yield step
        index += 1


class _Frames:
    """(second, picture of the world's size) of each frame. `trouble`: what is wrong with a video
    that was read to its end. Raises SessionError."""

    def __init__(self, video: Path, spaces: Spaces) -> None:
        self._video, self._spaces = video, spaces
        self.trouble = ""

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        video = self._video
        if not video.is_file():
            raise SessionError(f"{video}: no such file")
        capture = cv2.VideoCapture(str(video))
        height, width, _ = self._spaces.image_shape
        try:
            last, number = -1.0, 0
            frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
            while (read := capture.read())[0]:
                _, frame = read
                at = capture.get(cv2.CAP_PROP_POS_MSEC) * 1e-3
                if at <= last or (number and at == 0.0):
                    raise SessionError(f"{video}: frame {number} has no time of its own")
                last, number = at, number + 1
                small = prepare(np.asarray(frame, np.uint8), width, height)
                yield at, np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
        finally:
            capture.release()
        if last < 0:
            raise SessionError(f"{video} is no video that OpenCV reads")
        length = frames / fps if fps > 0 else 0.0  # some only guess frames, but know how long
        if last < length - _NOTHING_YET_S:
            self.trouble = (
                f"{video}: {last:.1f} of {length:.1f} s could be read: what comes behind is "
                "damaged, or was cut"
            )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, values by column)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SessionError(f"{path} is not UTF-8: save it as that") from error
    except OSError as error:
        raise SessionError(f"{path}: {error}") from error
    if path.suffix == ".csv":
        for line, row in enumerate(csv.DictReader(text.splitlines()), 2):
            if None in row or None in row.values():
                raise SessionError(f"{path}, line {line}: not as many values as the header has")
            yield line, dict(row)
        return
    for line, told in enumerate(text.splitlines(), 1):
        if not told.strip():
            continue
        try:
            row = json.loads(told)
            yield line, dict(row)
        except (ValueError, TypeError) as error:
            raise SessionError(f"{path}, line {line}: not a JSON object: {error}") from error
