"""The same distances as ray_casting.py for rays without a vertical part, in less time.

Most rays of avatars are level. What stays in place is one NumPy computation for the rays that can
hit it, in arrays that are allocated once. Of people and moving things, only the rays towards them
are computed, one by one. Each distance has the same bits as in RayCaster.

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
    """Casts a fixed set of level rays in one place.

    `out_of_reach` and `wall_top_m`: as in Place.
    """

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
    """Walls, things that stay and hills of a place, for the rays `chosen`, int (W,)."""

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
        edges = [(-ground.half_m, -ground.half_m, ground.half_m, ground.half_m)]
        edges += [(b.x - b.half_x, b.z - b.half_z, b.x + b.half_x, b.z + b.half_z) for b in boxes]
        edges += [(c.x, c.z, c.x, c.z) for c in circles]
        # Of boxes the low and the high corner, of circles twice the centre; x and z: (2, 2, S, 1).
        self._points = np.array(edges).T.reshape(2, 2, -1, 1).copy()
        bottoms = [-math.inf, *(each.bottom for each in (*boxes, *circles))]
        tops = [wall_top_m, *(min(each.top, each.drawn_top) for each in (*boxes, *circles))]
        self._bottom, self._top = np.array(bottoms)[:, None], np.array(tops)[:, None]
        self._squared_radius = np.array([each.radius for each in circles])[:, None] ** 2

        right, front = rays.to_right[chosen], rays.to_front[chosen]
        # Directions at heading 0, and what heading 90 adds. Each as x, z and as z, x: (2, 2, 1, W).
        self._ahead = np.array([[right, front], [front, right]])[:, :, None]
        self._across = np.array([[front, -right], [-right, front]])[:, :, None]
        self._origins = rays.right_m[chosen], rays.front_m[chosen]
        self._centred = not (self._origins[0].any() or self._origins[1].any())
        self._height_m: Floats | float = rays.height_m[chosen]
        if (self._height_m == self._height_m[0]).all():
            self._height_m = float(self._height_m[0])  # then the height of all rays is one number
        self._max_m, self._longest_m = rays.max_m[chosen], float(rays.max_m[chosen].max())
        self._heights = None if ground.terrain is flat else HeightGrid(ground)
        self._heights_y: object = None  # of the rays, for which _other_heights holds
        self._other_heights: NDArray[np.bool_] | None = None
        self._allocate(len(boxes) + 1, len(circles), len(chosen))

    def _allocate(self, num_boxes: int, num_circles: int, num_rays: int) -> None:
        """Make the arrays, and views of their parts: each view takes as long as a computation."""
        num_solids, num_origins = num_boxes + num_circles, 1 if self._centred else num_rays
        self._to, self._turned = _pair(*self._ahead.shape)
        self._to_xz, self._to_y = self._to[0], np.full(num_rays, TINY)
        self._origin, away = (
            np.empty((2, 1, num_origins)),
            np.empty((2, 2, num_solids, num_origins)),
        )
        self._away, self._box_away, self._circle_away = (
            *(away, away[:, :, :num_boxes], away[:, :, num_boxes:]),
        )
        self._into, self._out = into, out = _pair(num_solids, num_rays)
        self._at_box = np.empty((2, 2, num_boxes, num_rays))  # low and high, x and z
        self._enters, self._leaves = _pair(2, num_boxes, num_rays)  # x and z
        self._box_into, self._box_out = into[:num_boxes], out[:num_boxes]
        self._at_circle = np.empty((2, 2, num_circles, num_rays))  # along and aside, two terms
        self._along, self._half_chord = _pair(num_circles, num_rays)
        self._circle_into, self._circle_out = into[num_boxes:], out[num_boxes:]
        self._misses = np.empty((num_solids, num_rays), np.bool_)
        self._passes = np.empty((num_solids - 1, num_rays), np.bool_)
        self._things = into[1:], out[1:], self._misses[1:]  # all but the walls

    def distances(self, pose: AvatarPose) -> Floats:
        """Distance to the first hit, metres, float (W,); infinity for none."""
        to, into, misses = self._to, self._into, self._misses
        np.multiply(self._ahead, pose.cosine, to)
        np.multiply(self._across, pose.sine, self._turned)
        np.add(to, self._turned, to)
        np.add(to, TINY, to)
        self._put_origin(pose)
        np.subtract(self._points, self._origin, self._away)
        self._meet_boxes()
        if len(self._along):
            self._meet_circles()
        y = pose.y + pose.scale * self._height_m
        ground_m = None if self._heights is None else self._to_ground(self._heights, y)
        np.less_equal(into, 0.0, misses)
        things_into, things_out, things_missed = self._things
        np.less_equal(things_out, things_into, self._passes)
        np.logical_or(things_missed, self._passes, things_missed)
        other_heights = self._at_other_heights(y)
        if other_heights is not None:
            np.logical_or(misses, other_heights, misses)
        np.copyto(into, math.inf, where=misses)
        nearest_m = np.minimum.reduce(into)
        return nearest_m if ground_m is None else np.minimum(nearest_m, ground_m)

    def _put_origin(self, pose: AvatarPose) -> None:
        x, z = self._origin
        x[:], z[:] = pose.x, pose.z
        if not self._centred:
            right_m, front_m = self._origins
            x += pose.scale * (right_m * pose.cosine + front_m * pose.sine)
            z += pose.scale * (front_m * pose.cosine - right_m * pose.sine)

    def _meet_boxes(self) -> None:
        """From the last entry into the two slabs of a box to the first exit."""
        at, enters, leaves, out = self._at_box, self._enters, self._leaves, self._box_out
        np.divide(self._box_away, self._to_xz, at)
        low, high = at
        np.minimum(low, high, out=enters)
        np.maximum(low, high, out=leaves)
        np.maximum(*enters, out=self._box_into)
        np.minimum(*leaves, out=out)
        self._into[0] = out[0]  # of the walls around the place, the way out counts

    def _meet_circles(self) -> None:
        """The middle of the chord, minus and plus its half."""
        at, along, half = self._at_circle, self._along, self._half_chord
        np.multiply(self._circle_away, self._to, at)
        (x_along, z_along), (x_aside, z_aside) = at
        np.add(x_along, z_along, along)
        np.subtract(x_aside, z_aside, half)
        np.multiply(half, half, half)
        np.subtract(self._squared_radius, half, half)
        np.maximum(half, 0.0, out=half)
        np.sqrt(half, half)
        np.subtract(along, half, self._circle_into)
        np.add(along, half, self._circle_out)

    def _at_other_heights(self, y: Floats | float) -> NDArray[np.bool_] | None:
        """Which solids are above or below the rays, (S, 1) or (S, W); None for none of them."""
        key = y.tobytes() if isinstance(y, np.ndarray) else y
        if key != self._heights_y:
            self._heights_y = key
            passes = (self._bottom > y) | (y >= self._top)
            self._other_heights = passes if passes.any() else None
        return self._other_heights

    def _to_ground(self, heights: HeightGrid, y: Floats | float) -> Floats | None:
        """Distance to the hills, (W,); None if all of them near are lower than the rays."""
        x, z = self._origin[:, 0]
        to_x, to_z = self._to_xz[:, 0]
        lowest = float(y.min()) if isinstance(y, np.ndarray) else y
        if self._centred and heights.top_m(x.item(), z.item(), self._longest_m) <= lowest:
            return None
        until = np.minimum(np.maximum(self._into[0], 0.0), self._max_m)
        return heights.distance(x, np.asarray(y), z, (to_x, self._to_y, to_z), until)


def _pair(*shape: int) -> tuple[Floats, Floats]:
    return np.empty(shape), np.empty(shape)
