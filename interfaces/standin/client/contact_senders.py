"""The contact senders that VRChat puts on every humanoid avatar: head, torso and hands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HAND_RADIUS_M = 0.1
HEAD_RADIUS_M = 0.15
TORSO_RADIUS_M = 0.2
CHEST = 0.8  # height of the chest, as a share of the eye height
ARM_REACH_M = 1.2  # no sender is farther from its avatar's position
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ContactSenders:
    """Where the contact senders of an avatar are: x, y, z in metres."""

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
        """Where its hands, head and torso are now."""
        ...


def own_senders(feet: Point, heading_deg: float, eye_m: float) -> ContactSenders:
    """The senders of the agent's avatar. Its arms hang down."""
    x, y, z = feet
    heading = math.radians(heading_deg)
    hands: list[Point] = []
    for side in (-0.12, 0.12):
        right = side * eye_m
        hands.append(
            (x + right * math.cos(heading), y + 0.5 * eye_m, z - right * math.sin(heading))
        )
    return ContactSenders((x, y + eye_m, z), hands, (x, y + CHEST * eye_m, z))
