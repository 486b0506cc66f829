"""Clocks, and the pacer that holds a steady beat."""

import math
import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Seconds, monotonic; nanoseconds since the epoch for the record."""

    def now(self) -> float: ...
    def wall_ns(self) -> int: ...
    def sleep_until(self, deadline: float) -> None: ...


class RealClock:
    """The machine's clock. Sleeps coarsely, then spins the last stretch: sleep alone wakes late."""

    def __init__(self, spin_s: float = 0.0015) -> None:
        self._spin_s = spin_s

    def now(self) -> float:
        # One clock for all processes. Not time.monotonic, which on Windows ticks in 15.6 ms before
        # Python 3.13.
        return time.perf_counter_ns() * 1e-9

    def wall_ns(self) -> int:
        return time.time_ns()

    def sleep_until(self, deadline: float) -> None:
        coarse = deadline - self.now() - self._spin_s
        if coarse > 0:
            time.sleep(coarse)
        while self.now() < deadline:
            pass


class VirtualClock:
    """Time that passes only when slept: lockstep, and tests."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def wall_ns(self) -> int:
        return int(self._now * 1e9)

    def sleep_until(self, deadline: float) -> None:
        self._now = max(self._now, deadline)

    def advance(self, seconds: float) -> None:
        """Let time pass without a sleep, as work does."""
        self._now += seconds


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat: when it was due (clock seconds), and how many whole beats were skipped before it.

    Lateness is `clock.now() - deadline_s` at the start of observing; the body measures it there.
    """

    deadline_s: float
    skipped: int


class Pacer:
    """Holds a steady beat. A late step skips beats; it never hurries to catch up."""

    def __init__(self, clock: Clock, hz: float, *, beats_done: int = 0) -> None:
        """The first deadline is now. A clock that goes on from an earlier life (lockstep, resumed)
        continues after `beats_done` beats counted from its zero."""
        self._clock = clock
        self._period_s = 1.0 / hz
        self._start_s = clock.now() if beats_done == 0 else 0.0
        self._beat = beats_done - 1  # deadlines are start + beat * period: no rounding adds up

    def wait(self) -> Beat:
        """Sleep until the next deadline.

        Less than half a beat late, the step begins at once and is late; more, and the deadlines
        passed are skipped and counted, and the step waits for the next one: phase is kept, and no
        two steps come closer than half a beat.
        """
        self._beat += 1
        late_s = self._clock.now() - self._deadline(self._beat)
        skipped = math.ceil(late_s / self._period_s) if late_s > 0.5 * self._period_s else 0
        self._beat += skipped
        deadline_s = self._deadline(self._beat)
        self._clock.sleep_until(deadline_s)
        return Beat(deadline_s, skipped)

    def _deadline(self, beat: int) -> float:
        return self._start_s + beat * self._period_s
