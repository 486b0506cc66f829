"""The ground of a place with hills, sampled on a grid, and where rays meet it."""

import math

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.solids import Solids

Floats = NDArray[np.float64]
_STEP_M = 0.5  # hills are metres wide
_GRID_M = 0.25
_REFINEMENTS = 12  # halvings: 0.5 m / 2^12 = 0.1 mm
_NEAR_CELLS = 3  # more than one step
_MARGIN_M = 1e-9  # more than the rounding of an interpolated height


class HeightGrid:
    """The heights of the ground of a place. Between the points of the grid they are bilinear."""

    def __init__(self, ground: Solids) -> None:
        cells = math.ceil(2.0 * ground.half_m / _GRID_M)
        line = np.linspace(-ground.half_m, ground.half_m, cells + 1)
        self._per_m, self._last = cells / (2.0 * ground.half_m), cells - 1
        self._half_m = ground.half_m
        self._grid = np.array([[ground.terrain(x, z) for z in line] for x in line.tolist()])
        self._rows: list[list[float]] = self._grid.tolist()
        # At least the height of every point within _NEAR_CELLS of a cell, flat.
        padded = np.pad(self._grid, _NEAR_CELLS, mode="edge")
        size = cells + 2 * _NEAR_CELLS
        for axis in (0, 1):
            shifts = [padded.take(range(k, k + cells), axis) for k in range(size + 2 - cells)]
            padded = np.maximum.reduce(shifts)
        self._highest = padded.ravel() + _MARGIN_M

    def top_m(self, x: float, z: float, within_m: float) -> float:
        """At least the height of the ground at every point within that distance."""
        i, j = (int((each + self._half_m) * self._per_m) for each in (x, z))
        around = int(within_m * self._per_m) + 2
        near = self._grid[max(0, i - around) : i + around + 2, max(0, j - around) : j + around + 2]
        return _MARGIN_M + float((near if near.size else self._grid).max())

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
        result = np.full(len(until), math.inf)
        steps = max(1, math.ceil(float(until.max(initial=0.0)) / _STEP_M))
        at = np.arange(steps + 1) * _STEP_M
        x, y, z = (np.broadcast_to(each, until.shape) for each in (x, y, z))
        to_x, to_y, to_z = direction
        # Most points are clear of the hills. This finds the others, and perhaps a few more.
        points = np.stack([to_x, to_z])[:, :, None] * at
        points += np.stack([x, z])[:, :, None] + self._half_m
        points *= self._per_m
        np.minimum(np.maximum(points, 0.0, out=points), self._last, out=points)
        i, j = points.astype(np.int64)
        lowest = (y - _STEP_M * np.abs(to_y))[:, None] + at * to_y[:, None]
        can_be_below = self._highest.take(i * (self._last + 1) + j) > lowest
        can_be_below &= at < until[:, None] + _STEP_M
        rays, numbers = can_be_below.nonzero()
        done = -1
        for ray, number in zip(rays.tolist(), numbers.tolist(), strict=True):
            if ray == done:
                continue
            origin = x.item(ray), y.item(ray), z.item(ray)
            towards, end = (to_x.item(ray), to_y.item(ray), to_z.item(ray)), until.item(ray)
            high = min(number * _STEP_M, end)
            if self._is_below(origin, towards, high):
                done = ray
                if number:  # a ray that begins below the ground does not hit it
                    low = min((number - 1) * _STEP_M, end)
                    result[ray] = self._halve(origin, towards, low, high)
        return result

    def _is_below(
        self, origin: tuple[float, float, float], towards: tuple[float, float, float], at: float
    ) -> bool:
        """Whether a point of a ray is below the ground.

        Heights between the points of the grid are bilinear; beyond the place, as at its edge.
        """
        (x, y, z), (to_x, to_y, to_z) = origin, towards
        half_m, per_m, last, rows = self._half_m, self._per_m, self._last, self._rows
        column = min(max((x + at * to_x + half_m) * per_m, 0.0), last + 1.0)
        row = min(max((z + at * to_z + half_m) * per_m, 0.0), last + 1.0)
        i, j = min(int(column), last), min(int(row), last)
        u, v, near, far = column - i, row - j, rows[i], rows[i + 1]
        near_m = near[j] * (1.0 - v) + near[j + 1] * v
        far_m = far[j] * (1.0 - v) + far[j + 1] * v
        return y + at * to_y - (near_m * (1.0 - u) + far_m * u) < 0.0

    def _halve(
        self,
        origin: tuple[float, float, float],
        towards: tuple[float, float, float],
        low: float,
        high: float,
    ) -> float:
        """The first of two distances is above the ground, the second below: where it meets it.

        Plain Python: of few rays it is faster than arrays, and gives the same bits.
        """
        for _ in range(_REFINEMENTS):
            middle = 0.5 * (low + high)
            if self._is_below(origin, towards, middle):
                high = middle
            else:
                low = middle
        return high
