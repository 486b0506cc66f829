"""The time of a life as it is relived: without the nights between its days, with its holes."""

import warnings
from collections.abc import Callable
from typing import Any

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


def windows(
    index: NDArray[np.int64],
    several: int,
    what: Callable[..., NDArray[Any]],
    *curves: NDArray[np.floating],
) -> list[NDArray[np.float64]]:
    """`what` of each so many Steps of curves (T,), what is not known aside; with a NaN where Steps
    are missing, as with_holes has it: no window reaches over them."""
    holes = np.flatnonzero(np.diff(index) > 1) + 1
    return [_windows(curve, holes, several, what) for curve in curves]


def _windows(
    curve: NDArray[np.floating],
    holes: NDArray[np.int64],
    several: int,
    what: Callable[..., NDArray[Any]],
) -> NDArray[np.float64]:
    found: list[NDArray[np.float64]] = []
    for stretch in np.split(curve.astype(np.float64), holes):
        padded = np.pad(stretch, (0, -len(stretch) % several), constant_values=np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of windows in which nothing is known
            found += [what(padded.reshape(-1, several), axis=1), np.array([np.nan])]
    return np.concatenate(found[:-1])
