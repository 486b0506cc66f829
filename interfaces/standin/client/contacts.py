"""Contact receivers on the avatar: how other people's hands and heads set its parameters."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from configs.standin import ContactConfig
from interfaces.standin.client.parameters import Value

HAND_RADIUS_M = 0.1  # of the contact sender that VRChat puts on every humanoid's hand
HEAD_RADIUS_M = 0.15
_ARM_REACH_M = 1.2  # no sender is farther from its avatar's position
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ContactSenders:
    """Where the contact senders of another avatar are: x, y, z in metres."""

    head: Point
    hands: Sequence[Point]


class OtherAvatar(Protocol):
    """An avatar that can touch the agent's."""

    @property
    def x(self) -> float:
        """Metres east."""
        ...

    @property
    def z(self) -> float:
        """Metres north."""
        ...

    def contact_senders(self) -> ContactSenders:
        """Where its hands and head are now."""
        ...


class Contacts:
    """The value of each contact receiver, from the positions of the senders."""

    def __init__(self, receivers: Mapping[str, ContactConfig]) -> None:
        self._receivers = dict(receivers)
        largest_m = max((each.radius_m for each in receivers.values()), default=0.0)
        self._near_m = largest_m + _ARM_REACH_M
        self._heads = any(each.by != "hand" for each in receivers.values())
        self._untouched = False  # no sender was near, and all values are up to date
        self.inside = dict.fromkeys(receivers, False)
        self.values: dict[str, Value] = {
            name: 0.0 if each.kind == "proximity" else False for name, each in receivers.items()
        }

    def advance(
        self, feet: Point, heading_deg: float, eye_m: float, others: Iterable[OtherAvatar]
    ) -> bool:
        """Update `values` for the avatar's pose. Returns False if no value can have changed."""
        x, _, z = feet
        near_m, near = self._near_m, list[ContactSenders]()
        for other in others:
            if abs(other.x - x) < near_m and abs(other.z - z) < near_m:
                senders = other.contact_senders()
                if senders.hands or self._heads:
                    near.append(senders)
        if not near and self._untouched:
            return False
        self._untouched = not near
        for name, receiver in self._receivers.items():
            depth = 0.0
            if near:
                centre = _centre(receiver.part, feet, heading_deg, eye_m)
                depth = max(_depth(receiver, centre, senders) for senders in near)
            entered = depth > 0.0 and not self.inside[name]
            self.inside[name] = depth > 0.0
            if receiver.kind == "proximity":
                self.values[name] = round(depth, 4)
            else:
                self.values[name] = entered if receiver.kind == "on_enter" else depth > 0.0
        return True

    def restore(self, inside: dict[str, bool], values: dict[str, Value]) -> None:
        self.inside, self.values, self._untouched = dict(inside), dict(values), False


def _centre(part: str, feet: Point, heading_deg: float, eye_m: float) -> Point:
    """The centre of a receiver on `part` of the avatar."""
    x, y, z = feet
    if part == "head":
        return x, y + eye_m + 0.08, z
    if part == "nose":
        heading = math.radians(heading_deg)
        return x + 0.12 * math.sin(heading), y + eye_m - 0.04, z + 0.12 * math.cos(heading)
    return x, y + (0.8 * eye_m if part == "chest" else 0.05), z


def _depth(receiver: ContactConfig, centre: Point, senders: ContactSenders) -> float:
    """0 outside the receiver, 1 where the sender's nearest point is at its centre."""
    best = 0.0
    if receiver.by != "head":
        for hand in senders.hands:
            gap = max(0.0, math.dist(hand, centre) - HAND_RADIUS_M)
            best = max(best, 1.0 - gap / receiver.radius_m)
    if receiver.by != "hand":
        gap = max(0.0, math.dist(senders.head, centre) - HEAD_RADIUS_M)
        best = max(best, 1.0 - gap / receiver.radius_m)
    return best
