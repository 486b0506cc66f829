"""Contact receivers on the avatar: how other people's hands and heads set its parameters."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from configs.contacts import MAX_RADIUS_M
from configs.standin import ContactConfig, Sender
from interfaces.standin.client.parameters import Value

HAND_RADIUS_M = 0.1  # of the contact sender that VRChat puts on every humanoid's hand
HEAD_RADIUS_M = 0.15
TORSO_RADIUS_M = 0.2
CHEST = 0.8  # height of the chest, as a share of the eye height
_ARM_REACH_M = 1.2  # no sender is farther from its avatar's position
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ContactSenders:
    """Where the contact senders of another avatar are: x, y, z in metres."""

    head: Point
    hands: Sequence[Point]
    torso: Point | None = None


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


class _Receiver(NamedTuple):
    """A receiver, with what every update reads."""

    name: str
    config: ContactConfig
    senders: Sequence[Sender]
    position_m: Point | None


class Contacts:
    """The value of each contact receiver, from the positions of the senders.

    `eye_height_m`: of the avatar at scale 1.
    """

    def __init__(self, receivers: Mapping[str, ContactConfig], eye_height_m: float = 1.6) -> None:
        self._receivers = [
            _Receiver(name, each, each.senders, each.position_m) for name, each in receivers.items()
        ]
        self._eye_height_m = eye_height_m
        self._near_m = _reach_m(receivers.values(), 1.0) + _ARM_REACH_M
        self._scaled = 1.0  # the scale that `_near_m` belongs to
        self._bodies = any(set(each.senders) - {"hand"} for each in receivers.values())
        self._own = any(each.allow_self for each in receivers.values())
        self._untouched = False  # no sender was near, and all values are up to date
        self.inside = dict.fromkeys(receivers, False)
        self.values: dict[str, Value] = {
            name: 0.0 if each.kind == "proximity" else False for name, each in receivers.items()
        }

    @property
    def untouched_values(self) -> dict[str, Value]:
        """The untouched value of each receiver with a position. Only a change of it is sent."""
        return {
            each.name: 0.0 if each.config.kind == "proximity" else False
            for each in self._receivers
            if each.position_m is not None
        }

    def advance(
        self, feet: Point, heading_deg: float, eye_m: float, others: Iterable[OtherAvatar]
    ) -> bool:
        """Update `values` for the avatar's pose. Returns False if no value can have changed."""
        x, _, z = feet
        scale = eye_m / self._eye_height_m
        if scale != self._scaled:
            receivers = [each.config for each in self._receivers]
            self._scaled, self._near_m = scale, _reach_m(receivers, scale) + _ARM_REACH_M
        near_m, near = self._near_m, list[ContactSenders]()
        for other in others:
            if abs(other.x - x) < near_m and abs(other.z - z) < near_m:
                senders = other.contact_senders()
                if senders.hands or self._bodies:
                    near.append(senders)
        if not near and self._untouched and not self._own:
            return False
        self._untouched = not near
        own = [_own_senders(feet, heading_deg, eye_m)] if self._own else []
        heading = math.radians(heading_deg)
        frame = math.sin(heading), math.cos(heading), scale
        for name, receiver, kinds, position_m in self._receivers:
            depth = 0.0
            touching = near if receiver.allow_others else []
            if receiver.allow_self:
                touching = touching + own
            if touching:
                if position_m is None:
                    centre = _centre(receiver.part, feet, heading_deg, eye_m)
                    radius_m = receiver.radius_m
                else:
                    centre = _placed(position_m, feet, frame)
                    radius_m = min(MAX_RADIUS_M, receiver.radius_m * scale)
                depth = max(_depth(kinds, radius_m, centre, senders) for senders in touching)
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
    return x, y + (CHEST * eye_m if part == "chest" else 0.05), z


def _placed(position_m: Point, feet: Point, frame: tuple[float, float, float]) -> Point:
    """The centre of a receiver at (right, up, forward). `frame`: sine and cosine of the heading
    (clockwise from north), and the scale."""
    right, up, ahead = position_m
    sine, cosine, scale = frame
    x, y, z = feet
    return (
        x + scale * (right * cosine + ahead * sine),
        y + scale * up,
        z + scale * (ahead * cosine - right * sine),
    )


def _depth(
    kinds: Sequence[Sender], radius_m: float, centre: Point, senders: ContactSenders
) -> float:
    """0 outside the receiver, 1 where the sender's nearest point is at its centre."""
    best = 0.0
    if "hand" in kinds:
        for hand in senders.hands:
            gap = max(0.0, math.dist(hand, centre) - HAND_RADIUS_M)
            best = max(best, 1.0 - gap / radius_m)
    if "head" in kinds:
        gap = max(0.0, math.dist(senders.head, centre) - HEAD_RADIUS_M)
        best = max(best, 1.0 - gap / radius_m)
    if "torso" in kinds and senders.torso is not None:
        gap = max(0.0, math.dist(senders.torso, centre) - TORSO_RADIUS_M)
        best = max(best, 1.0 - gap / radius_m)
    return best


def _own_senders(feet: Point, heading_deg: float, eye_m: float) -> ContactSenders:
    """The senders of the avatar itself. Its arms hang down."""
    x, y, z = feet
    heading = math.radians(heading_deg)
    hands: list[Point] = []
    for side in (-0.12, 0.12):
        across = side * eye_m
        hands.append(
            (x + across * math.cos(heading), y + 0.5 * eye_m, z - across * math.sin(heading))
        )
    return ContactSenders((x, y + eye_m, z), hands, (x, y + CHEST * eye_m, z))


def _reach_m(receivers: Iterable[ContactConfig], scale: float) -> float:
    """The largest distance from the avatar at which a sender can touch a receiver, in metres."""
    largest_m = 0.0
    for each in receivers:
        if each.position_m is None:
            largest_m = max(largest_m, each.radius_m)
        else:
            right, _, ahead = each.position_m
            radius_m = min(MAX_RADIUS_M, each.radius_m * scale)
            largest_m = max(largest_m, scale * math.hypot(right, ahead) + radius_m)
    return largest_m
