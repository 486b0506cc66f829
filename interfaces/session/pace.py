"""The time of a life as it is relived: without the nights between its days, with its holes."""

import numpy as np
from numpy.typing import NDArray


class Pace:
    """Seconds since the first Step, asked for one Step after another. Where nothing was lived for
    `longest_s` (it was ended, and resumed), and where the clock went back (a reboot, or somebody
    set it), it goes on by a beat."""

    def __init__(self, longest_s: float = 10.0) -> None:
        self._longest_s = longest_s
        self.paused_s = 0.0  # what was left out before the newest Step
        self._seconds = self._beat_s = 0.0
        self._before_ns: int | None = None

    def seconds(self, now_ns: int) -> float:
        gone_s = 0.0
        if self._before_ns is not None:
            gone_s = (now_ns - self._before_ns) * 1e-9
            if 0 < gone_s < self._longest_s:
                self._beat_s = gone_s
            self._seconds += self._beat_s
        self.paused_s = gone_s if gone_s >= self._longest_s else 0.0
        self._before_ns = now_ns
        return self._seconds


def with_holes(
    index: NDArray[np.int64], seconds: NDArray[np.float64], *curves: NDArray[np.floating]
) -> list[NDArray[np.floating]]:
    """Seconds (T,) and curves (T, ...) to be drawn, with a NaN a beat after each Step that is
    followed by missing ones: what was not lived, or is forgotten, is no straight line."""
    after = np.flatnonzero(np.diff(index) > 1) + 1
    if not len(after):
        return [seconds, *curves]
    beat_s = float(np.median(np.diff(seconds)))
    at = np.minimum(seconds[after - 1] + beat_s, seconds[after])
    holes = [np.insert(curve, after, np.nan, axis=0) for curve in curves]
    return [np.insert(seconds, after, at), *holes]
