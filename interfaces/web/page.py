"""The playback page: the picture, contacts and rays, bars for actions and parameters, curves,
events and a slider."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from configs.errors import BadInput
from interfaces.session.timeline import Timeline
from interfaces.web.charts import CURVES, chart_options, curve_points
from interfaces.web.markup import as_source, bars_html, clock, senses_source, status_html

_FRAME_S = 1 / 20  # between two pictures, at least
_SPEEDS = {0.25: "¼ ×", 0.5: "½ ×", 1.0: "1 ×", 2.0: "2 ×", 4.0: "4 ×", 16.0: "16 ×"}
_EMIT_ROW_TIME = "(_, row) => emit({at: row.at})"
_SENSES_LEGEND = (
    "Seen from above, ahead is up. Amber: contacts, brighter is nearer. Pink: rays at players. "
    "Blue: rays at the world. A dot is a hit. Grey and dashed: unknown."
)
_STYLE = """
.picture { width: 26rem; max-width: 45vw; flex-shrink: 0; border-radius: 6px;
           image-rendering: pixelated; background: #111; aspect-ratio: 1; object-fit: contain }
.beside-senses { width: 20rem; max-width: 24vw }
.bars { border-spacing: .6rem .1rem; font-size: .85rem }
.bars td:first-child { text-align: right; color: #666; white-space: nowrap }
.bars td:last-child { font-variant-numeric: tabular-nums; text-align: right; min-width: 4.6rem }
.bar { width: 9rem; height: .7rem; background: #0001; position: relative; border-radius: 2px }
.bar i { position: absolute; top: 0; bottom: 0; background: #1f77b4; border-radius: 2px }
.bar i.negative { background: #d62728 }
"""


class Player:
    """The page of one visitor. `picture` returns the image (H, W, 3) RGB of a row."""

    def __init__(self, timeline: Timeline, picture: Callable[[int], NDArray[np.uint8]], name: str):
        self._timeline, self._picture, self._name = timeline, picture, name
        self._at_s, self._row, self._playing, self._speed = 0.0, -1, False, 1.0
        self._last_tick_s = time.perf_counter()
        self._scale = np.maximum(
            1.0, np.nan_to_num(np.abs(timeline.parameters)).max(0, initial=0.0)
        )
        self._rows_drawn = -1  # estimated rows in the curves
        self._build()
        ui.timer(_FRAME_S, self._advance)
        ui.timer(1.0, self._update_curves)

    def _build(self) -> None:
        timeline = self._timeline
        ui.page_title(f"{self._name} · 夢 Yume")
        ui.add_css(_STYLE)
        ui.keyboard(on_key=self._on_key)
        with ui.column().classes("w-full items-stretch gap-2"):
            ui.label(self._name).classes("text-xl")
            with ui.row().classes("w-full no-wrap gap-6"):
                if timeline.spaces.has_image:
                    self._image = self._build_picture()
                if timeline.senses:
                    with ui.column().classes("gap-1"):
                        self._senses = self._build_picture()
                        ui.label(_SENSES_LEGEND).classes("beside-senses text-grey text-xs")
                with ui.column().classes("gap-1"):
                    self._status = ui.html(sanitize=False)
                    self._bars = ui.html(sanitize=False)
                self._build_events()
            self._slider = ui.slider(
                min=0, max=max(timeline.length_s, 0.01), step=0.01, on_change=self._on_slider
            )
            with ui.row().classes("items-center"):
                ui.button(icon="skip_previous", on_click=lambda: self._step(-1))
                self._button = ui.button(icon="play_arrow", on_click=self._toggle_playing)
                ui.button(icon="skip_next", on_click=lambda: self._step(1))
                ui.toggle(_SPEEDS, value=1.0, on_change=lambda e: self._set_speed(e.value))
                ui.label(
                    "Space: play or pause. ← →: one step. Click a curve or an event to go there."
                ).classes("text-grey text-sm")
            self._progress = ui.label().classes("text-grey text-sm")
            self._chart = ui.echart(chart_options(timeline)).classes("w-full h-96")
            pixel = f"getElement({self._chart.id}).chart.convertFromPixel"
            self._chart.on(
                "click",
                lambda e: self._show(float(e.args)),
                js_handler=f"(e) => emit({pixel}({{xAxisIndex: 0}}, e.offsetX))",
            )
        self._show(0.0)

    def _build_picture(self) -> ui.image:
        """A square, smaller where camera and senses are side by side."""
        size = " beside-senses" if self._timeline.senses else ""
        return ui.image().props("no-spinner no-transition").classes("picture" + size)

    def _build_events(self) -> None:
        rows = [
            {"at": seconds, "time": clock(seconds), "what": text}
            for row, text in self._timeline.events
            for seconds in [float(self._timeline.seconds[row])]
        ]
        columns = [{"name": key, "label": key, "field": key} for key in ("time", "what")]
        table = ui.table(rows=rows, columns=columns, column_defaults={"align": "left"})
        # Hours of recording have thousands of events: draw only the visible ones.
        table.props("virtual-scroll dense flat hide-header").classes("grow h-96 cursor-pointer")
        table.on("rowClick", lambda e: self._show(float(e.args["at"])), js_handler=_EMIT_ROW_TIME)

    def _on_key(self, event: Any) -> None:
        if not event.action.keydown:
            return
        if event.key == " ":
            self._toggle_playing()
        elif event.key.arrow_left or event.key.arrow_right:
            self._step(-1 if event.key.arrow_left else 1)

    def _toggle_playing(self) -> None:
        self._playing = not self._playing
        if self._playing and self._at_s >= self._timeline.length_s:
            self._at_s = 0.0
        self._last_tick_s = time.perf_counter()
        self._button.props(f"icon={'pause' if self._playing else 'play_arrow'}")

    def _set_speed(self, speed: float) -> None:
        self._speed = speed

    def _step(self, rows: int) -> None:
        if self._playing:
            self._toggle_playing()
        row = min(len(self._timeline) - 1, max(0, self._row + rows))
        self._show(float(self._timeline.seconds[row]))

    def _on_slider(self, event: Any) -> None:
        if abs(float(event.value) - self._at_s) > 0.011:  # moved by the visitor, not by _show
            self._show(float(event.value))

    def _advance(self) -> None:
        now_s = time.perf_counter()
        elapsed_s, self._last_tick_s = now_s - self._last_tick_s, now_s
        if not self._playing:
            return
        self._show(self._at_s + self._speed * elapsed_s)
        if self._at_s >= self._timeline.length_s:
            self._toggle_playing()

    def _show(self, seconds: float) -> None:
        """Show the Step at this time."""
        timeline = self._timeline
        self._at_s = min(max(0.0, seconds), timeline.length_s)
        self._slider.value = round(self._at_s, 2)
        row = timeline.row_at(self._at_s)
        if row == self._row:
            return
        self._row = row
        if timeline.spaces.has_image:
            self._image.set_source(self._image_source(row))
        if timeline.senses:
            self._senses.set_source(senses_source(timeline, row))
        self._status.set_content(status_html(timeline, row))
        self._bars.set_content(bars_html(timeline, row, self._scale))
        line = {"xAxis": float(timeline.seconds[row])}
        mark = {"data": [line], "symbol": "none", "animation": False, "label": {"show": False}}
        series = [{"name": name, "markLine": mark} for name in CURVES]
        self._chart.run_chart_method("setOption", {"series": series})

    def _image_source(self, row: int) -> str:
        try:
            return as_source(self._picture(row))
        except (BadInput, OSError) as error:  # damaged, or deleted meanwhile
            self._timeline.error = str(error)
            return ""

    def _update_curves(self) -> None:
        """Redraw the curves with the rows that were estimated since the last call."""
        timeline = self._timeline
        if timeline.error:
            self._progress.set_text(timeline.error)
        if self._rows_drawn == timeline.estimated:
            return
        self._rows_drawn, total = timeline.estimated, len(timeline)
        if not timeline.error:
            if timeline.estimated == total:
                self._progress.set_text(timeline.missing_estimates())
            else:
                text = f"computing value and surprise: {timeline.estimated} of {total} steps"
                self._progress.set_text(text)
        series = [{"name": name, "data": curve_points(timeline, name)} for name in CURVES]
        self._chart.run_chart_method("setOption", {"series": series})
