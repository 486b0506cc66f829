"""What readings say: dead zone and speed of an axis, and when a picture begins to turn."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_STRETCH_S = 0.2  # of the 0.3 s that an input is held: frames come at uneven times
_NOTHING = 0.01  # share of the greatest answer that counts as none


@dataclass(frozen=True)
class AxisLaw:
    """speed = full * (|value| - dead_zone) / (1 - dead_zone) beyond the dead zone, 0 within."""

    dead_zone: float
    full: float


def axis_law(values: Sequence[float], speeds: Sequence[float]) -> AxisLaw | None:
    """The line through the answers that are there, and where it meets zero; None: no answer.

    `values` 0..1 as sent, `speeds` what each brought, 0 or more. The dead zone lies between the
    greatest value without an answer and the smallest with one, whatever the line says.
    """
    value, speed = np.asarray(values, float), np.asarray(speeds, float)
    moved = speed > _NOTHING * max(float(speed.max(initial=0.0)), 1e-9)
    if float(speed.max(initial=0.0)) <= 1e-3 or moved.sum() < 2:
        return None
    slope, offset = np.polyfit(value[moved], speed[moved], 1)
    first = float(value[moved].min())
    below = value[~moved & (value < first)]
    least = float(below.max()) if below.size else 0.0
    zero = -offset / slope if slope > 0 else least
    return AxisLaw(float(np.clip(zero, least, first)), float(slope + offset))


def fastest(pictures: Sequence[NDArray[np.uint8]], at_s: Sequence[float], *, down: bool) -> float:
    """How fast the picture moves where it moves fastest, in pixels a second, 0 or more.

    Over stretches of at least 0.2 s: when an input is seen to act is not known. `pictures` as
    `shift` takes them, with the seconds they came at; 0 for fewer than two.
    """
    pairs = itertools.pairwise(pictures)
    gone = np.cumsum([0.0, *(shift(before, after, down=down) for before, after in pairs)])
    best = 0.0
    for i in range(len(at_s)):
        ends = (j for j in range(i + 1, len(at_s)) if at_s[j] - at_s[i] >= _STRETCH_S)
        if (j := next(ends, 0)) > 0:
            best = max(best, abs(float(gone[j] - gone[i])) / (at_s[j] - at_s[i]))
    return best


def shift(before: NDArray[np.uint8], after: NDArray[np.uint8], *, down: bool = False) -> float:
    """How far the picture moved to the right, or down, in pixels: the median optical flow
    (Farneback 2003).

    RGB uint8 (height, width, 3) both.
    """
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    still = np.zeros((*grey[0].shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(grey[0], grey[1], still, 0.5, 3, 13, 3, 5, 1.1, 0)
    # Elsewhere it only guesses.
    textured = np.abs(cv2.Sobel(grey[0], cv2.CV_32F, int(not down), int(down))) > 20.0
    across = np.asarray(flow)[..., int(down)]
    return float(np.median(across[textured])) if textured.sum() >= 20 else float(across.mean())
