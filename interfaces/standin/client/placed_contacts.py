"""Contact receivers at a place of their own on the avatar, such as a ring around its body."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from configs.standin import ContactConfig, Sender
from configs.world.senses import MAX_RADIUS_M
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

_RADII_M: dict[Sender, float] = {
    "head": HEAD_RADIUS_M,
    "torso": TORSO_RADIUS_M,
    "hand": HAND_RADIUS_M,
}
_Answers = tuple[bool, bool, tuple[Sender, ...]]  # to self, to others, to which senders
_Sphere = tuple[Point, float]  # a sender: its centre in the avatar's frame, and its radius


class _Receiver(NamedTuple):
    """A receiver: its centre in the avatar's frame (right, up, forward) and radius, in metres."""

    name: str
    kind: str
    centre: Point
    radius_m: float
    answers: _Answers


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
        self._answers = {(e.allow_self, e.allow_others, e.senders) for e in configs.values()}
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
        own = [own_senders(feet, heading_deg, eye_m)] if self._own else []
        spheres: dict[_Answers, list[_Sphere]] = {
            answers: _spheres(answers, own, near, frame) for answers in self._answers
        }
        values, inside = self._values, self._inside
        for name, kind, centre, radius_m, answers in self._receivers:
            gap = radius_m
            for point, sender_m in spheres[answers]:
                away = math.dist(point, centre) - sender_m
                if away < gap:
                    gap = away
            touched = gap < radius_m
            if kind == "proximity":  # 0 outside, 1 where the sender's nearest point is its centre
                values[name] = 1.0 if gap <= 0.0 else round(1.0 - gap / radius_m, 4)
            else:
                entered = touched and not inside[name]
                values[name] = entered if kind == "on_enter" else touched
            inside[name] = touched
        return True

    def _scale(self, eye_m: float) -> None:
        """Place and size the receivers for this eye height."""
        scale, self._eye_m, self._near_m = eye_m / self._eye_height_m, eye_m, 0.0
        self._receivers = []
        for name, config in self._configs.items():
            right, up, ahead = config.position_m or (0.0, 0.0, 0.0)
            centre = (scale * right, scale * up, scale * ahead)
            radius_m = min(MAX_RADIUS_M, scale * config.radius_m)
            answers = (config.allow_self, config.allow_others, config.senders)
            self._receivers.append(_Receiver(name, config.kind, centre, radius_m, answers))
            reach_m = math.hypot(centre[0], centre[2]) + radius_m + ARM_REACH_M
            self._near_m = max(self._near_m, reach_m)


def _spheres(
    answers: _Answers,
    own: list[ContactSenders],
    others: list[ContactSenders],
    frame: tuple[Point, float, float],
) -> list[_Sphere]:
    """The senders that a receiver answers to, in the avatar's frame.

    `frame`: its feet, and sine and cosine of its heading (clockwise from north).
    """
    (x, y, z), sine, cosine = frame
    to_self, to_others, kinds = answers
    result: list[_Sphere] = []
    for senders in [*(own if to_self else []), *(others if to_others else [])]:
        for kind in kinds:
            radius_m = _RADII_M[kind]
            points = _points(senders, kind)
            for point in points:
                east, up, north = point[0] - x, point[1] - y, point[2] - z
                turned = (east * cosine - north * sine, up, east * sine + north * cosine)
                result.append((turned, radius_m))
    return result


def _points(senders: ContactSenders, kind: Sender) -> Sequence[Point]:
    if kind == "hand":
        return senders.hands
    if kind == "head":
        return (senders.head,)
    return () if senders.torso is None else (senders.torso,)
