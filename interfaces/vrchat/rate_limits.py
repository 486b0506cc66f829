"""Limits on presses and full turns per minute. Time is counted in ticks, not by a clock.

`tick_s` is the number of seconds per tick.
"""

from typing import Any


class RateLimit:
    """At most `limit` events per minute. Below one: at most one event per 60 / limit seconds."""

    def __init__(self, limit: float, tick_s: float) -> None:
        self._most = max(1, int(limit))
        self._window_ticks = round(60.0 * self._most / limit / tick_s)
        self._event_ticks: list[int] = []  # the oldest first

    def allows(self, tick: int) -> bool:
        """Whether one more event is allowed now."""
        while self._event_ticks and tick - self._event_ticks[0] >= self._window_ticks:
            del self._event_ticks[0]
        return len(self._event_ticks) < self._most

    def count(self, tick: int) -> None:
        """Count one event at this tick."""
        self._event_ticks.append(tick)

    def snapshot(self) -> list[int]:
        return list(self._event_ticks)

    def restore(self, snapshot: list[int]) -> None:
        self._event_ticks = list(snapshot)


class TurnLimit:
    """Limits full turns in one direction, estimated from what was sent.

    Beyond `per_minute` full turns, turning further in that direction is not allowed.
    `full_deg_s`: the turning speed at full deflection, in degrees per second.
    """

    def __init__(self, per_minute: float, tick_s: float, full_deg_s: float) -> None:
        self._full_turns = RateLimit(per_minute, tick_s)
        self._tick_deg = full_deg_s * tick_s
        self._turned_deg = 0.0  # since the last change of direction or full turn

    def limit(self, axis: float, tick: int) -> float:
        """The axis value, -1..1, that may be sent now: `axis` itself or 0."""
        if axis == 0.0:
            return 0.0
        if axis * self._turned_deg < 0.0:
            self._turned_deg = 0.0
        turned_deg = self._turned_deg + axis * self._tick_deg
        if abs(turned_deg) >= 360.0:
            if not self._full_turns.allows(tick):
                return 0.0
            self._full_turns.count(tick)
            turned_deg -= 360.0 if turned_deg > 0.0 else -360.0
        self._turned_deg = turned_deg
        return axis

    def snapshot(self) -> dict[str, Any]:
        return {"done": self._full_turns.snapshot(), "turned_deg": self._turned_deg}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._full_turns.restore(snapshot["done"])
        self._turned_deg = float(snapshot["turned_deg"])
