"""One actuator per action: turns what the policy requests into what is sent, and back.

ACTUATORS finds the class by the kind of the action.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from configs.actions import ActionConfig
from configs.vrchat import LimitsConfig
from interfaces.osc.message import encode
from interfaces.vrchat.rate_limits import RateLimit, TurnLimit

PRESS_TICKS = 2  # a press lasts two ticks, so that one lost packet does not drop it


class Actuator(Protocol):
    """Keeps the state of one input. All values are in policy units."""

    def update(self, requested: float, tick: int) -> float:
        """Take the requested value of this tick. Returns the value that is sent."""
        ...

    def datagram(self) -> bytes | None:
        """A datagram with the full state of the input at this tick; None: nothing to send."""
        ...

    def rest(self) -> None:
        """Release the input and drop an unfinished press."""
        ...

    def snapshot(self) -> dict[str, Any]: ...
    def restore(self, snapshot: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class ActuatorSetup:
    """What actuators need besides their own settings.

    `tick_s`: seconds per tick. `turn_deg_s`: the turning speed at full LookHorizontal, in degrees
    per second.
    """

    limits: LimitsConfig
    tick_s: float
    turn_deg_s: float


class KindActuator(Actuator, Protocol):
    """An actuator of an input or avatar parameter; each kind of action has one."""

    @classmethod
    def make(cls, config: ActionConfig, setup: ActuatorSetup) -> Actuator:
        """The actuator of one action, with its limits."""
        ...

    @staticmethod
    def wire_value(config: ActionConfig, sent: float) -> float:
        """The value that the client receives for an action sent as `sent`, in policy units."""
        ...

    @staticmethod
    def wire_type(config: ActionConfig) -> str:
        """The OSC type for `wire: auto`: float, int or bool."""
        ...


class Axis:
    """An axis in -1..1: smoothing, slew limit, levels, turn limit and dead zone, in this order."""

    def __init__(
        self, config: ActionConfig, tick_s: float, turn_limit: TurnLimit | None = None
    ) -> None:
        self._config, self._turn_limit = config, turn_limit
        self._smoothing = 1.0 - math.exp(-tick_s / config.smooth_s) if config.smooth_s else 1.0
        self._max_step = config.slew_per_s * tick_s if config.slew_per_s else math.inf
        self._value = 0.0
        self._wire: float | None = None  # None: at rest

    @classmethod
    def make(cls, config: ActionConfig, setup: ActuatorSetup) -> "Axis":
        turns = config.target == "input" and config.name == "LookHorizontal"
        most = setup.limits.spins_per_minute if turns else None
        turn_limit = None if most is None else TurnLimit(most, setup.tick_s, setup.turn_deg_s)
        return cls(config, setup.tick_s, turn_limit)

    @staticmethod
    def wire_value(config: ActionConfig, sent: float) -> float:
        # An axis at 0 gives its rest value: it may have been released.
        return add_dead_zone(sent, config.dead_zone) if sent else float(config.rest)

    @staticmethod
    def wire_type(config: ActionConfig) -> str:
        return "float"

    def update(self, requested: float, tick: int) -> float:
        step = self._smoothing * (min(1.0, max(-1.0, requested)) - self._value)
        self._value += min(self._max_step, max(-self._max_step, step))
        value = self._to_level(self._value)
        if self._turn_limit is not None:
            value = self._turn_limit.limit(value, tick)
        dead = self._config.dead_zone
        self._wire = add_dead_zone(value, dead)
        return math.copysign(max(0.0, abs(self._wire) - dead) / (1.0 - dead), self._wire)

    def datagram(self) -> bytes | None:
        return _datagram(self._config, self._config.rest if self._wire is None else self._wire)

    def rest(self) -> None:
        self._value, self._wire = 0.0, None

    def snapshot(self) -> dict[str, Any]:
        turns = None if self._turn_limit is None else self._turn_limit.snapshot()
        return {"now": self._value, "wire": self._wire, "spins": turns}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._value, self._wire = float(snapshot["now"]), snapshot["wire"]
        if self._turn_limit is not None:
            self._turn_limit.restore(snapshot["spins"])

    def _to_level(self, value: float) -> float:
        """The nearest of the configured levels."""
        if self._config.levels is None:
            return value
        steps = self._config.levels - 1
        return 2.0 * round((value + 1.0) * 0.5 * steps) / steps - 1.0


class _Button:
    """A button that is down or up, and limits on how often a press may start."""

    def __init__(self, config: ActionConfig, limits: list[RateLimit]) -> None:
        self._config, self._limits = config, limits
        self._ticks_left = 0  # ticks that the current press still lasts
        self.down = False

    @classmethod
    def make(cls, config: ActionConfig, setup: ActuatorSetup) -> Actuator:
        limits = press_limits(config, setup.tick_s)
        jumps = config.target == "input" and config.name == "Jump"
        if jumps and setup.limits.jumps_per_minute is not None:
            limits.append(RateLimit(setup.limits.jumps_per_minute, setup.tick_s))
        return cls(config, limits)

    @staticmethod
    def wire_value(config: ActionConfig, sent: float) -> float:
        return float(config.down if sent > 0.5 else config.rest)

    @staticmethod
    def wire_type(config: ActionConfig) -> str:
        return "bool" if config.target == "parameter" else "int"

    def update(self, requested: float, tick: int) -> float:
        self.down = self._is_down(requested > 0.5, tick)
        return float(self.down)

    def datagram(self) -> bytes | None:
        return _datagram(self._config, self._config.down if self.down else self._config.rest)

    def rest(self) -> None:
        self._ticks_left, self.down = 0, False

    def snapshot(self) -> dict[str, Any]:
        done = [limit.snapshot() for limit in self._limits]
        return {"held": self._ticks_left, "down": self.down, "done": done}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._ticks_left, self.down = int(snapshot["held"]), bool(snapshot["down"])
        for limit, done in zip(self._limits, snapshot["done"], strict=True):
            limit.restore(done)

    def _is_down(self, want: bool, tick: int) -> bool:
        """Whether the button is down at this tick, if the policy wants it down or up."""
        raise NotImplementedError

    def _start_press(self, tick: int) -> bool:
        """Whether the limits allow a press now; if so, it is counted."""
        if not all(limit.allows(tick) for limit in self._limits):
            return False
        for limit in self._limits:
            limit.count(tick)
        return True


class PressButton(_Button):
    """A press lasts two ticks. At least one tick up follows: the next press needs a rising edge."""

    def _is_down(self, want: bool, tick: int) -> bool:
        if self._ticks_left > 0:
            self._ticks_left -= 1
            return True
        down = want and not self.down and self._start_press(tick)
        self._ticks_left = PRESS_TICKS - 1 if down else 0
        return down


class HoldButton(_Button):
    """A button that is down for as long as the policy says."""

    def _is_down(self, want: bool, tick: int) -> bool:
        return want and (self.down or self._start_press(tick))


ACTUATORS: dict[str, type[KindActuator]] = {
    "axis": Axis,
    "press": PressButton,
    "hold": HoldButton,
}


def press_limits(config: ActionConfig, tick_s: float) -> list[RateLimit]:
    """The limit that the action's own settings ask for, if any."""
    return [RateLimit(config.per_minute, tick_s)] if config.per_minute else []


def add_dead_zone(value: float, dead_zone: float) -> float:
    """Map an axis value in -1..1 beyond the client's dead zone; 0 stays 0."""
    return math.copysign(dead_zone + (1.0 - dead_zone) * abs(value), value) if value else 0.0


def wire_value(config: ActionConfig, sent: float) -> float | None:
    """The value that the client received for an action sent as `sent`, in policy units.

    None for a chat line or a sound.
    """
    if config.target in ("chat", "voice"):
        return None
    return ACTUATORS[config.kind].wire_value(config, sent)


def rest_datagram(config: ActionConfig) -> bytes | None:
    """A datagram with the rest value of an input; None for a chat line or a sound."""
    return None if config.target in ("chat", "voice") else _datagram(config, config.rest)


def _datagram(config: ActionConfig, value: float) -> bytes:
    """A float address gets a float: VRChat sometimes reads an int there as a bool."""
    wire = config.wire if config.wire != "auto" else ACTUATORS[config.kind].wire_type(config)
    folder = "input" if config.target == "input" else "avatar/parameters"
    address = f"/{folder}/{config.name}"
    if wire == "float":
        return encode(address, float(value))
    return encode(address, round(value) if wire == "int" else value != 0.0)
