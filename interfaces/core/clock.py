"""Clocks, and the pacer that starts one tick per period."""

import math
import sys
import time
from dataclasses import dataclass
from typing import Protocol


def uptime_ns() -> int:
    """Monotonic nanoseconds that include the time in which the machine sleeps.

    On Linux and macOS the clock of `time.perf_counter` stops while the machine sleeps.
    """
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return time.perf_counter_ns()


class Clock(Protocol):
    """Monotonic time in seconds, and wall time in nanoseconds since the Unix epoch."""

    def now(self) -> float: ...
    def wall_ns(self) -> int:
        """Time of day, nanoseconds since the epoch."""
        ...

    def sleep_until(self, deadline: float) -> None:
        """Return at `deadline`, in seconds of this clock; at once if it has passed."""
        ...


class RealClock:
    """The clock of the machine. It sleeps first and spins at the end, because sleep wakes late."""

    def __init__(self, spin_s: float = 0.0015) -> None:
        self._spin_s = spin_s

    def now(self) -> float:
        # All processes read the same clock. time.monotonic is not used: before Python 3.13 its
        # resolution on Windows is 15.6 ms.
        return time.perf_counter_ns() * 1e-9

    def wall_ns(self) -> int:
        """Time of day, nanoseconds since the epoch."""
        return time.time_ns()

    def sleep_until(self, deadline: float) -> None:
        """Sleep until `spin_s` before the deadline, then spin."""
        coarse = deadline - self.now() - self._spin_s
        if coarse > 0:
            time.sleep(coarse)
        while self.now() < deadline:
            pass


class VirtualClock:
    """A clock that advances only when the caller sleeps: for lockstep worlds and tests."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def wall_ns(self) -> int:
        """The virtual time in nanoseconds."""
        return int(self._now * 1e9)

    def sleep_until(self, deadline: float) -> None:
        """Set the time to the deadline, unless it has passed."""
        self._now = max(self._now, deadline)

    def advance(self, seconds: float) -> None:
        """Advance the time without a sleep, as computation does."""
        self._now += seconds


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline of one tick in clock seconds, and the number of ticks skipped before it.

    The body measures the lateness itself: `clock.now() - deadline_s` at the start of observing.
    """

    deadline_s: float
    skipped: int


class Pacer:
    """Starts one tick per period. After a late step it skips ticks; it never runs faster."""

    def __init__(self, clock: Clock, hz: float, *, ticks_done: int = 0) -> None:
        """The first deadline is now.

        With `ticks_done` (a resumed run in lockstep) the deadlines count from clock time 0 and
        continue after that many ticks.
        """
        self._clock = clock
        self._period_s = 1.0 / hz
        self._start_s = clock.now() if ticks_done == 0 else 0.0
        # A deadline is start + number * period, so rounding errors do not accumulate.
        self._tick_number = ticks_done - 1

    def wait(self) -> Tick:
        """Sleep until the next deadline and return it.

        If the deadline passed less than half a period ago, the tick starts at once and is late.
        Otherwise the pacer skips and counts the passed deadlines and waits for the next one. Ticks
        stay on the same time grid, and two ticks are never closer than half a period.
        """
        self._tick_number += 1
        late_s = self._clock.now() - self._deadline(self._tick_number)
        skipped = math.ceil(late_s / self._period_s) if late_s > 0.5 * self._period_s else 0
        self._tick_number += skipped
        deadline_s = self._deadline(self._tick_number)
        self._clock.sleep_until(deadline_s)
        return Tick(deadline_s, skipped)

    def _deadline(self, tick_number: int) -> float:
        return self._start_s + tick_number * self._period_s
