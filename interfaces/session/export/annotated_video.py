"""Write a run as one MP4: its pictures beside curves of actions, parameters, value and surprise.

Contacts and rays are drawn from above, beside a smaller picture.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interfaces.core.pyplot import pyplot
from interfaces.core.sense_picture import draw_senses
from interfaces.session.export.output_files import check_new_path, write_whole
from interfaces.session.export.video_stream import add_video_stream, av_module
from interfaces.session.playback_time import with_gaps
from interfaces.session.run_steps import RunSteps
from interfaces.session.timeline import Timeline

_WIDTH, _HEIGHT = 1280, 720
_LEFT, _TOP = 24, 72
_PICTURE_SIDE = 480  # pixels of the longer side of the picture
_PAIR_SIDE, _PAIR_GAP = 264, 12  # the same beside contacts and rays
_PAGE_S = 30.0  # seconds of curves in one frame
_TEXT_COLOR, _CURSOR_COLOR = (32, 32, 32), (200, 40, 40)


def to_annotated_video(
    steps: RunSteps,
    timeline: Timeline,
    name: str,
    out: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write one frame per Step at the times of the timeline; return the number of frames.

    Raises SessionError if `out` exists or does not end in .mp4, or without PyAV.
    """
    check_new_path(out, ".mp4")
    av = av_module()
    with write_whole(out) as staging, av.open(str(staging), "w", format="mp4") as container:
        last_ms, page = -1, _Page(timeline, name, 0.0)
        stream = add_video_stream(container, _WIDTH, _HEIGHT, 1000)
        for row, step in zip(range(len(timeline)), steps, strict=False):  # the run may go on
            seconds = float(timeline.seconds[row])
            if seconds >= page.end_s:
                page = _Page(timeline, name, seconds // _PAGE_S * _PAGE_S)
            frame = av.VideoFrame.from_ndarray(page.frame(row, step["image"]), format="rgb24")
            last_ms = max(last_ms + 1, round(1000 * seconds))
            frame.pts = last_ms
            container.mux(stream.encode(frame))
            progress(row + 1)
        container.mux(stream.encode())
    return len(timeline)


class _Page:
    """The curves of 30 seconds, plotted once. Each frame adds picture, cursor and text."""

    def __init__(self, timeline: Timeline, name: str, begin_s: float) -> None:
        self.end_s = begin_s + _PAGE_S
        self._timeline = timeline
        self._background, self._left, self._right, self._top, self._bottom = _plot(
            timeline, name, begin_s, self.end_s
        )
        self._begin_s = begin_s

    def frame(self, row: int, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(720, 1280, 3) RGB; a new array."""
        timeline, canvas = self._timeline, self._background.copy()
        side = _PICTURE_SIDE
        if timeline.senses:
            side, left = _PAIR_SIDE, _LEFT + (_PAIR_SIDE + _PAIR_GAP if image.size else 0)
            senses = draw_senses(timeline.readings(row), side)
            canvas[_TOP : _TOP + side, left : left + side] = senses
        if image.size:
            height, width, _ = image.shape
            scale = side / max(height, width)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            enlarged = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
            canvas[_TOP : _TOP + size[1], _LEFT : _LEFT + size[0]] = enlarged
        seconds = float(timeline.seconds[row])
        share = (seconds - self._begin_s) / _PAGE_S
        x = round(self._left + share * (self._right - self._left))
        canvas[self._top : self._bottom, max(0, x - 1) : x + 1] = _CURSOR_COLOR
        minutes, rest = divmod(seconds, 60.0)
        value, surprise = timeline.value[row], timeline.surprise[row]
        lines = [
            f"{int(minutes)}:{rest:05.2f}   step {timeline.index[row]}   "
            f"weights {timeline.version[row]}",
            timeline.describe_state(row),
            f"reward {timeline.reward[row]:+.3f}   value {_format(value, '.2f')}   "
            f"surprise {_format(surprise, '.2f')}",
        ]
        for i, line in enumerate(lines):
            origin = (_LEFT, _TOP + side + 36 + 32 * i)
            font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.6
            cv2.putText(canvas, line, origin, font, scale, _TEXT_COLOR, 1, cv2.LINE_AA)
        return canvas


def _plot(
    timeline: Timeline, name: str, begin_s: float, end_s: float
) -> tuple[NDArray[np.uint8], int, int, int, int]:
    """The page, and the area of its curves: left, right, top and bottom in pixels."""
    first, last = (int(np.searchsorted(timeline.seconds, at)) for at in (begin_s, end_s))
    part = slice(first, max(first + 1, last))
    shown = timeline.parameter_names
    curves = (
        timeline.action,
        timeline.parameters[:, list(shown)],
        timeline.value,
        timeline.surprise,
        timeline.reward,
    )
    times, action, parameters, value, surprise, reward = with_gaps(
        timeline.index[part], timeline.seconds[part], *(curve[part] for curve in curves)
    )
    action_names = [each.name for each in timeline.spaces.actions]
    parameter_names = list(shown.values())
    heights = [max(1, len(action_names)), max(1, len(parameter_names)), 2.5, 2.5, 2.5]
    with pyplot() as plt, plt.rc_context({"font.size": 8}):
        figure, panels = plt.subplots(
            5, 1, figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=100, height_ratios=heights
        )
        figure.subplots_adjust(left=0.53, right=0.985, top=0.93, bottom=0.06, hspace=0.25)
        figure.suptitle(name, x=0.02, y=0.965, ha="left", fontsize=12)
        _plot_strips(panels[0], times, action, action_names, end_s, "actions")
        _plot_strips(panels[1], times, parameters, parameter_names, end_s, "avatar parameters")
        lines = {"value": value, "surprise": surprise, "reward": reward}
        for axes, (label, values) in zip(panels[2:], lines.items(), strict=True):
            axes.plot(times, values, color="tab:blue", linewidth=1)
            axes.set_ylabel(label)
            axes.grid(alpha=0.3)
        for axes in panels:
            axes.set_xlim(begin_s, end_s)
            if axes is not panels[-1]:
                axes.set_xticklabels([])
        figure.canvas.draw()
        drawn: Any = figure.canvas
        picture = np.asarray(drawn.buffer_rgba())[..., :3].copy()
        boxes = [panel.get_window_extent() for panel in panels]
        plt.close(figure)
    tall = picture.shape[0]
    top, bottom = (tall - round(y) for y in (boxes[0].y1, boxes[-1].y0))
    return picture, round(boxes[0].x0), round(boxes[0].x1), top, bottom


def _plot_strips(
    axes: Any,
    times: NDArray[np.floating],
    values: NDArray[np.floating],
    names: list[str],
    end_s: float,
    title: str,
) -> None:
    """One colour strip per name: blue below 0, white at 0, red above.

    The scale is the largest absolute value of each strip, at least 1.
    """
    axes.set_title(title, loc="left", fontsize=8, pad=3)
    if not names:
        axes.set_yticks([])
        return
    largest = np.nanmax(np.abs(values), axis=0, initial=0.0)
    scaled = values / np.maximum(largest, 1.0)
    edges = np.append(times, min(end_s, 2 * times[-1] - times[-2]) if len(times) > 1 else end_s)
    rows = np.arange(len(names) + 1)
    axes.pcolormesh(edges, rows, scaled.T, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=True)
    axes.set_yticks(rows[:-1] + 0.5, names)
    axes.invert_yaxis()


def _format(value: float, spec: str) -> str:
    return "-" if np.isnan(value) else format(float(value), spec)
