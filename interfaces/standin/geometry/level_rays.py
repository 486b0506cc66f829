"""The same distances as ray_casting.py for rays without a vertical part, in less time.

Most rays of avatars are level. Things that stay are one NumPy computation for the rays that can
hit the world. Of people and moving things, only the rays towards them are computed, one by one.
Each distance has the same bits as in RayCaster.

Shapes: W rays that see the world, B boxes, C circles that stay, S = B + C.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.height_grid import HeightGrid
from interfaces.standin.geometry.ray_fans import (
    TINY,
    AvatarPose,
    Cylinder,
    Floats,
    LevelRays,
    fans,
)
from interfaces.standin.geometry.solids import Box, Circle, Solid, Solids, flat


class LevelRayCaster:
    """Casts a fixed set of level rays in one place."""

    def __init__(
        self, ground: Solids, rays: LevelRays, *, out_of_reach: Sequence[Solid], wall_top_m: float
    ) -> None:
        self._missed = np.full(len(rays.max_m), math.inf)
        self._sees_world = rays.sees_world.nonzero()[0]
        self._world = None
        if len(self._sees_world):
            solids = [*ground.solids, *out_of_reach]
            self._world = _StillThings(ground, solids, rays, self._sees_world, wall_top_m)
        self._at_movers, self._at_people = fans(rays, rays.sees_world), fans(rays, rays.sees_people)

    def cast(
        self, pose: AvatarPose, movers: Sequence[Cylinder], people: Sequence[Cylinder]
    ) -> Floats:
        """The distance to the first hit of each ray, metres, float (R,); infinity for none."""
        nearest_m = self._missed.copy()
        if self._world is not None:
            nearest_m[self._sees_world] = self._world.distances(pose)
        if movers:
            for fan in self._at_movers:
                fan.meet(pose, movers, nearest_m)
        if people:
            for fan in self._at_people:
                fan.meet(pose, people, nearest_m)
        return nearest_m


class _StillThings:
    """Walls, things that stay and hills of a place, for the rays `chosen`, int (W,).

    Arrays are allocated once: for so few numbers, a NumPy call costs more than its computation.
    """

    def __init__(
        self,
        ground: Solids,
        solids: Sequence[Solid],
        rays: LevelRays,
        chosen: NDArray[np.int64],
        wall_top_m: float,
    ) -> None:
        boxes = [each for each in solids if isinstance(each, Box)]
        circles = [each for each in solids if isinstance(each, Circle)]
        # The first box is the whole place, seen from inside: its walls.
        half = ground.half_m
        corners = [((-half, -half), (half, half))]
        corners += [((b.x - b.half_x, b.z - b.half_z), (b.x + b.half_x, b.z + b.half_z)) for b in boxes]
        corners += [((c.x, c.z), (c.x, c.z)) for c in circles]
        # (2, 2, S, 1): of boxes the low and the high corner, of circles twice the centre; x and z.
        self._points = np.array(corners).transpose(1, 2, 0)[..., None].copy()
        bottoms = [-math.inf, *(each.bottom for each in (*boxes, *circles))]
        tops = [wall_top_m, *(min(each.top, each.drawn_top) for each in (*boxes, *circles))]
        self._bottom, self._top = np.array(bottoms)[:, None], np.array(tops)[:, None]
        self._squared_radius = np.array([each.radius for each in circles])[:, None] ** 2

        right, front = rays.to_right[chosen], rays.to_front[chosen]
        # Directions at heading 0 and what heading 90 adds; first x and z, then z and x: (2, 2, 2, 1, W)
        ahead, across = [[right, front], [front, right]], [[front, -right], [-right, front]]
        self._directions = np.array([ahead, across])[:, :, :, None]
        self._turn = np.empty((2, 1, 1, 1, 1))
        self._origins = rays.right_m[chosen], rays.front_m[chosen]
        self._centred = not (self._origins[0].any() or self._origins[1].any())
        self._height_m: Floats | float = rays.height_m[chosen]
        if (self._height_m == self._height_m[0]).all():
            self._height_m = float(self._height_m[0])  # then a height is one number
        self._max_m = rays.max_m[chosen]
        self._longest_m = float(self._max_m.max())
        self._to_y = np.full(len(chosen), TINY)
        self._origin = np.empty((2, 1, 1 if self._centred else len(chosen)))

        self._heights = None if ground.terrain is flat else HeightGrid(ground)
        self._heights_y: object = None  # for which _other_heights holds
        num_boxes, num_solids, num_rays = len(boxes) + 1, len(corners), len(chosen)
        self._num_boxes = num_boxes
        self._from_origin = np.empty((2, 2, num_solids, self._origin.shape[2]))
        self._parts = np.empty_like(self._directions)
        self._to = np.empty_like(self._directions[0])
        self._at_box = np.empty((2, 2, num_boxes, num_rays))
        self._spans = np.empty((2, 2, num_boxes, num_rays))
        self._at_circle = np.empty((2, 2, num_solids - num_boxes, num_rays))
        self._along = np.empty((2, num_solids - num_boxes, num_rays))
        self._into, self._out = np.empty((2, num_solids, num_rays))
        self._misses = np.empty((num_solids, num_rays), np.bool_)
        self._outside = np.empty((num_solids - 1, num_rays), np.bool_)

    def distances(self, pose: AvatarPose) -> Floats:
        """Distance to the first hit, metres, float (W,); infinity for none."""
        to, into, out, num_boxes = self._to, self._into, self._out, self._num_boxes
        self._turn[0], self._turn[1] = pose.cosine, pose.sine
        np.multiply(self._directions, self._turn, out=self._parts)
        np.add(self._parts[0], self._parts[1], out=to)
        np.add(to, TINY, out=to)
        self._put_origin(pose)
        np.subtract(self._points, self._origin, out=self._from_origin)

        # Boxes: between the last entry and the first exit of the two slabs.
        at, spans = self._at_box, self._spans
        np.divide(self._from_origin[:, :, :num_boxes], to[0], out=at)
        np.minimum(at[0], at[1], out=spans[0])
        np.maximum(at[0], at[1], out=spans[1])
        np.maximum(spans[0, 0], spans[0, 1], out=into[:num_boxes])
        np.minimum(spans[1, 0], spans[1, 1], out=out[:num_boxes])
        into[0] = out[0]  # of the walls around the place, the way out counts

        if num_boxes < len(into):  # Circles: the middle of the chord, minus and plus its half.
            along, half_chord = self._along
            np.multiply(self._from_origin[:, :, num_boxes:], to, out=self._at_circle)
            (x_along, z_along), (x_aside, z_aside) = self._at_circle
            np.add(x_along, z_along, out=along)
            np.subtract(x_aside, z_aside, out=half_chord)
            np.multiply(half_chord, half_chord, out=half_chord)
            np.subtract(self._squared_radius, half_chord, out=half_chord)
            np.maximum(half_chord, 0.0, out=half_chord)
            np.sqrt(half_chord, out=half_chord)
            np.subtract(along, half_chord, out=into[num_boxes:])
            np.add(along, half_chord, out=out[num_boxes:])

        y = pose.y + pose.scale * self._height_m
        ground_m = None if self._heights is None else self._to_ground(self._heights, y)
        misses = self._misses
        np.less_equal(into, 0.0, out=misses)
        np.less_equal(out[1:], into[1:], out=self._outside)
        np.logical_or(misses[1:], self._outside, out=misses[1:])
        other_heights = self._at_other_heights(y)
        if other_heights is not None:
            np.logical_or(misses, other_heights, out=misses)
        np.copyto(into, math.inf, where=misses)
        nearest_m = np.minimum.reduce(into)
        return nearest_m if ground_m is None else np.minimum(nearest_m, ground_m)

    def _put_origin(self, pose: AvatarPose) -> None:
        x, z = self._origin[:, 0]
        x[:], z[:] = pose.x, pose.z
        if not self._centred:
            right_m, front_m = self._origins
            x += pose.scale * (right_m * pose.cosine + front_m * pose.sine)
            z += pose.scale * (front_m * pose.cosine - right_m * pose.sine)

    def _at_other_heights(self, y: Floats | float) -> NDArray[np.bool_] | None:
        """Which solids are above or below the rays, (S, 1) or (S, W); None for none of them."""
        key = y if isinstance(y, float) else y.tobytes()
        if key != self._heights_y:
            self._heights_y = key
            passes = (self._bottom > y) | (y >= self._top)
            self._other_heights = passes if passes.any() else None
        return self._other_heights

    def _to_ground(self, heights: HeightGrid, y: Floats | float) -> Floats | None:
        """Distance to the hills, (W,); None if all of them near are lower than the rays."""
        x, z = self._origin[:, 0]
        (to_x,), (to_z,) = self._to[0]
        lowest = y if isinstance(y, float) else float(y.min())
        if self._centred and heights.top_m(x.item(), z.item(), self._longest_m) <= lowest:
            return None
        until = np.minimum(np.maximum(self._into[0], 0.0), self._max_m)
        return heights.distance(x, np.asarray(y), z, (to_x, self._to_y, to_z), until)
