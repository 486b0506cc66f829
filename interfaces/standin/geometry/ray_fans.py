"""Level rays of an avatar in fans from one point, and which of them meet an upright cylinder."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cylinder = tuple[float, float, float, float, float]  # x, z, radius, bottom, top
TINY = 1e-12  # added to a direction, because one cannot divide by 0
_TURN = 2.0 * math.pi
_MARGIN = 1e-4  # radians, and a share of a radius: more than any rounding


@dataclass(frozen=True, slots=True)
class LevelRays:
    """Rays of an avatar, without a vertical part, seen from it. Arrays (R,).

    `to_right`, `to_front`: unit directions. `right_m`, `height_m`, `front_m`: the origins.
    `sees_world`, `sees_people`: bool, what they can hit. `max_m`: their lengths. All in metres.
    """

    to_right: Floats
    to_front: Floats
    right_m: Floats
    height_m: Floats
    front_m: Floats
    sees_world: NDArray[np.bool_]
    sees_people: NDArray[np.bool_]
    max_m: Floats


@dataclass(frozen=True, slots=True)
class AvatarPose:
    """Feet in metres, the heading in radians (clockwise from north), its sine, cosine; scale."""

    x: float
    y: float
    z: float
    heading: float
    sine: float
    cosine: float
    scale: float


class RayFan:
    """Some level rays with the same origin. Plain Python: of few things it is faster than arrays.

    `chosen`: the numbers of its rays. All have the origin of the first.
    """

    def __init__(self, rays: LevelRays, chosen: list[int]) -> None:
        first = chosen[0]
        self._right_m = float(rays.right_m[first])
        self._front_m, self._height_m = float(rays.front_m[first]), float(rays.height_m[first])
        self._longest_m = float(rays.max_m[chosen].max())
        by_angle: list[tuple[float, int, float, float]] = []
        for i in chosen:
            right, front = float(rays.to_right[i]), float(rays.to_front[i])
            by_angle.append((math.atan2(right, front) % _TURN, i, right, front))
        by_angle.sort()
        # Twice around, so that a span across the front is one slice.
        self._angles = [each[0] + turn for turn in (0.0, _TURN) for each in by_angle]
        self._rays = [each[1:] for each in by_angle] * 2

    def meet(self, pose: AvatarPose, cylinders: Iterable[Cylinder], nearest_m: Floats) -> None:
        """Where a cylinder is nearer, set the distance of the ray in `nearest_m`, (all rays,)."""
        sine, cosine, scale = pose.sine, pose.cosine, pose.scale
        x = pose.x + scale * (self._right_m * cosine + self._front_m * sine)
        z = pose.z + scale * (self._front_m * cosine - self._right_m * sine)
        y, longest_m = pose.y + scale * self._height_m, self._longest_m
        for centre_x, centre_z, radius, bottom, top in cylinders:
            away_x, away_z = centre_x - x, centre_z - z
            reach_m = longest_m + radius
            if abs(away_x) > reach_m or abs(away_z) > reach_m or not bottom <= y < top:
                continue
            for i, right, front in self._towards(away_x, away_z, radius, pose.heading):
                to_x = right * cosine + front * sine + TINY
                to_z = front * cosine - right * sine + TINY
                along = away_x * to_x + away_z * to_z
                aside = away_x * to_z - away_z * to_x
                half_chord = math.sqrt(max(radius * radius - aside * aside, 0.0))
                into = along - half_chord
                if 0.0 < into < along + half_chord and into < nearest_m[i]:
                    nearest_m[i] = into

    def _towards(
        self, away_x: float, away_z: float, radius: float, heading: float
    ) -> list[tuple[int, float, float]]:
        """The rays that can meet a circle, and perhaps a few more: number, right, front."""
        share = radius / max(math.hypot(away_x, away_z), TINY)
        if share > 1.0 + _MARGIN:  # the origin is inside, and a thing around it is not hit
            return []
        half = (math.asin(share) if share < 1.0 else 0.5 * math.pi) + 2.0 * math.sqrt(_MARGIN)
        begin = (math.atan2(away_x, away_z) - heading - half) % _TURN
        angles = self._angles
        first, end = bisect_left(angles, begin), bisect_right(angles, begin + 2.0 * half)
        return self._rays[first:end]


def fans(rays: LevelRays, wanted: NDArray[np.bool_]) -> list[RayFan]:
    """The rays that are wanted, bool (R,), those with one origin together."""
    by_origin: dict[tuple[float, ...], list[int]] = {}
    for i in wanted.nonzero()[0].tolist():
        origin = (float(rays.right_m[i]), float(rays.height_m[i]), float(rays.front_m[i]))
        by_origin.setdefault(origin, []).append(i)
    return [RayFan(rays, chosen) for chosen in by_origin.values()]
