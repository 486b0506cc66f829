"""A life as a film: what it saw, what it did and felt, what it thought of it, in one MP4."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interfaces.core.pyplot import pyplot
from interfaces.session.export import arrays_and_video as export
from interfaces.session.playback_time import with_holes
from interfaces.session.run_steps import Lived
from interfaces.session.timeline import Diary

_WIDTH, _HEIGHT = 1280, 720
_SEEN = 480  # the picture's longer side, at most
_PAGE_S = 30.0  # of life on a page of curves
_INK, _CURSOR = (32, 32, 32), (200, 40, 40)


def to_film(
    lived: Lived,
    diary: Diary,
    name: str,
    out: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Each Step at its own time. How many pictures. Raises SessionError for an `out` that exists or
    does not end in .mp4, and where PyAV is missing."""
    export.new(out, ".mp4")
    av = export.av_module()
    with export.whole(out) as part, av.open(str(part), "w", format="mp4") as container:
        last, page = -1, _Page(diary, name, 0.0)
        stream = export.add_video(container, _WIDTH, _HEIGHT, 1000)
        for row, step in zip(range(len(diary)), lived, strict=False):  # it may live on meanwhile
            seconds = float(diary.seconds[row])
            if seconds >= page.end_s:
                page = _Page(diary, name, seconds // _PAGE_S * _PAGE_S)
            frame = av.VideoFrame.from_ndarray(page.at(row, step["image"]), format="rgb24")
            last = max(last + 1, round(1000 * seconds))
            frame.pts = last
            container.mux(stream.encode(frame))
            progress(row + 1)
        container.mux(stream.encode())
    return len(diary)


class _Page:
    """The curves of half a minute, drawn once; what moves on them is painted for each Step."""

    def __init__(self, diary: Diary, name: str, begin_s: float) -> None:
        self.end_s = begin_s + _PAGE_S
        self._diary = diary
        self._still, self._left, self._right, self._top, self._bottom = _draw(
            diary, name, begin_s, self.end_s
        )
        self._begin_s = begin_s

    def at(self, row: int, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(720, 1280, 3) RGB; a new array."""
        diary, canvas = self._diary, self._still.copy()
        if image.size:
            height, width, _ = image.shape
            scale = _SEEN / max(height, width)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            seen = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
            canvas[72 : 72 + size[1], 24 : 24 + size[0]] = seen
        seconds = float(diary.seconds[row])
        share = (seconds - self._begin_s) / _PAGE_S
        x = round(self._left + share * (self._right - self._left))
        canvas[self._top : self._bottom, max(0, x - 1) : x + 1] = _CURSOR
        minutes, rest = divmod(seconds, 60.0)
        lines = [
            f"{int(minutes)}:{rest:05.2f}   step {diary.index[row]}   weights {diary.version[row]}",
            diary.state(row),
            f"reward {diary.reward[row]:+.3f}   value {_told(diary.value[row], '.2f')}   "
            f"surprise {_told(diary.surprise[row], '.2f')}",
        ]
        for i, line in enumerate(lines):
            where = (24, 72 + _SEEN + 36 + 32 * i)
            cv2.putText(canvas, line, where, cv2.FONT_HERSHEY_SIMPLEX, 0.6, _INK, 1, cv2.LINE_AA)
        return canvas


def _draw(
    diary: Diary, name: str, begin_s: float, end_s: float
) -> tuple[NDArray[np.uint8], int, int, int, int]:
    """The page, and where on it the time axis lies: left, right, top, bottom, in pixels."""
    first, last = (int(np.searchsorted(diary.seconds, at)) for at in (begin_s, end_s))
    part = slice(first, max(first + 1, last))
    curves = (diary.action, diary.felt, diary.value, diary.surprise, diary.reward)
    times, did, feeling, value, surprise, reward = with_holes(
        diary.index[part], diary.seconds[part], *(curve[part] for curve in curves)
    )
    done = [action.name for action in diary.spaces.actions]
    felt = list(diary.spaces.features)
    heights = [max(1, len(done)), max(1, len(felt)), 2.5, 2.5, 2.5]
    with pyplot() as plt, plt.rc_context({"font.size": 8}):
        figure, panels = plt.subplots(
            5, 1, figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=100, height_ratios=heights
        )
        figure.subplots_adjust(left=0.53, right=0.985, top=0.93, bottom=0.06, hspace=0.25)
        figure.suptitle(name, x=0.02, y=0.965, ha="left", fontsize=12)
        _strips(panels[0], times, did, done, end_s, "does")
        _strips(panels[1], times, feeling, felt, end_s, "feels")
        told = {"value": value, "surprise": surprise, "reward": reward}
        for axes, (what, values) in zip(panels[2:], told.items(), strict=True):
            axes.plot(times, values, color="tab:blue", linewidth=1)
            axes.set_ylabel(what)
            axes.grid(alpha=0.3)
        for axes in panels:
            axes.set_xlim(begin_s, end_s)
            if axes is not panels[-1]:
                axes.set_xticklabels([])
        figure.canvas.draw()
        shown: Any = figure.canvas
        picture = np.asarray(shown.buffer_rgba())[..., :3].copy()
        boxes = [panel.get_window_extent() for panel in panels]
        plt.close(figure)
    tall = picture.shape[0]
    top, bottom = (tall - round(y) for y in (boxes[0].y1, boxes[-1].y0))
    return picture, round(boxes[0].x0), round(boxes[0].x1), top, bottom


def _strips(
    axes: Any,
    times: NDArray[np.floating],
    values: NDArray[np.floating],
    names: list[str],
    end_s: float,
    title: str,
) -> None:
    """A strip for each name: blue below 0, white at 0, red above, at most in its own extent."""
    axes.set_title(title, loc="left", fontsize=8, pad=3)
    if not names:
        axes.set_yticks([])
        return
    most = np.nanmax(np.abs(values), axis=0, initial=0.0)
    scaled = values / np.maximum(most, 1.0)
    edges = np.append(times, min(end_s, 2 * times[-1] - times[-2]) if len(times) > 1 else end_s)
    rows = np.arange(len(names) + 1)
    axes.pcolormesh(edges, rows, scaled.T, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=True)
    axes.set_yticks(rows[:-1] + 0.5, names)
    axes.invert_yaxis()


def _told(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(float(value), form)
