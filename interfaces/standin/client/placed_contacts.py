"""Contact receivers at a place of their own on the avatar, such as a ring around its body."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from configs.senses import MAX_RADIUS_M
from configs.standin import ContactConfig
from interfaces.standin.client.contact_senders import (
    ARM_REACH_M,
    HAND_RADIUS_M,
    HEAD_RADIUS_M,
    TORSO_RADIUS_M,
    ContactSenders,
    OtherAvatar,
    Point,
    own_senders,
)
from interfaces.standin.client.parameters import Value


class _Receiver(NamedTuple):
    """A receiver: its centre in the avatar's frame (right, up, forward) and radius, in metres."""

    name: str
    config: ContactConfig
    centre: Point
    radius_m: float
    hand: bool
    head: bool
    torso: bool


class PlacedContacts:
    """Receivers that turn with the avatar and scale with its eye height.

    Writes their values into `values`, and whether they are touched into `inside`.
    `eye_height_m`: of the avatar at scale 1.
    """

    def __init__(
        self,
        configs: Mapping[str, ContactConfig],
        eye_height_m: float,
        values: dict[str, Value],
        inside: dict[str, bool],
    ) -> None:
        self._configs, self._eye_height_m = dict(configs), eye_height_m
        self._values, self._inside = values, inside
        self._own = any(each.allow_self for each in configs.values())
        self._receivers: list[_Receiver] = []
        self._near_m, self._eye_m = 0.0, 0.0
        self._untouched = False  # no sender was near, and all values are up to date

    def use(self, values: dict[str, Value], inside: dict[str, bool]) -> None:
        """Write into other dictionaries from now on."""
        self._values, self._inside, self._untouched = values, inside, False

    def advance(
        self, feet: Point, heading_deg: float, eye_m: float, others: Iterable[OtherAvatar]
    ) -> bool:
        """Update the values for the avatar's pose. Returns False if none can have changed."""
        if not self._configs:
            return False
        if eye_m != self._eye_m:
            self._scale(eye_m)
        x, _, z = feet
        near_m = self._near_m
        near = [
            other.contact_senders()
            for other in others
            if abs(other.x - x) < near_m and abs(other.z - z) < near_m
        ]
        if not near and self._untouched and not self._own:
            return False
        self._untouched = not near
        heading = math.radians(heading_deg)
        frame = (feet, math.sin(heading), math.cos(heading))
        local = [_local(senders, frame) for senders in near]
        own = [_local(own_senders(feet, heading_deg, eye_m), frame)] if self._own else []
        for receiver in self._receivers:
            config, name = receiver.config, receiver.name
            depth = 0.0
            if config.allow_others:
                for senders in local:
                    depth = max(depth, _depth(receiver, senders))
            if config.allow_self:
                for senders in own:
                    depth = max(depth, _depth(receiver, senders))
            if config.kind == "proximity":
                self._values[name] = round(depth, 4)
            else:
                entered = depth > 0.0 and not self._inside[name]
                self._values[name] = entered if config.kind == "on_enter" else depth > 0.0
            self._inside[name] = depth > 0.0
        return True

    def _scale(self, eye_m: float) -> None:
        """Place and size the receivers for this eye height."""
        scale, self._eye_m, self._near_m = eye_m / self._eye_height_m, eye_m, 0.0
        self._receivers = []
        for name, config in self._configs.items():
            right, up, ahead = config.position_m or (0.0, 0.0, 0.0)
            centre = (scale * right, scale * up, scale * ahead)
            radius_m, kinds = min(MAX_RADIUS_M, scale * config.radius_m), config.senders
            reacts = ("hand" in kinds, "head" in kinds, "torso" in kinds)
            self._receivers.append(_Receiver(name, config, centre, radius_m, *reacts))
            reach_m = math.hypot(centre[0], centre[2]) + radius_m + ARM_REACH_M
            self._near_m = max(self._near_m, reach_m)


def _local(senders: ContactSenders, frame: tuple[Point, float, float]) -> ContactSenders:
    """The senders in the avatar's frame: right, up, forward of its feet."""
    (x, y, z), sine, cosine = frame

    def turned(point: Point) -> Point:
        east, north = point[0] - x, point[2] - z
        return (east * cosine - north * sine, point[1] - y, east * sine + north * cosine)

    torso = None if senders.torso is None else turned(senders.torso)
    return ContactSenders(turned(senders.head), [turned(each) for each in senders.hands], torso)


def _depth(receiver: _Receiver, senders: ContactSenders) -> float:
    """0 outside the receiver, 1 where the sender's nearest point is at its centre."""
    centre, gap = receiver.centre, receiver.radius_m
    if receiver.head:
        gap = min(gap, math.dist(senders.head, centre) - HEAD_RADIUS_M)
    if receiver.torso and senders.torso is not None:
        gap = min(gap, math.dist(senders.torso, centre) - TORSO_RADIUS_M)
    if receiver.hand:
        for hand in senders.hands:
            gap = min(gap, math.dist(hand, centre) - HAND_RADIUS_M)
    return 1.0 - max(0.0, gap) / receiver.radius_m
