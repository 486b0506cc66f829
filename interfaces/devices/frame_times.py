"""Continuous times for the frames of a video file, from the times that its container states."""

import math

_MAX_GAP_S = 3600.0  # a clock that jumps further was set again
_JUMP_S = 1.0  # a jump by more is compared with the frame after it
_USUAL_FPS = (1.0, 240.0)  # a header with another rate counts units of time, not frames
_DEFAULT_PERIOD_S = 1.0 / 30.0
_IMPOSSIBLE_S = 1e9


def usual_period_s(fps: float) -> float:
    """Seconds between frames by the header's rate; 1/30 s for a rate that no camera has."""
    low, high = _USUAL_FPS
    return 1.0 / fps if low <= fps <= high else _DEFAULT_PERIOD_S


def usable_time_s(stated_s: float, *, first: bool) -> float | None:
    """`stated_s`, or None where it is no time: OpenCV states 0 for a frame that has none."""
    if not math.isfinite(stated_s) or abs(stated_s) > _IMPOSSIBLE_S:
        return None
    return None if stated_s == 0.0 and not first else stated_s


class FrameTimes:
    """Gives each frame a time that is later than the one before it.

    A stated time is kept wherever it can be. A clock that starts again goes on from the frame
    before it. A frame without a time, or with a time that its neighbours contradict, gets an
    estimate. `period_s` is the estimate of the time between two frames.

    `stated`, `estimated` and `restarts` count the frames with a stated time, those without, and
    the clocks that started again.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self.stated = self.estimated = self.restarts = 0
        self._shift_s = 0.0
        self._last_s: float | None = None

    def place(self, stated_s: float | None, next_stated_s: float | None) -> float:
        """The time in seconds of the next frame; `next_stated_s` is that of the frame after it."""
        last_s = self._last_s
        if last_s is None:
            self._last_s = stated_s or 0.0
            self.stated += stated_s is not None
            return self._last_s
        at = None if stated_s is None else stated_s + self._shift_s
        ahead = None if next_stated_s is None else next_stated_s + self._shift_s
        if at is None or _is_odd(at, ahead, last_s):
            after_s = self.period_s
            if ahead is not None and 0.0 < ahead - last_s < 2.0 * after_s:
                after_s = (ahead - last_s) / 2.0
            self.estimated += 1
            self._last_s = last_s + after_s
            return self._last_s
        if not 0.0 < at - last_s < _MAX_GAP_S:
            self._shift_s += last_s + self.period_s - at
            self.restarts += 1
            at = last_s + self.period_s
        elif at - last_s < _JUMP_S:
            self.period_s = at - last_s
        self.stated += 1
        self._last_s = at
        return at


def _is_odd(at: float, ahead: float | None, last_s: float) -> bool:
    """Whether the frame after this one goes on from the frame before it, and not from this one."""
    if at > last_s:
        return at - last_s > _JUMP_S and ahead is not None and last_s < ahead < at
    return ahead is None or ahead <= at or ahead > last_s
