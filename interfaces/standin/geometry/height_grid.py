"""The ground of a place with hills, sampled on a grid, and where rays meet it."""

import math

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.solids import Solids

Floats = NDArray[np.float64]
_STEP_M = 0.5  # hills are metres wide
_GRID_M = 0.25
_REFINEMENTS = 12  # halvings: 0.5 m / 2^12 = 0.1 mm
_MARGIN_M = 1e-9  # more than the rounding of an interpolated height


class HeightGrid:
    """The heights of the ground of a place. Between the points of the grid they are bilinear."""

    def __init__(self, ground: Solids) -> None:
        cells = math.ceil(2.0 * ground.half_m / _GRID_M)
        line = np.linspace(-ground.half_m, ground.half_m, cells + 1)
        self._per_m, self._last = cells / (2.0 * ground.half_m), cells - 1
        self._half_m, self._width = ground.half_m, cells + 1
        self._grid = np.array([[ground.terrain(x, z) for z in line] for x in line.tolist()])
        self._rows: list[list[float]] = self._grid.tolist()
        # For each cell the heights of its corners, flat: 2 near and 2 far in x, (2, 2, points).
        flat = self._grid.ravel()
        corners = [np.roll(flat, -shift) for shift in (0, self._width, 1, self._width + 1)]
        self._corners = np.array(corners).reshape(2, 2, -1)  # first near or far in z, then in x

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
        at = np.minimum(np.arange(steps + 1) * _STEP_M, until[:, None])  # (R, steps + 1)
        to_x, to_y, to_z = (each[:, None] for each in direction)
        x, y, z = (np.broadcast_to(each, until.shape)[:, None] for each in (x, y, z))
        below = y + at * to_y - self._heights(x + at * to_x, z + at * to_z) < 0.0
        # A ray that begins below the ground does not hit it.
        for i in (below.any(axis=1) & ~below[:, 0]).nonzero()[0].tolist():
            first = int(below[i].argmax())
            origin = float(x[i, 0]), float(y[i, 0]), float(z[i, 0])
            towards = float(to_x[i, 0]), float(to_y[i, 0]), float(to_z[i, 0])
            result[i] = self._halve(origin, towards, float(at[i, first - 1]), float(at[i, first]))
        return result

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
        (x, y, z), (to_x, to_y, to_z) = origin, towards
        half_m, per_m, last, rows = self._half_m, self._per_m, self._last, self._rows
        end = last + 1.0
        for _ in range(_REFINEMENTS):
            middle = 0.5 * (low + high)
            column = min(max((x + middle * to_x + half_m) * per_m, 0.0), end)
            row = min(max((z + middle * to_z + half_m) * per_m, 0.0), end)
            i, j = min(int(column), last), min(int(row), last)
            u, v, near, far = column - i, row - j, rows[i], rows[i + 1]
            near_m = near[j] * (1.0 - v) + near[j + 1] * v
            far_m = far[j] * (1.0 - v) + far[j + 1] * v
            if y + middle * to_y - (near_m * (1.0 - u) + far_m * u) < 0.0:
                high = middle
            else:
                low = middle
        return high

    def _heights(self, x: Floats, z: Floats) -> Floats:
        """Bilinear interpolation; beyond the place, as at its edge."""
        at = np.stack([x, z])
        at += self._half_m
        at *= self._per_m
        np.minimum(np.maximum(at, 0.0, out=at), self._last + 1.0, out=at)
        cell = np.minimum(at.astype(np.int64), self._last)
        at -= cell
        u, v = at
        rest_u, rest_v = 1.0 - at
        corners = self._corners.take(cell[0] * self._width + cell[1], axis=2)
        near, far = corners[0] * rest_v + corners[1] * v
        return near * rest_u + far * u
