"""Pictures and HTML of the playback page."""

import base64
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from interfaces.core.sense_picture import draw_senses
from interfaces.session.timeline import Timeline
from interfaces.web.charts import CURVES

_SENSES_SIDE = 320  # pixels


def as_source(image: NDArray[np.uint8]) -> str:
    """The image (H, W, 3) RGB as a data URL with a PNG."""
    encoded, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"OpenCV cannot encode a picture of shape {image.shape}")
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}"


def clock(seconds: float) -> str:
    """[h:]m:ss.ss."""
    minutes, rest = divmod(seconds, 60.0)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{rest:05.2f}"


def status_html(timeline: Timeline, row: int) -> str:
    """Time, step, weights version, state and curve values of one row."""
    state = escape(timeline.describe_state(row))
    lines = [
        f"<b>{clock(float(timeline.seconds[row]))}</b> of {clock(timeline.length_s)}",
        f"step {timeline.index[row]} · weights {timeline.version[row]} · {state}",
        *(f"{name} {_number(getattr(timeline, name)[row])}" for name in CURVES),
    ]
    return "<br>".join(lines)


def bars_html(timeline: Timeline, row: int, scale: NDArray[np.float32]) -> str:
    """Actions and avatar parameters of one row as bars; `scale` is each parameter's full length.

    Contacts and rays have no bars: senses_source() draws them.
    """
    actions = [
        (action.name, float(timeline.action[row, i]), 1.0)
        for i, action in enumerate(timeline.spaces.actions)
    ]
    parameters = [
        (name, float(timeline.parameters[row, i]), float(scale[i]))
        for i, name in timeline.parameter_names.items()
    ]
    rows = bar_rows("actions", actions) + bar_rows("parameters", parameters)
    return f'<table class="bars">{rows}</table>'


def senses_source(timeline: Timeline, row: int) -> str:
    """The contacts and rays of one row, seen from above, as a data URL."""
    return as_source(draw_senses(timeline.readings(row), _SENSES_SIDE))


def bar_rows(title: str, rows: list[tuple[str, float, float]]) -> str:
    """Table rows for (name, value, value of a full bar)."""
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td>{_bar(value / full)}</td><td>{_number(value)}</td></tr>"
        for name, value, full in rows
    )
    return f"<tr><td><b>{title}</b></td></tr>{lines}"


def _bar(share: float) -> str:
    """A bar for -1..1 with 0 in the middle."""
    share = 0.0 if np.isnan(share) else min(1.0, max(-1.0, share))
    left, width = 50 + min(0.0, 50 * share), abs(50 * share)
    kind = "negative" if share < 0 else "positive"
    return (
        f'<div class="bar"><i class="{kind}" style="left:{left:.1f}%;width:{width:.1f}%"></i></div>'
    )


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:+.3f}"
