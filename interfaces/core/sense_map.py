"""The senses of a Step seen from above: proximity contacts, rays at players, rays at the world.

Angles are degrees clockwise from ahead. Distances are metres, on the ground.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from configs.world.ray_sense import RayFanConfig
from configs.world_settings import WorldConfig

SenseKind = Literal["contact", "players", "world"]
KNOWN = "_Known"  # ending of the feature that says whether a closeness is known


@dataclass(frozen=True, slots=True)
class PlacedSense:
    """One contact, or one ray at players or at the world.

    `reach_m`: radius of a contact, length of a ray. `centre_m`: distance of a contact's centre from
    the axis of the body. A ray starts at the axis.
    """

    name: str
    kind: SenseKind
    angle_deg: float
    reach_m: float
    centre_m: float = 0.0

    @property
    def end_m(self) -> float:
        """The farthest distance from the axis at which it can notice something."""
        return self.centre_m + self.reach_m


class SenseReading(NamedTuple):
    """What a sense says: closeness 0..1 (1 is nearest), which is 0 if it is not known."""

    sense: PlacedSense
    closeness: float
    known: bool

    @property
    def distance_m(self) -> float:
        """From the axis to what a ray has hit, or from a contact's centre to the nearest person."""
        return (1.0 - self.closeness) * self.sense.reach_m


@dataclass(frozen=True)
class SenseMap:
    """The senses of a world, and the places of their features in the vector. Empty without senses.

    `closeness_at` and `known_at` have one index for each sense.
    """

    senses: tuple[PlacedSense, ...] = ()
    closeness_at: tuple[int, ...] = ()
    known_at: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.senses)

    @property
    def features(self) -> frozenset[int]:
        """The indices of all features of senses."""
        return frozenset(self.closeness_at + self.known_at)

    @property
    def end_m(self) -> float:
        """The farthest distance that any of them reaches; 0 without senses."""
        return max((sense.end_m for sense in self.senses), default=0.0)

    def readings(self, vector: NDArray[np.floating[Any]]) -> list[SenseReading]:
        """One for each sense, from the vector (D,) of a Step or of a prediction.

        A closeness that is not finite is unknown; others are clipped to 0..1.
        """
        numbers: list[float] = vector.tolist()
        readings: list[SenseReading] = []
        for sense, i, j in zip(self.senses, self.closeness_at, self.known_at, strict=True):
            known = numbers[j] >= 0.5 and math.isfinite(numbers[i])
            readings.append(
                SenseReading(sense, min(1.0, max(0.0, numbers[i])) if known else 0.0, known)
            )
        return readings

    def of_kind(self, kind: SenseKind) -> "SenseMap":
        """Only the senses of this kind."""
        rows = [i for i, sense in enumerate(self.senses) if sense.kind == kind]
        return SenseMap(
            tuple(self.senses[i] for i in rows),
            tuple(self.closeness_at[i] for i in rows),
            tuple(self.known_at[i] for i in rows),
        )

    def to_json(self) -> list[list[str | float]]:
        """[name, kind, angle_deg, reach_m, centre_m] of each sense."""
        return [[s.name, s.kind, s.angle_deg, s.reach_m, s.centre_m] for s in self.senses]

    @classmethod
    def from_json(cls, content: Iterable[Sequence[Any]], features: Sequence[str]) -> "SenseMap":
        """Read what to_json returns. A kind of a later version is left out.

        Other content raises ValueError or TypeError.
        """
        known_kinds = get_args(SenseKind)
        senses = [
            PlacedSense(str(name), kind, float(angle), float(reach), float(centre))
            for name, kind, angle, reach, centre, *_ in content
            if kind in known_kinds
        ]
        return find_senses(senses, features)


def find_senses(senses: Iterable[PlacedSense], features: Sequence[str]) -> SenseMap:
    """Those senses whose closeness and whose flag are among the features of the vector."""
    at = {name: i for i, name in enumerate(features)}
    found = [s for s in senses if s.name in at and s.name + KNOWN in at]
    return SenseMap(
        tuple(found),
        tuple(at[s.name] for s in found),
        tuple(at[s.name + KNOWN] for s in found),
    )


def sense_map(world: WorldConfig, features: Sequence[str]) -> SenseMap:
    """The senses of a configuration that these features of a vector contain."""
    contacts = world.contacts
    ring = [
        PlacedSense(name, "contact", 360.0 * i / contacts.count, contacts.radius_m, contacts.ring_m)
        for i, name in enumerate(contacts.names)
    ]
    fans: tuple[tuple[SenseKind, RayFanConfig], ...] = (
        ("players", world.rays.players),
        ("world", world.rays.world),
    )
    rays = [
        PlacedSense(name, kind, angle_deg, fan.reach_m)
        for kind, fan in fans
        for name, angle_deg in zip(
            fan.ray_names, fan_angles(fan.count, fan.spread_deg), strict=True
        )
        if world.rays.mode != "off"
    ]
    return find_senses([*ring, *rays], features)


def fan_angles(count: int, spread_deg: float) -> list[float]:
    """The angles of a fan of rays, in degrees.

    360: a ring, whose ray 0 is ahead. Less: from left to right, with the middle ahead.
    """
    if spread_deg >= 360.0:
        return [360.0 * i / count for i in range(count)]
    if count == 1:
        return [0.0]
    return [spread_deg * (i / (count - 1) - 0.5) for i in range(count)]
