"""Policy actions into VRChat input messages, and what was really sent back into policy units.

VRChat holds the last value of every input, acts on a press at its rising edge, and loses packets:
so the full intended state is sent every beat, and a press is held for two beats.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from configs.vrchat import ActionConfig
from interfaces.vrchat.osc import encode

HELD_BEATS = 2  # a press spans two beats, so that one lost packet does not swallow it


def rest_datagrams(actions: Sequence[ActionConfig]) -> list[bytes]:
    """Every input at its rest value. Axes are floats, buttons integers."""
    return [_datagram(action, action.rest) for action in actions]


class Hands:
    """Turns actions into the full input state of one beat, and remembers presses under way."""

    def __init__(self, actions: Sequence[ActionConfig]) -> None:
        self._actions = tuple(actions)
        self._held = [0] * len(self._actions)  # beats a press has still to be held
        self._down = [False] * len(self._actions)  # was the button down at the last beat

    def move(self, action: NDArray[np.float32]) -> tuple[list[bytes], NDArray[np.float32]]:
        """Datagrams for one beat, and the action as really sent, float32 (num_actions,)."""
        sent = np.zeros(len(self._actions), np.float32)
        datagrams: list[bytes] = []
        wanted: list[float] = action.tolist()  # plain floats: NumPy's cost ten times as much here
        for i, config in enumerate(self._actions):
            value = wanted[i] if math.isfinite(wanted[i]) else 0.0
            if config.kind == "axis":
                wire = _axis_to_wire(min(1.0, max(-1.0, value)), config.dead_zone)
                sent[i] = _wire_to_axis(wire, config.dead_zone)
            else:
                wire = float(self._press(i, value > 0.5) if config.kind == "press" else value > 0.5)
                sent[i] = wire
                self._down[i] = wire > 0
            datagrams.append(_datagram(config, wire))
        return datagrams, sent

    def rest(self) -> list[bytes]:
        """Let go of everything and forget presses under way."""
        self._held = [0] * len(self._actions)
        self._down = [False] * len(self._actions)
        return rest_datagrams(self._actions)

    def snapshot(self) -> dict[str, list[int]]:
        return {"held": list(self._held), "down": [int(down) for down in self._down]}

    def restore(self, snapshot: dict[str, list[int]]) -> None:
        self._held = list(snapshot["held"])
        self._down = [bool(down) for down in snapshot["down"]]

    def _press(self, i: int, wanted: bool) -> bool:
        """Down for HELD_BEATS, then up for at least one: the next press needs an edge."""
        if self._held[i] > 0:
            self._held[i] -= 1
            return True
        if wanted and not self._down[i]:
            self._held[i] = HELD_BEATS - 1
            return True
        return False


def _axis_to_wire(value: float, dead_zone: float) -> float:
    if value == 0.0:
        return 0.0
    return math.copysign(dead_zone + (1.0 - dead_zone) * abs(value), value)


def _wire_to_axis(wire: float, dead_zone: float) -> float:
    return math.copysign(max(0.0, abs(wire) - dead_zone) / (1.0 - dead_zone), wire)


def _datagram(config: ActionConfig, wire: float) -> bytes:
    address = f"/input/{config.name}"
    return encode(address, wire if config.kind == "axis" else int(wire))
