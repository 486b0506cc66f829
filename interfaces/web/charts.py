"""The curves of the playback page as ECharts options."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.session.playback_time import with_gaps
from interfaces.session.timeline import Timeline

_MAX_POINTS = 2000  # per curve
CURVES = ("value", "surprise", "reward")


def thinned(
    seconds: NDArray[np.float64], values: NDArray[np.float32], points: int
) -> list[tuple[float, float | None]]:
    """At most `points` pairs (second, value) of a curve (T,); None stands for NaN.

    A long curve is split into parts, and each part keeps its minimum and maximum: no spike is lost.
    """
    if len(values) > points:
        rows: list[int] = []
        for part_rows in np.array_split(np.arange(len(values)), points // 2):
            known = part_rows[~np.isnan(values[part_rows])]
            if len(known):
                rows += sorted(
                    {int(known[values[known].argmin()]), int(known[values[known].argmax()])}
                )
            else:
                rows.append(int(part_rows[0]))
        seconds, values = seconds[rows], values[rows]
    return [
        (round(float(s), 3), None if np.isnan(v) else round(float(v), 4))
        for s, v in zip(seconds, values, strict=True)
    ]


def curve_points(timeline: Timeline, name: str) -> list[tuple[float, float | None]]:
    """(seconds, value) of one curve, thinned; None where values are missing."""
    seconds, values = with_gaps(timeline.index, timeline.seconds, getattr(timeline, name))
    return thinned(seconds.astype(np.float64), values, _MAX_POINTS)


def chart_options(timeline: Timeline) -> dict[str, Any]:
    """ECharts options: three curves one below the other; the wheel zooms all of them."""
    count, height = len(CURVES), 100 / len(CURVES)
    end = math.ceil(10 * timeline.length_s) / 10  # the label of the end shows all its digits
    return {
        "animation": False,
        "tooltip": {"trigger": "axis"},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": [{"type": "inside", "xAxisIndex": list(range(count)), "filterMode": "none"}],
        "grid": [
            {"left": 70, "right": 20, "top": f"{i * height + 3}%", "height": f"{height - 8}%"}
            for i in range(count)
        ],
        "xAxis": [
            {"type": "value", "gridIndex": i, "min": 0, "max": end, "axisLabel": {"show": i == 2}}
            for i in range(count)
        ],
        "yAxis": [
            {"type": "value", "gridIndex": i, "name": name, "nameLocation": "middle", "nameGap": 50}
            | {"scale": True}
            for i, name in enumerate(CURVES)
        ],
        "series": [
            {"type": "line", "name": name, "showSymbol": False, "xAxisIndex": i, "yAxisIndex": i}
            | {"data": curve_points(timeline, name), "lineStyle": {"width": 1}}
            for i, name in enumerate(CURVES)
        ],
    }
