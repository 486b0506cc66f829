"""The page itself: a picture, what was done and felt as bars, curves with a cursor, a slider."""

import base64
import time
from collections.abc import Callable
from html import escape
from typing import Any

import cv2
import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from configs.errors import BadInput
from interfaces.session.playback_time import with_holes
from interfaces.session.timeline import Diary

_FRAME_S = 1 / 20  # between two pictures, at most
_SPEEDS = {0.25: "¼ ×", 0.5: "½ ×", 1.0: "1 ×", 2.0: "2 ×", 4.0: "4 ×", 16.0: "16 ×"}
_POINTS = 2000  # of a curve; of more, the least and the most of each stretch stay
_CURVES = ("value", "surprise", "reward")
_ROW = "(_, row) => emit({at: row.at})"
_STYLE = """
.seen { width: 26rem; max-width: 45vw; flex-shrink: 0; border-radius: 6px;
        image-rendering: pixelated; background: #111; aspect-ratio: 1; object-fit: contain }
.bars { border-spacing: .6rem .1rem; font-size: .85rem }
.bars td:first-child { text-align: right; color: #666; white-space: nowrap }
.bars td:last-child { font-variant-numeric: tabular-nums; text-align: right; min-width: 4.6rem }
.bar { width: 9rem; height: .7rem; background: #0001; position: relative; border-radius: 2px }
.bar i { position: absolute; top: 0; bottom: 0; background: #1f77b4; border-radius: 2px }
.bar i.less { background: #d62728 }
"""


class Player:
    """One visitor's look at a life. `picture` gives a row's image, (H, W, 3) RGB."""

    def __init__(self, diary: Diary, picture: Callable[[int], NDArray[np.uint8]], name: str):
        self._diary, self._picture, self._name = diary, picture, name
        self._at_s, self._row, self._playing, self._speed = 0.0, -1, False, 1.0
        self._before_s = time.perf_counter()
        self._most = np.maximum(1.0, np.nan_to_num(np.abs(diary.felt)).max(0, initial=0.0))
        self._drawn = -1  # rows of thought in the curves
        self._build()
        ui.timer(_FRAME_S, self._beat)
        ui.timer(1.0, self._think_along)

    def _build(self) -> None:
        diary = self._diary
        ui.page_title(f"{self._name} · 夢 Yume")
        ui.add_css(_STYLE)
        ui.keyboard(on_key=self._key)
        with ui.column().classes("w-full items-stretch gap-2"):
            ui.label(self._name).classes("text-xl")
            with ui.row().classes("w-full no-wrap gap-6"):
                if diary.spaces.has_image:
                    self._seen = ui.image().props("no-spinner no-transition").classes("seen")
                with ui.column().classes("gap-1"):
                    self._told = ui.html(sanitize=False)
                    self._bars = ui.html(sanitize=False)
                self._happened()
            self._slider = ui.slider(
                min=0, max=max(diary.length_s, 0.01), step=0.01, on_change=self._slid
            )
            with ui.row().classes("items-center"):
                ui.button(icon="skip_previous", on_click=lambda: self._step(-1))
                self._button = ui.button(icon="play_arrow", on_click=self._play)
                ui.button(icon="skip_next", on_click=lambda: self._step(1))
                ui.toggle(_SPEEDS, value=1.0, on_change=lambda e: self._set_speed(e.value))
                ui.label("space plays, ← → step, click a curve to go there").classes(
                    "text-grey text-sm"
                )
            self._progress = ui.label().classes("text-grey text-sm")
            self._chart = ui.echart(_chart(diary)).classes("w-full h-96")
            pixel = f"getElement({self._chart.id}).chart.convertFromPixel"
            self._chart.on(
                "click",
                lambda e: self._go(float(e.args)),
                js_handler=f"(e) => emit({pixel}({{xAxisIndex: 0}}, e.offsetX))",
            )
        self._go(0.0)

    def _happened(self) -> None:
        rows = [
            {"at": seconds, "time": clock(seconds), "what": text}
            for row, text in self._diary.events
            for seconds in [float(self._diary.seconds[row])]
        ]
        columns = [{"name": key, "label": key, "field": key} for key in ("time", "what")]
        table = ui.table(rows=rows, columns=columns, column_defaults={"align": "left"})
        # Hours have thousands of events: only those in sight are drawn.
        table.props("virtual-scroll dense flat hide-header").classes("grow h-96 cursor-pointer")
        table.on("rowClick", lambda e: self._go(float(e.args["at"])), js_handler=_ROW)

    def _key(self, event: Any) -> None:
        if not event.action.keydown:
            return
        if event.key == " ":
            self._play()
        elif event.key.arrow_left or event.key.arrow_right:
            self._step(-1 if event.key.arrow_left else 1)

    def _play(self) -> None:
        self._playing = not self._playing
        if self._playing and self._at_s >= self._diary.length_s:
            self._at_s = 0.0
        self._before_s = time.perf_counter()
        self._button.props(f"icon={'pause' if self._playing else 'play_arrow'}")

    def _set_speed(self, speed: float) -> None:
        self._speed = speed

    def _step(self, rows: int) -> None:
        if self._playing:
            self._play()
        row = min(len(self._diary) - 1, max(0, self._row + rows))
        self._go(float(self._diary.seconds[row]))

    def _slid(self, event: Any) -> None:
        if abs(float(event.value) - self._at_s) > 0.011:  # not what we have set ourselves
            self._go(float(event.value))

    def _beat(self) -> None:
        now_s = time.perf_counter()
        gone_s, self._before_s = now_s - self._before_s, now_s
        if not self._playing:
            return
        self._go(self._at_s + self._speed * gone_s)
        if self._at_s >= self._diary.length_s:
            self._play()

    def _go(self, seconds: float) -> None:
        """Show this moment."""
        diary = self._diary
        self._at_s = min(max(0.0, seconds), diary.length_s)
        self._slider.value = round(self._at_s, 2)
        row = diary.row_at(self._at_s)
        if row == self._row:
            return
        self._row = row
        if diary.spaces.has_image:
            self._seen.set_source(self._source(row))
        self._told.set_content(_told(diary, row))
        self._bars.set_content(_bars(diary, row, self._most))
        line = {"xAxis": float(diary.seconds[row])}
        mark = {"data": [line], "symbol": "none", "animation": False, "label": {"show": False}}
        series = [{"name": name, "markLine": mark} for name in _CURVES]
        self._chart.run_chart_method("setOption", {"series": series})

    def _source(self, row: int) -> str:
        try:
            return as_source(self._picture(row))
        except (BadInput, OSError) as error:  # damaged, or forgotten meanwhile
            self._diary.trouble = str(error)
            return ""

    def _think_along(self) -> None:
        """The curves of what was thought meanwhile."""
        diary = self._diary
        if diary.trouble:
            self._progress.set_text(diary.trouble)
        if self._drawn == diary.thought:
            return
        self._drawn, whole = diary.thought, len(diary)
        if not diary.trouble:
            done = diary.thought == whole
            said = diary.unknown() if done else f"thinking it again: {diary.thought} of {whole}"
            self._progress.set_text(said)
        series = [{"name": name, "data": _points(diary, name)} for name in _CURVES]
        self._chart.run_chart_method("setOption", {"series": series})


def as_source(image: NDArray[np.uint8]) -> str:
    """As the address of a picture that carries itself."""
    done, coded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"OpenCV cannot write a picture of shape {image.shape}")
    return f"data:image/png;base64,{base64.b64encode(coded.tobytes()).decode()}"


def thinned(
    seconds: NDArray[np.float64], values: NDArray[np.float32], points: int
) -> list[tuple[float, float | None]]:
    """(s, value) of a curve (T,), no more than `points`; None where it is not known. Of more, each
    stretch keeps its least and its most: a spike is not lost."""
    if len(values) > points:
        rows: list[int] = []
        for stretch in np.array_split(np.arange(len(values)), points // 2):
            part = values[stretch]
            known = stretch[~np.isnan(part)]
            if len(known):
                rows += sorted(
                    {int(known[values[known].argmin()]), int(known[values[known].argmax()])}
                )
            else:
                rows.append(int(stretch[0]))
        seconds, values = seconds[rows], values[rows]
    return [
        (round(float(s), 3), None if np.isnan(v) else round(float(v), 4))
        for s, v in zip(seconds, values, strict=True)
    ]


def clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60.0)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{rest:05.2f}"


def _points(diary: Diary, name: str) -> list[tuple[float, float | None]]:
    seconds, values = with_holes(diary.index, diary.seconds, getattr(diary, name))
    return thinned(seconds.astype(np.float64), values, _POINTS)


def _chart(diary: Diary) -> dict[str, Any]:
    """Three curves one below the other, zoomed together by the wheel."""
    count, tall = len(_CURVES), 100 / len(_CURVES)
    end = diary.length_s
    return {
        "animation": False,
        "tooltip": {"trigger": "axis"},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": [{"type": "inside", "xAxisIndex": list(range(count)), "filterMode": "none"}],
        "grid": [
            {"left": 70, "right": 20, "top": f"{i * tall + 3}%", "height": f"{tall - 8}%"}
            for i in range(count)
        ],
        "xAxis": [
            {"type": "value", "gridIndex": i, "min": 0, "max": end, "axisLabel": {"show": i == 2}}
            for i in range(count)
        ],
        "yAxis": [
            {"type": "value", "gridIndex": i, "name": name, "nameLocation": "middle", "nameGap": 50}
            | {"scale": True}
            for i, name in enumerate(_CURVES)
        ],
        "series": [
            {"type": "line", "name": name, "showSymbol": False, "xAxisIndex": i, "yAxisIndex": i}
            | {"data": _points(diary, name), "lineStyle": {"width": 1}}
            for i, name in enumerate(_CURVES)
        ],
    }


def _told(diary: Diary, row: int) -> str:
    lines = [
        f"<b>{clock(float(diary.seconds[row]))}</b> of {clock(diary.length_s)}",
        f"step {diary.index[row]} · weights {diary.version[row]} · {escape(diary.state(row))}",
        *(f"{name} {_number(getattr(diary, name)[row])}" for name in _CURVES),
    ]
    return "<br>".join(lines)


def _bars(diary: Diary, row: int, most: NDArray[np.float32]) -> str:
    done = [
        (action.name, float(diary.action[row, i]), 1.0)
        for i, action in enumerate(diary.spaces.actions)
    ]
    felt = [
        (name, float(diary.felt[row, i]), float(most[i]))
        for i, name in enumerate(diary.spaces.features)
    ]
    return f'<table class="bars">{_lines("does", done)}{_lines("feels", felt)}</table>'


def _lines(title: str, rows: list[tuple[str, float, float]]) -> str:
    """(name, value, what fills the bar) each."""
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td>{_bar(value / most)}</td><td>{_number(value)}</td></tr>"
        for name, value, most in rows
    )
    return f"<tr><td><b>{title}</b></td></tr>{lines}"


def _bar(share: float) -> str:
    """-1..1 around a middle."""
    share = 0.0 if np.isnan(share) else min(1.0, max(-1.0, share))
    left, width = 50 + min(0.0, 50 * share), abs(50 * share)
    kind = "less" if share < 0 else "more"
    return (
        f'<div class="bar"><i class="{kind}" style="left:{left:.1f}%;width:{width:.1f}%"></i></div>'
    )


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:+.3f}"
