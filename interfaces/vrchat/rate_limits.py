"""What is too much: so many presses a minute, so many turns. Counted in beats, never by a clock."""

from typing import Any


class PerMinute:
    """At most `limit` in any minute; below one, at most one in 60 / limit seconds."""

    def __init__(self, limit: float, beat_s: float) -> None:
        self._most = max(1, int(limit))
        self._window_beats = round(60.0 * self._most / limit / beat_s)
        self._beats: list[int] = []  # when it was done, the oldest first

    def allows(self, beat: int) -> bool:
        """Whether once more may be done now."""
        while self._beats and beat - self._beats[0] >= self._window_beats:
            del self._beats[0]
        return len(self._beats) < self._most

    def count(self, beat: int) -> None:
        self._beats.append(beat)

    def snapshot(self) -> list[int]:
        return list(self._beats)

    def restore(self, snapshot: list[int]) -> None:
        self._beats = list(snapshot)


class Spins:
    """Full turns in one direction, by what was sent: after too many, no further that way.

    `full_deg_s` is how fast it turns at full deflection.
    """

    def __init__(self, per_minute: float, beat_s: float, full_deg_s: float) -> None:
        self._done = PerMinute(per_minute, beat_s)
        self._beat_deg = full_deg_s * beat_s
        self._turned_deg = 0.0  # since it last changed direction or came round

    def allowed(self, axis: float, beat: int) -> float:
        """The part of -1..1 that may be sent now."""
        if axis == 0.0:
            return 0.0
        if axis * self._turned_deg < 0.0:
            self._turned_deg = 0.0
        turned_deg = self._turned_deg + axis * self._beat_deg
        if abs(turned_deg) >= 360.0:
            if not self._done.allows(beat):
                return 0.0
            self._done.count(beat)
            turned_deg -= 360.0 if turned_deg > 0.0 else -360.0
        self._turned_deg = turned_deg
        return axis

    def snapshot(self) -> dict[str, Any]:
        return {"done": self._done.snapshot(), "turned_deg": self._turned_deg}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._done.restore(snapshot["done"])
        self._turned_deg = float(snapshot["turned_deg"])
