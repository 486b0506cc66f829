"""Make a session from a video and a table of actions with their times, as other recorders write.

At each tick the Step holds the newest frame and the newest row of that moment. Nothing is
interpolated, and nothing from later is used. `offset_s` aligns table and video; the session stores
it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.load import dump_config
from configs.reading.busy_files import delete_file
from configs.schema import Config
from interfaces.core.rewards import step_layout
from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender, StepLayout
from interfaces.devices.camera import as_rgb, crop_and_resize
from interfaces.devices.file_video import FileFrames
from interfaces.devices.frame_times import FrameTimes
from interfaces.devices.video_source import silence_opencv
from interfaces.devices.video_types import NoVideo
from interfaces.runtime.known_runs import require_known_place
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.action_table import ActionTable
from interfaces.session.format.messages import Codec
from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.session.video_report import missing_parts
from interfaces.vrchat.vrchat_world import vrchat_spaces

_ROUNDING_S = 1e-6  # times are sums of fractions: a frame due now must not come a tick late
_FRAMES_UNTIL_A_TIME = 30  # a video without any time is refused after so many frames
_LONGEST_SILENCE_S = 1.0  # the recording has ended if table or video has nothing for so long


@dataclass(frozen=True)
class ImportResult:
    """The imported Steps and columns.

    `used`: columns of the table that were used; `missing`: names of the world that are always 0.
    `trouble` says what the video lacks: frames or times; empty if it lacks nothing.
    """

    steps: int
    seconds: float
    used: tuple[str, ...]
    missing: tuple[str, ...]
    trouble: str


def table_columns(config: Config) -> tuple[str, ...]:
    """The columns of a table that an import uses: avatar parameters and actions."""
    spaces = vrchat_spaces(config.world)
    return (*spaces.features, *(action.name for action in spaces.actions))


def import_video(
    config: Config,
    video: Path,
    table: ActionTable,
    out: Path,
    *,
    offset_s: float = 0.0,
    began_ns: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportResult:
    """Write OUT/session. Second t of the table is second t + offset_s of the video.

    Columns have the names of the configured actions and avatar parameters. `began_ns` is the wall
    clock time of the first Step. Raises SessionError if the table has none of the actions, if `out`
    holds a run or a session, and if the video cannot be read or has no time stamps.
    """
    spaces = vrchat_spaces(config.world)
    names = [action.name for action in spaces.actions]
    used = tuple(name for name in (*spaces.features, *names) if name in table.values)
    if not set(used) & set(names):
        raise SessionError(
            f"none of the actions {', '.join(names)} is a column; there are "
            f"{', '.join((*table.values, *table.ignored)) or 'none'}"
        )
    if not math.isfinite(offset_s):
        raise SessionError(f"--offset {offset_s}: give a finite number of seconds")
    if segment_files(out) or live_files(out) or RunFolder(out).config_file.exists():
        raise SessionError(f"{out} holds a run already: existing files are never overwritten")
    require_known_place(out, f"writing {out}")
    _check_actions(spaces, table)
    run_metadata = {
        "config": dump_config(config),
        "imported_from": video.name,
        "alignment": f"second t of the table is second t + {offset_s:g} of the video; each Step "
        "has the newest frame and the newest row",
    }
    layout = step_layout(config.reward, spaces)
    writer = SegmentWriter(out / "session", 0, Codec(layout, config.session.camera), run_metadata)
    missing = tuple(name for name in (*spaces.features, *names) if name not in used)
    try:
        frames = _VideoFrames(video, spaces)
        for step in _steps(config, layout, frames, table, offset_s, began_ns):
            writer.put(step)
            progress(writer.steps)
    except SessionError:
        writer.abandon()
        delete_file(writer.path)
        raise
    steps, seconds = writer.steps, writer.seconds
    if writer.close() is None:
        raise SessionError(f"{video} and the table do not overlap in time: set --offset")
    return ImportResult(steps, seconds, used, missing, frames.trouble)


def _check_actions(spaces: Spaces, table: ActionTable) -> None:
    """Raises SessionError for a value outside of an action's range."""
    for action, (low, high) in zip(spaces.actions, spaces.action_ranges, strict=True):
        values = table.values.get(action.name, np.zeros(0, np.float32))
        wrong = np.flatnonzero((values < low) | (values > high))
        if len(wrong):
            row = int(wrong[0])
            raise SessionError(
                f"second {table.times_s[row]:g} of the table: {action.name} is {values[row]:g}; "
                f"{low:g} to {high:g} is allowed"
            )


def _steps(
    config: Config,
    layout: StepLayout,
    video: "_VideoFrames",
    table: ActionTable,
    offset_s: float,
    began_ns: int,
) -> Iterator[NDArray[np.void]]:
    """One Step per tick, always the same 0-d record with new content."""
    spaces = layout.spaces
    step, tick_s = np.zeros((), layout.dtype), 1.0 / config.tick.hz
    names = [action.name for action in spaces.actions]
    before = np.zeros(len(names), np.float32)
    frames = iter(video)
    frame_s, image = next(frames)
    ahead = next(frames, None)
    first_s = max(float(table.times_s[0]), frame_s - offset_s)
    last_s, index, number = float(table.times_s[-1]) + _LONGEST_SILENCE_S, 0, 0
    while True:
        at = first_s + index * tick_s
        while ahead is not None and ahead[0] <= at + offset_s + _ROUNDING_S:
            (frame_s, image), number = ahead, number + 1
            ahead = next(frames, None)
        if at > last_s or (ahead is None and at + offset_s > frame_s + _LONGEST_SILENCE_S):
            return
        row = int(np.searchsorted(table.times_s, at + _ROUNDING_S, side="right")) - 1
        now = lambda name, row=row: table.values[name][row] if name in table.values else 0.0  # noqa: E731
        step["index"] = step["tick"] = index
        step["monotonic_ns"] = round(1e9 * index * tick_s)
        step["wall_ns"] = began_ns + int(step["monotonic_ns"])
        step["frame_number"] = number
        step["frame_age_s"] = max(0.0, at + offset_s - frame_s)
        step["is_first"], step["sender"] = index == 0, Sender.HUMAN
        step["log_prob"], step["image"] = np.nan, image
        step["vector"] = [*(now(name) for name in spaces.features), *before]
        step["action"] = step["chosen"] = before = np.array([now(name) for name in names])
        yield step
        index += 1


class _VideoFrames:
    """(second, RGB picture of the world's size) for each frame.

    `trouble` is set at the end of a video that lacks frames or times. Raises SessionError for a
    video that cannot be read at all, and for one without any time.
    """

    def __init__(self, video: Path, spaces: Spaces) -> None:
        self._video, self._spaces = video, spaces
        self.trouble = ""

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        video = self._video
        if not video.is_file():
            raise SessionError(f"{video}: no such file")
        silence_opencv()
        try:
            frames = FileFrames(str(video))
        except NoVideo as error:
            raise SessionError(f"{video}: {error}") from error
        height, width, _ = self._spaces.image_shape
        number = 0
        try:
            for number, (at, picture) in enumerate(frames, 1):
                if number == _FRAMES_UNTIL_A_TIME:
                    self._require_times(frames.times)
                yield at, as_rgb(crop_and_resize(picture, width, height))
        finally:
            frames.close()
        if not number:
            raise SessionError(f"{video}: none of its frames can be decoded")
        if number > 1:
            self._require_times(frames.times)
        self.trouble = "; ".join(f"{video}: {note}" for note in missing_parts(video, frames))

    def _require_times(self, times: FrameTimes) -> None:
        if times.stated < 2:
            raise SessionError(
                f"{self._video}: no frame has a time; write times with the true frame rate: "
                f"ffmpeg -r 30 -i {self._video.name} -c copy new.mp4"
            )
