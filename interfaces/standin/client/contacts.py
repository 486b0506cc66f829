"""Contact receivers on the avatar: how other people's hands and heads set its parameters."""

import math
from collections.abc import Iterable, Mapping

from configs.standin import ContactConfig
from interfaces.standin.client.contact_senders import (
    ARM_REACH_M,
    CHEST,
    HAND_RADIUS_M,
    HEAD_RADIUS_M,
    TORSO_RADIUS_M,
    ContactSenders,
    OtherAvatar,
    Point,
    own_senders,
)
from interfaces.standin.client.parameters import Value
from interfaces.standin.client.placed_contacts import PlacedContacts


class Contacts:
    """The value of each contact receiver, from the positions of the senders.

    `eye_height_m`: of the avatar at scale 1.
    """

    def __init__(self, receivers: Mapping[str, ContactConfig], eye_height_m: float = 1.6) -> None:
        placed = {name: each for name, each in receivers.items() if each.position_m is not None}
        on_parts = {name: each for name, each in receivers.items() if each.position_m is None}
        self._receivers = on_parts
        largest_m = max((each.radius_m for each in on_parts.values()), default=0.0)
        self._near_m = largest_m + ARM_REACH_M
        self._bodies = any({"head", "torso"} & {*each.senders} for each in on_parts.values())
        self._own = any(each.allow_self for each in on_parts.values())
        self._untouched = False  # no sender was near, and all values are up to date
        self.inside = dict.fromkeys(receivers, False)
        self.values: dict[str, Value] = {
            name: 0.0 if each.kind == "proximity" else False for name, each in receivers.items()
        }
        # What the client never sends before it changes.
        self.unsent: dict[str, Value] = {name: self.values[name] for name in placed}
        self._placed = PlacedContacts(placed, eye_height_m, self.values, self.inside)

    def advance(
        self, feet: Point, heading_deg: float, eye_m: float, others: Iterable[OtherAvatar]
    ) -> bool:
        """Update `values` for the avatar's pose, apart from receivers with a position.

        Returns False if no value can have changed.
        """
        x, _, z = feet
        near_m, near = self._near_m, list[ContactSenders]()
        for other in others:
            if abs(other.x - x) < near_m and abs(other.z - z) < near_m:
                senders = other.contact_senders()
                if senders.hands or self._bodies:
                    near.append(senders)
        if not near and self._untouched and not self._own:
            return False
        self._untouched = not near
        own = [own_senders(feet, heading_deg, eye_m)] if self._own else []
        for name, receiver in self._receivers.items():
            depth = 0.0
            touching = near if receiver.allow_others else []
            if receiver.allow_self:
                touching = touching + own
            if touching:
                centre = _centre(receiver.part, feet, heading_deg, eye_m)
                depth = max(_depth(receiver, centre, senders) for senders in touching)
            entered = depth > 0.0 and not self.inside[name]
            self.inside[name] = depth > 0.0
            if receiver.kind == "proximity":
                self.values[name] = round(depth, 4)
            else:
                self.values[name] = entered if receiver.kind == "on_enter" else depth > 0.0
        return True

    def advance_placed(
        self, feet: Point, heading_deg: float, eye_m: float, others: Iterable[OtherAvatar]
    ) -> bool:
        """The same for the receivers with a place of their own, as often as people move."""
        return self._placed.advance(feet, heading_deg, eye_m, others)

    def restore(self, inside: dict[str, bool], values: dict[str, Value]) -> None:
        self.inside, self.values, self._untouched = dict(inside), dict(values), False
        self._placed.use(self.values, self.inside)


def _centre(part: str, feet: Point, heading_deg: float, eye_m: float) -> Point:
    """The centre of a receiver on `part` of the avatar."""
    x, y, z = feet
    if part == "head":
        return x, y + eye_m + 0.08, z
    if part == "nose":
        heading = math.radians(heading_deg)
        return x + 0.12 * math.sin(heading), y + eye_m - 0.04, z + 0.12 * math.cos(heading)
    return x, y + (CHEST * eye_m if part == "chest" else 0.05), z


def _depth(receiver: ContactConfig, centre: Point, senders: ContactSenders) -> float:
    """0 outside the receiver, 1 where the sender's nearest point is at its centre."""
    best, kinds = 0.0, receiver.senders
    if "hand" in kinds:
        for hand in senders.hands:
            gap = max(0.0, math.dist(hand, centre) - HAND_RADIUS_M)
            best = max(best, 1.0 - gap / receiver.radius_m)
    if "head" in kinds:
        gap = max(0.0, math.dist(senders.head, centre) - HEAD_RADIUS_M)
        best = max(best, 1.0 - gap / receiver.radius_m)
    if "torso" in kinds and senders.torso is not None:
        gap = max(0.0, math.dist(senders.torso, centre) - TORSO_RADIUS_M)
        best = max(best, 1.0 - gap / receiver.radius_m)
    return best
