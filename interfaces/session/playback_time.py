"""Time for playback: pauses of a run are removed; missing Steps stay visible as gaps in curves."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class PlaybackTime:
    """Seconds since the first Step, for one Step after another.

    Two cases advance by one tick only: a pause of `longest_s` or more (the run ended and was
    resumed), and a clock that went back (a reboot).
    """

    def __init__(self, longest_s: float = 10.0) -> None:
        self._longest_s = longest_s
        self.paused_s = 0.0  # length of the removed pause before the newest Step
        self._seconds = self._tick_s = 0.0
        self._last_ns: int | None = None

    def seconds(self, now_ns: int) -> float:
        """Playback time of a Step that was recorded at `now_ns`, seconds. Call once per Step."""
        elapsed_s = 0.0
        if self._last_ns is not None:
            elapsed_s = (now_ns - self._last_ns) * 1e-9
            if 0 < elapsed_s < self._longest_s:
                self._tick_s = elapsed_s
            self._seconds += self._tick_s
        self.paused_s = elapsed_s if elapsed_s >= self._longest_s else 0.0
        self._last_ns = now_ns
        return self._seconds


def with_gaps(
    index: NDArray[np.int64], seconds: NDArray[np.float64], *curves: NDArray[np.floating]
) -> list[NDArray[np.floating]]:
    """Seconds (T,) and curves (T, ...) for plotting, with a NaN where Steps are missing.

    The NaN comes one tick after the last Step before a gap. Without it a plot would draw a line
    across the gap.
    """
    after = np.flatnonzero(np.diff(index) > 1) + 1
    if not len(after):
        return [seconds, *curves]
    tick_s = float(np.median(np.diff(seconds)))
    at = np.minimum(seconds[after - 1] + tick_s, seconds[after])
    with_nan = [np.insert(curve, after, np.nan, axis=0) for curve in curves]
    return [np.insert(seconds, after, at), *with_nan]


def reduce_windows(
    index: NDArray[np.int64],
    length: int,
    reduce: Callable[..., NDArray[Any]],
    *curves: NDArray[np.floating],
) -> list[NDArray[np.float64]]:
    """Curves (T,) reduced to one value per window of `length` Steps, such as by np.nanmean.

    No window crosses a gap; each gap becomes one NaN, as in with_gaps.
    """
    gaps = np.flatnonzero(np.diff(index) > 1) + 1
    return [_reduce_curve(curve, gaps, length, reduce) for curve in curves]


def _reduce_curve(
    curve: NDArray[np.floating],
    gaps: NDArray[np.int64],
    length: int,
    reduce: Callable[..., NDArray[Any]],
) -> NDArray[np.float64]:
    parts: list[NDArray[np.float64]] = []
    for stretch in np.split(curve.astype(np.float64), gaps):
        padded = np.pad(stretch, (0, -len(stretch) % length), constant_values=np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a window may be all NaN
            parts += [reduce(padded.reshape(-1, length), axis=1), np.array([np.nan])]
    return np.concatenate(parts[:-1])
