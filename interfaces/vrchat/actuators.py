"""One input each: from what the policy asks for to what goes out on the wire, and back."""

import math
from typing import Any, Protocol

from configs.actions import ActionConfig
from interfaces.osc.message import encode
from interfaces.vrchat.rate_limits import PerMinute, Spins

HELD_BEATS = 2  # a press spans two beats, so that one lost packet does not swallow it


class Finger(Protocol):
    """Holds what one input was last told. `wanted` and what is returned are in policy units."""

    def move(self, wanted: float, beat: int) -> float: ...
    def datagram(self) -> bytes | None:
        """The input's whole state as it should be now; None where there is nothing to send."""
        ...

    def rest(self) -> None: ...
    def snapshot(self) -> dict[str, Any]: ...
    def restore(self, snapshot: dict[str, Any]) -> None: ...


class Axis:
    """-1..1: smoothed, slewed, stepped, limited, and lifted over the dead zone."""

    def __init__(self, config: ActionConfig, beat_s: float, spins: Spins | None = None) -> None:
        self._config, self._spins = config, spins
        self._follow = 1.0 - math.exp(-beat_s / config.smooth_s) if config.smooth_s else 1.0
        self._most = config.slew_per_s * beat_s if config.slew_per_s else math.inf
        self._now = 0.0
        self._wire: float | None = None  # none: at rest

    def move(self, wanted: float, beat: int) -> float:
        step = self._follow * (min(1.0, max(-1.0, wanted)) - self._now)
        self._now += min(self._most, max(-self._most, step))
        value = self._stepped(self._now)
        if self._spins is not None:
            value = self._spins.allowed(value, beat)
        dead = self._config.dead_zone
        self._wire = lifted(value, dead)
        return math.copysign(max(0.0, abs(self._wire) - dead) / (1.0 - dead), self._wire)

    def datagram(self) -> bytes | None:
        return _datagram(self._config, self._config.rest if self._wire is None else self._wire)

    def rest(self) -> None:
        self._now, self._wire = 0.0, None

    def snapshot(self) -> dict[str, Any]:
        spins = None if self._spins is None else self._spins.snapshot()
        return {"now": self._now, "wire": self._wire, "spins": spins}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._now, self._wire = float(snapshot["now"]), snapshot["wire"]
        if self._spins is not None:
            self._spins.restore(snapshot["spins"])

    def _stepped(self, value: float) -> float:
        if self._config.levels is None:
            return value
        steps = self._config.levels - 1
        return 2.0 * round((value + 1.0) * 0.5 * steps) / steps - 1.0


class Button:
    """Down or up. A press lasts two beats, then at least one up: the next one needs an edge."""

    def __init__(self, config: ActionConfig, limits: list[PerMinute]) -> None:
        self._config, self._limits = config, limits
        self._held = 0  # beats a press has still to be held
        self.down = False

    def move(self, wanted: float, beat: int) -> float:
        want = wanted > 0.5
        if self._config.kind == "hold":
            self.down = want and (self.down or self._begin(beat))
        elif self._held > 0:
            self._held -= 1
            self.down = True
        else:
            self.down = want and not self.down and self._begin(beat)
            self._held = HELD_BEATS - 1 if self.down else 0
        return float(self.down)

    def datagram(self) -> bytes | None:
        return _datagram(self._config, self._config.down if self.down else self._config.rest)

    def rest(self) -> None:
        self._held, self.down = 0, False

    def snapshot(self) -> dict[str, Any]:
        done = [limit.snapshot() for limit in self._limits]
        return {"held": self._held, "down": self.down, "done": done}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._held, self.down = int(snapshot["held"]), bool(snapshot["down"])
        for limit, done in zip(self._limits, snapshot["done"], strict=True):
            limit.restore(done)

    def _begin(self, beat: int) -> bool:
        if not all(limit.allows(beat) for limit in self._limits):
            return False
        for limit in self._limits:
            limit.count(beat)
        return True


class Sayer(Protocol):
    """Where a line or a sound goes. False: not now."""

    def say(self, what: str) -> bool: ...


class Utterance:
    """A press that says a line or plays a sound: for one beat, and only where it was said."""

    def __init__(self, what: str, limits: list[PerMinute], sayer: Sayer) -> None:
        self._what, self._sayer = what, sayer
        self._limits = limits
        self._wanted = False  # already at the last beat: what is held down is said once

    def move(self, wanted: float, beat: int) -> float:
        again, self._wanted = self._wanted, wanted > 0.5
        if not self._wanted or again or not all(limit.allows(beat) for limit in self._limits):
            return 0.0
        if not self._sayer.say(self._what):
            return 0.0
        for limit in self._limits:
            limit.count(beat)
        return 1.0

    def datagram(self) -> bytes | None:
        return None

    def rest(self) -> None:
        self._wanted = False

    def snapshot(self) -> dict[str, Any]:
        return {"wanted": self._wanted, "done": [limit.snapshot() for limit in self._limits]}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._wanted = bool(snapshot["wanted"])
        for limit, done in zip(self._limits, snapshot["done"], strict=True):
            limit.restore(done)


def lifted(value: float, dead_zone: float) -> float:
    """An axis' value over the dead zone; 0 stays 0."""
    return math.copysign(dead_zone + (1.0 - dead_zone) * abs(value), value) if value else 0.0


def wire_value(config: ActionConfig, sent: float) -> float | None:
    """What the client was told where `sent`, in policy units, was really sent; None: a line or a
    sound. An axis at 0 may also have been let go of, at its rest value."""
    if config.target in ("chat", "voice"):
        return None
    if config.kind == "axis":
        return lifted(sent, config.dead_zone) if sent else float(config.rest)
    return float(config.down if sent > 0.5 else config.rest)


def rest_datagram(config: ActionConfig) -> bytes | None:
    """An input's value at rest."""
    return None if config.target in ("chat", "voice") else _datagram(config, config.rest)


def _datagram(config: ActionConfig, value: float) -> bytes:
    """Floats are sent as floats: VRChat takes an int on a float's address for a bool at times."""
    wire = config.wire
    if wire == "auto":
        button = "bool" if config.target == "parameter" else "int"
        wire = "float" if config.kind == "axis" else button
    folder = "input" if config.target == "input" else "avatar/parameters"
    address = f"/{folder}/{config.name}"
    if wire == "float":
        return encode(address, float(value))
    return encode(address, round(value) if wire == "int" else value != 0.0)
