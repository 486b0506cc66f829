"""Estimates from measurements: dead zone and speed of an axis, and how fast a picture moves."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_MIN_SPAN_S = 0.2  # of the 0.3 s for which an input is sent: frames come at uneven times
_NO_RESPONSE = 0.01  # a share of the largest response that counts as none


@dataclass(frozen=True)
class AxisResponse:
    """speed = full * (|value| - dead_zone) / (1 - dead_zone) beyond the dead zone, 0 within."""

    dead_zone: float
    full: float


def fit_axis(values: Sequence[float], speeds: Sequence[float]) -> AxisResponse | None:
    """Fit a line to the responses; the dead zone is where it meets zero. None: no response.

    `values`: as sent, 0..1. `speeds`: the measured response to each, 0 or more. The dead zone is
    limited to the range between the largest value without a response and the smallest with one.
    """
    value, speed = np.asarray(values, float), np.asarray(speeds, float)
    moved = speed > _NO_RESPONSE * max(float(speed.max(initial=0.0)), 1e-9)
    if float(speed.max(initial=0.0)) <= 1e-3 or moved.sum() < 2:
        return None
    slope, offset = np.polyfit(value[moved], speed[moved], 1)
    first = float(value[moved].min())
    below = value[~moved & (value < first)]
    lowest = float(below.max()) if below.size else 0.0
    zero = -offset / slope if slope > 0 else lowest
    return AxisResponse(float(np.clip(zero, lowest, first)), float(slope + offset))


def fastest_motion(
    pictures: Sequence[NDArray[np.uint8]], at_s: Sequence[float], *, down: bool
) -> float:
    """The fastest motion of the picture, in pixels per second, 0 or more.

    `pictures`: as for `image_shift`. `at_s`: their times in seconds. The motion is averaged over
    spans of at least 0.2 s, because the delay of the response is unknown. 0 for fewer than two
    pictures.
    """
    pairs = itertools.pairwise(pictures)
    position = np.cumsum([0.0, *(image_shift(before, after, down=down) for before, after in pairs)])
    fastest = 0.0
    for i in range(len(at_s)):
        ends = (j for j in range(i + 1, len(at_s)) if at_s[j] - at_s[i] >= _MIN_SPAN_S)
        if (j := next(ends, 0)) > 0:
            fastest = max(fastest, abs(float(position[j] - position[i])) / (at_s[j] - at_s[i]))
    return fastest


def image_shift(
    before: NDArray[np.uint8], after: NDArray[np.uint8], *, down: bool = False
) -> float:
    """How far the picture moved to the right, or down, in pixels.

    Both are RGB uint8 (height, width, 3). The result is the median optical flow (Farneback 2003)
    where the picture has texture.
    """
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    initial_flow = np.zeros((*grey[0].shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(grey[0], grey[1], initial_flow, 0.5, 3, 13, 3, 5, 1.1, 0)
    # Without texture the optical flow is only a guess.
    textured = np.abs(cv2.Sobel(grey[0], cv2.CV_32F, int(not down), int(down))) > 20.0
    across = np.asarray(flow)[..., int(down)]
    return float(np.median(across[textured])) if textured.sum() >= 20 else float(across.mean())
