"""Contact receivers on the avatar: what others' hands and heads do to its parameters."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from configs.standin import ContactConfig
from interfaces.standin.client.parameters import Value

HAND_M = 0.1  # radius of the sender VRChat puts on every humanoid's hand
HEAD_M = 0.15
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Toucher:
    """The parts of another avatar that touch: where they are, x y z in metres."""

    head: Point
    hands: Sequence[Point]


class Other(Protocol):
    """Somebody who can touch."""

    @property
    def x(self) -> float: ...
    @property
    def z(self) -> float: ...
    def parts(self) -> Toucher: ...


class Contacts:
    """Each receiver's value, from where everybody's parts are."""

    def __init__(self, receivers: Mapping[str, ContactConfig]) -> None:
        self._receivers = dict(receivers)
        # Nobody reaches farther than an arm from where they stand.
        self._near_m = max((each.radius_m for each in receivers.values()), default=0.0) + 1.2
        self._heads = any(each.by != "hand" for each in receivers.values())
        self._quiet = False  # nobody was near, and everything says so
        self.inside = dict.fromkeys(receivers, False)
        self.values: dict[str, Value] = {
            name: 0.0 if each.kind == "proximity" else False for name, each in receivers.items()
        }

    def advance(
        self, feet: Point, heading_deg: float, eye_m: float, others: Iterable[Other]
    ) -> bool:
        """Where the avatar stands now, and who is there. False: nobody near, nothing new."""
        x, _, z = feet
        near_m, near = self._near_m, list[Toucher]()
        for other in others:
            if abs(other.x - x) < near_m and abs(other.z - z) < near_m:
                parts = other.parts()
                if parts.hands or self._heads:
                    near.append(parts)
        if not near and self._quiet:
            return False
        self._quiet = not near
        for name, receiver in self._receivers.items():
            depth = 0.0
            if near:
                centre = _centre(receiver.part, feet, heading_deg, eye_m)
                depth = max(_depth(receiver, centre, other) for other in near)
            entered = depth > 0.0 and not self.inside[name]
            self.inside[name] = depth > 0.0
            if receiver.kind == "proximity":
                self.values[name] = round(depth, 4)
            else:
                self.values[name] = entered if receiver.kind == "on_enter" else depth > 0.0
        return True

    def restore(self, inside: dict[str, bool], values: dict[str, Value]) -> None:
        self.inside, self.values, self._quiet = dict(inside), dict(values), False


def _centre(part: str, feet: Point, heading_deg: float, eye_m: float) -> Point:
    x, y, z = feet
    if part == "head":
        return x, y + eye_m + 0.08, z
    if part == "nose":
        heading = math.radians(heading_deg)
        return x + 0.12 * math.sin(heading), y + eye_m - 0.04, z + 0.12 * math.cos(heading)
    return x, y + (0.8 * eye_m if part == "chest" else 0.05), z


def _depth(receiver: ContactConfig, centre: Point, other: Toucher) -> float:
    """0 outside .. 1 where the sender's nearest point is at the receiver's centre."""
    best = 0.0
    if receiver.by != "head":
        for hand in other.hands:
            gap = max(0.0, math.dist(hand, centre) - HAND_M)
            best = max(best, 1.0 - gap / receiver.radius_m)
    if receiver.by != "hand":
        gap = max(0.0, math.dist(other.head, centre) - HEAD_M)
        best = max(best, 1.0 - gap / receiver.radius_m)
    return best
