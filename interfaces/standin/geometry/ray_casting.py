"""Distances along rays to the solids, walls, ground and people of a place, for many rays at once.

Shapes: R rays, B boxes, C circles (first those that stay, then those that move), S = B + C solids.
Metres; x to the east, y up, z to the north. Boxes by the slab method, cylinders by the quadratic
equation of their circle, hilly ground by steps along the ray.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.solids import Box, Circle, Solid, Solids, flat

Floats = NDArray[np.float64]
Cylinder = tuple[float, float, float, float, float]  # x, z, radius, bottom, top
_TINY = 1e-9  # replaces a direction of 0, by which one cannot divide
_GROUND_STEP_M = 0.5  # hills are metres wide
_GRID_M = 0.25
_REFINEMENTS = 12  # halvings: 0.5 m / 2^12 = 0.1 mm


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
        self._still = [each for each in solids if isinstance(each, Circle)]
        self._still_cylinders = [
            (each.x, each.z, each.radius, each.bottom, min(each.top, each.drawn_top))
            for each in self._still
        ]
        self._boxes = tuple(
            np.array([getattr(each, name) for each in boxes], np.float64)
            for name in ("x", "z", "half_x", "half_z")
        )
        self._box_bottoms = [each.bottom for each in boxes]
        self._box_tops = [min(each.top, each.drawn_top) for each in boxes]
        self._half_m, self._wall_top_m, self._ceiling_m = ground.half_m, wall_top_m, ceiling_m
        self._sees_world, self._sees_people, self._max_m = sees_world, sees_people, max_m
        self._level = not slope.any()
        self._slope = np.where(np.abs(slope) < _TINY, _TINY, slope)
        self._flat_squared = np.maximum(1.0 - slope * slope, _TINY * _TINY)[:, None]
        self._heights = None if ground.terrain is flat else _HeightGrid(ground)
        self._counts = (-1, -1)  # of moving things and of people
        self._heights_key: object = None

    def cast(
        self,
        origin: tuple[Floats, Floats, Floats],
        direction: tuple[Floats, Floats],
        movers: Sequence[Cylinder],
        people: Sequence[Cylinder],
    ) -> Floats:
        """The distance to the first hit of each ray, metres, float (R,); infinity for none.

        `origin`: x, y, z, each (R, 1) or, if all rays begin there, (1, 1). `direction`: x and z of
        the unit directions, (R,). A solid around the origin is not hit, as in Unity.
        """
        (x, y, z), (to_x, to_z) = origin, direction
        to_x = np.where(np.abs(to_x) < _TINY, _TINY, to_x)[:, None]
        to_z = np.where(np.abs(to_z) < _TINY, _TINY, to_z)[:, None]
        moving = [*movers, *people]
        if (len(movers), len(people)) != self._counts:
            self._allocate(len(movers), len(people))
        if moving:
            self._circles[:, len(self._still) :] = np.array(moving).T
        into, out = self._into, self._out
        box_x, box_z, half_x, half_z = self._boxes
        num_boxes = len(box_x)
        per_x, per_z = 1.0 / to_x, 1.0 / to_z
        if num_boxes:
            middle_x, reach_x = (box_x - x) * per_x, half_x * np.abs(per_x)
            middle_z, reach_z = (box_z - z) * per_z, half_z * np.abs(per_z)
            np.maximum(middle_x - reach_x, middle_z - reach_z, out=into[:, :num_boxes])
            np.minimum(middle_x + reach_x, middle_z + reach_z, out=out[:, :num_boxes])
        circle_x, circle_z, radius = self._circles[:3]
        away_x, away_z = circle_x - x, circle_z - z
        along = away_x * to_x + away_z * to_z
        beyond = away_x * away_x + away_z * away_z - radius * radius
        inside = along * along - self._flat_squared * beyond
        root = np.sqrt(np.maximum(inside, 0.0))
        into[:, num_boxes:] = (along - root) / self._flat_squared
        out[:, num_boxes:] = (along + root) / self._flat_squared
        self._update_heights(y)
        np.maximum(into, self._low, out=into)
        hit = into < np.minimum(out, self._high)
        hit &= into > 0.0
        nearest = np.where(hit, into, math.inf).min(axis=1, initial=math.inf)
        enclosure = self._enclosure(x[:, 0], y[:, 0], z[:, 0], to_x[:, 0], to_z[:, 0])
        return np.where(self._sees_world, np.minimum(nearest, enclosure), nearest)

    def _allocate(self, num_movers: int, num_people: int) -> None:
        """Make the arrays for so many moving things and people."""
        rays, num_boxes = len(self._slope), len(self._boxes[0])
        num_still = len(self._still) + num_movers
        num_solids = num_boxes + num_still + num_people
        self._counts = (num_movers, num_people)
        self._circles = np.zeros((5, num_still + num_people))
        if self._still:
            self._circles[:, : len(self._still)] = np.array(self._still_cylinders).T
        self._into, self._out = np.empty((rays, num_solids)), np.empty((rays, num_solids))
        is_person = np.arange(num_solids) >= num_boxes + num_still
        self._sees = np.where(is_person, self._sees_people[:, None], self._sees_world[:, None])
        self._heights_key = None

    def _update_heights(self, y: Floats) -> None:
        """Where along each ray the heights of each solid begin and end: `_low`, `_high` (R, S).

        For level rays this is everywhere or nowhere, and changes only with the heights.
        """
        moving = self._circles[3:, len(self._still) :]
        key = (y.tobytes(), moving.tobytes()) if self._level else None
        if key is not None and key == self._heights_key:
            return
        self._heights_key = key
        bottom = np.concatenate([self._box_bottoms, self._circles[3]])
        top = np.concatenate([self._box_tops, self._circles[4]])
        at_bottom = (bottom - y) / self._slope[:, None]
        at_top = (top - y) / self._slope[:, None]
        self._low = np.where(self._sees, np.minimum(at_bottom, at_top), math.inf)
        self._high = np.maximum(at_bottom, at_top)

    def _enclosure(self, x: Floats, y: Floats, z: Floats, to_x: Floats, to_z: Floats) -> Floats:
        """Distance to the walls around the place, the ceiling and the ground, (R,)."""
        half = self._half_m
        side = np.minimum(
            (np.copysign(half, to_x) - x) / to_x, (np.copysign(half, to_z) - z) / to_z
        )
        side = np.where(side > 0.0, side, math.inf)  # outside: no wall ahead
        if self._level:
            nearest = np.where(y < self._wall_top_m, side, math.inf)
        else:
            at_wall = np.where(np.isfinite(side), y + side * self._slope, math.inf)
            nearest = np.where(at_wall < self._wall_top_m, side, math.inf)
            rising = self._slope > 0.0
            level = np.where(rising, self._ceiling_m, 0.0)
            flat_m = (level - y) / self._slope
            reached = rising if self._heights is None or math.isfinite(self._ceiling_m) else None
            if self._heights is None:
                reached = np.abs(self._slope) > _TINY
            if reached is not None:
                nearest = np.minimum(nearest, np.where(reached & (flat_m > 0), flat_m, math.inf))
        if self._heights is not None:
            until = np.minimum(np.where(np.isfinite(side), side, 0.0), self._max_m)
            ground = self._heights.distance(x, y, z, (to_x, self._slope, to_z), until)
            nearest = np.minimum(nearest, ground)
        return nearest


class _HeightGrid:
    """The ground of a place with hills, sampled on a grid so that many points are fast."""

    def __init__(self, ground: Solids) -> None:
        cells = math.ceil(2.0 * ground.half_m / _GRID_M)
        line = np.linspace(-ground.half_m, ground.half_m, cells + 1)
        self._per_m, self._last = cells / (2.0 * ground.half_m), cells - 1
        self._half_m = ground.half_m
        self._grid = np.array([[ground.terrain(x, z) for z in line] for x in line.tolist()])
        self._top_m = float(self._grid.max())

    def distance(
        self,
        x: Floats,
        y: Floats,
        z: Floats,
        direction: tuple[Floats, Floats, Floats],
        until: Floats,
    ) -> Floats:
        """Distance to the ground, up to `until`, (R,); infinity for none.

        Steps along the ray find the first point below the ground; halving makes it exact.
        """
        to_x, to_y, to_z = (each[:, None] for each in direction)
        x, y, z = (np.broadcast_to(each, until.shape)[:, None] for each in (x, y, z))

        def above(at: Floats) -> Floats:
            return y + at * to_y - self._height(x + at * to_x, z + at * to_z)

        steps = max(1, math.ceil(float(until.max(initial=0.0)) / _GROUND_STEP_M))
        at = np.arange(steps + 1) * _GROUND_STEP_M
        at = np.minimum(at, until[:, None])
        below = above(at) < 0.0
        first = below.argmax(axis=1)
        rows = np.arange(len(until))
        low, high = at[rows, np.maximum(first - 1, 0)], at[rows, first]
        for _ in range(_REFINEMENTS if below.any() else 0):
            middle = 0.5 * (low + high)
            under = above(middle[:, None])[:, 0] < 0.0
            low, high = np.where(under, low, middle), np.where(under, middle, high)
        # A ray that begins below the ground does not hit it.
        return np.where(below.any(axis=1) & ~below[:, 0], high, math.inf)

    def _height(self, x: Floats, z: Floats) -> Floats:
        """Bilinear interpolation; beyond the place, as at its edge."""
        column, row = (
            np.clip((each + self._half_m) * self._per_m, 0.0, self._last + 1.0) for each in (x, z)
        )
        i, j = (np.minimum(each.astype(np.int64), self._last) for each in (column, row))
        u, v, grid = column - i, row - j, self._grid
        near = grid[i, j] * (1.0 - v) + grid[i, j + 1] * v
        far = grid[i + 1, j] * (1.0 - v) + grid[i + 1, j + 1] * v
        return near * (1.0 - u) + far * u


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
