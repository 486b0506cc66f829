"""Distances along rays to the solids, walls, ground and people of a place, for many rays at once.

Shapes: R rays, B boxes, C circles (first those that stay, then those that move), S = B + C solids.
Metres; x to the east, y up, z to the north. Boxes by the slab method, cylinders by the quadratic
equation of their circle, hilly ground by steps along the ray.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.height_grid import HeightGrid
from interfaces.standin.geometry.ray_fans import TINY, Cylinder, Floats
from interfaces.standin.geometry.solids import Box, Circle, Solid, Solids, flat


class RayCaster:
    """Casts a fixed set of rays in one place.

    `sees_world` and `sees_people`, bool (R,): what each ray can hit. `slope`, float (R,): the
    vertical part of each unit direction. `max_m`, float (R,): the lengths, in metres.
    """

    def __init__(
        self,
        ground: Solids,
        *,
        out_of_reach: Sequence[Solid],
        wall_top_m: float,
        ceiling_m: float,
        sees_world: NDArray[np.bool_],
        sees_people: NDArray[np.bool_],
        slope: Floats,
        max_m: Floats,
    ) -> None:
        solids = [*ground.solids, *out_of_reach]
        boxes = [each for each in solids if isinstance(each, Box)]
        # The first box is the whole place, seen from inside: its walls.
        half = ground.half_m
        corners = [(-half, -half, half, half)]
        corners += [(b.x - b.half_x, b.z - b.half_z, b.x + b.half_x, b.z + b.half_z) for b in boxes]
        self._corners = np.array(corners).T.reshape(2, 2, -1, 1)  # low and high, x and z, B, 1
        self._box_bottoms = [-math.inf, *(each.bottom for each in boxes)]
        self._box_tops = [wall_top_m, *(min(each.top, each.drawn_top) for each in boxes)]
        self._still = [
            (each.x, each.z, each.radius, each.bottom, min(each.top, each.drawn_top))
            for each in solids
            if isinstance(each, Circle)
        ]
        self._ceiling_m = ceiling_m
        self._sees_world, self._sees_people, self._max_m = sees_world, sees_people, max_m
        self._level = not slope.any()
        self._slope = np.where(np.abs(slope) < TINY, TINY, slope)
        self._flat = np.sqrt(np.maximum(1.0 - slope * slope, TINY))
        self._heights = None if ground.terrain is flat else HeightGrid(ground)
        self._counts = (-1, -1)  # of moving things and of people
        self._heights_key: object = None

    def cast(
        self,
        origin_xz: Floats,
        origin_y: Floats,
        to_xz: Floats,
        movers: Sequence[Cylinder],
        people: Sequence[Cylinder],
    ) -> Floats:
        """The distance to the first hit of each ray, metres, float (R,); infinity for none.

        `origin_xz`: x and z, (2, 1, R) or, if all rays begin at one point, (2, 1, 1).
        `origin_y`: (R,). `to_xz`: x and z of the unit directions, (2, 1, R). A solid around the
        origin is not hit, as in Unity.
        """
        if (len(movers), len(people)) != self._counts:
            self._allocate(movers, people)
        if movers or people:
            self._circles[:, len(self._still) :] = np.array([*movers, *people]).T
        to_xz = to_xz + TINY
        begin, end = (self._corners - origin_xz) / to_xz
        into, out, num_boxes = self._into, self._out, self._corners.shape[2]
        np.maximum.reduce(np.minimum(begin, end), out=into[:num_boxes])
        np.minimum.reduce(np.maximum(begin, end), out=out[:num_boxes])
        into[0] = out[0]  # of the walls around the place, the way out counts
        out[0] = math.inf
        if num_boxes < len(into):
            away_x, away_z = self._circles[:2, :, None] - origin_xz
            to_x, to_z = to_xz if self._level else to_xz / self._flat
            along = away_x * to_x + away_z * to_z
            aside = away_x * to_z - away_z * to_x
            half_chord = np.sqrt(np.maximum(self._squared_radius - aside * aside, 0.0))
            np.subtract(along, half_chord, out=into[num_boxes:])
            np.add(along, half_chord, out=out[num_boxes:])
            if not self._level:
                into[num_boxes:] /= self._flat
                out[num_boxes:] /= self._flat
        self._update_heights(origin_y, [each[3:] for each in (*movers, *people)])
        hit = self._can_hit & (into > 0.0)
        if not self._level:
            enters = np.maximum(into, self._low)
            enters[0] = into[0]
            hit = self._can_hit & (enters > 0.0)
            hit[0] &= origin_y + into[0] * self._slope < self._box_tops[0]
            into, out = enters, np.minimum(out, self._high)
            out[0] = math.inf
        hit &= into < out
        nearest = np.minimum.reduce(np.where(hit, into, math.inf))
        if self._level and self._heights is None:
            return nearest
        ends = self._floor_and_ceiling(origin_xz[:, 0], origin_y, to_xz[:, 0])
        return np.minimum(nearest, np.where(self._sees_world, ends, math.inf))

    def _allocate(self, movers: Sequence[Cylinder], people: Sequence[Cylinder]) -> None:
        """Make the arrays for these moving things and people; their radii do not change."""
        rays, num_boxes = len(self._slope), self._corners.shape[2]
        num_still = len(self._still) + len(movers)
        num_solids = num_boxes + num_still + len(people)
        self._counts = (len(movers), len(people))
        self._circles = np.zeros((5, num_still + len(people)))
        if self._still:
            self._circles[:, : len(self._still)] = np.array(self._still).T
        self._into, self._out = np.empty((num_solids, rays)), np.empty((num_solids, rays))
        radii = [each[2] for each in (*self._still, *movers, *people)]
        self._squared_radius = np.array(radii)[:, None] ** 2
        is_person = np.arange(num_solids) >= num_boxes + num_still
        self._sees = np.where(is_person[:, None], self._sees_people, self._sees_world)
        self._can_hit = self._sees
        self._heights_key = None

    def _update_heights(self, y: Floats, moving: list[tuple[float, ...]]) -> None:
        """Which solids each ray can hit by their heights, and where along it: `_can_hit`, (S, R).

        For level rays this changes only with the heights. For others the span `_low` to `_high`, in
        metres along the ray, is where it has the height of the solid.
        """
        key = (y.tobytes(), moving) if self._level else None
        if key is not None and key == self._heights_key:
            return
        self._heights_key = key
        bottom = np.concatenate([self._box_bottoms, self._circles[3]])[:, None]
        top = np.concatenate([self._box_tops, self._circles[4]])[:, None]
        if self._level:
            self._can_hit = self._sees & (bottom <= y) & (y < top)
            return
        at_bottom = (bottom - y) / self._slope
        at_top = (top - y) / self._slope
        self._low, self._high = np.minimum(at_bottom, at_top), np.maximum(at_bottom, at_top)

    def _floor_and_ceiling(self, xz: Floats, y: Floats, to_xz: Floats) -> Floats:
        """Distance to the ceiling and the ground, (R,); infinity for none."""
        below = 0.0 if self._heights is None else -math.inf
        end = np.where(self._slope > 0.0, self._ceiling_m, below)
        end_m = (end - y) / self._slope
        nearest = np.where(end_m > 0.0, end_m, math.inf)
        if self._heights is not None:
            until = np.minimum(np.maximum(self._into[0], 0.0), self._max_m)
            direction = (to_xz[0], self._slope, to_xz[1])
            ground = self._heights.distance(xz[0], y, xz[1], direction, until)
            nearest = np.minimum(nearest, ground)
        return nearest


def unit_directions(
    yaw_deg: Sequence[float], pitch_deg: Sequence[float]
) -> tuple[Floats, Floats, Floats]:
    """Right, up and forward parts of directions: yaw clockwise from the front, pitch upwards."""
    trig: tuple[Callable[[float], float], ...] = (math.sin, math.cos)
    turns, rises = ([math.radians(each) for each in angles] for angles in (yaw_deg, pitch_deg))
    (sin_yaw, cos_yaw), (up, ahead) = (
        tuple(np.array([f(each) for each in angles], np.float64) for f in trig)
        for angles in (turns, rises)
    )
    return sin_yaw * ahead, up, cos_yaw * ahead
