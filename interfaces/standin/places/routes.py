"""Ways through a place: A* on a grid of half metres, straightened."""

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.places.solids import PERSON_RADIUS_M, Circle, Solids

CELL_M = 0.4
_CLEAR_M = 0.12
_STEPS = [(i, j, math.hypot(i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
Waypoint = tuple[float, float]


class Routes:
    """Finds the way. Made once for a place; what moves is not in it."""

    def __init__(self, ground: Solids) -> None:
        self._half = ground.half_m
        self._count = max(1, math.ceil(2.0 * ground.half_m / CELL_M))
        # Lists: a look into a NumPy array costs five times as much.
        self._free: list[list[bool]] = _free_cells(ground, self._count).tolist()

    def route(self, start: Waypoint, goal: Waypoint) -> list[Waypoint]:
        """Points to walk to one after another, the goal last; only the goal where there is none."""
        begin, end = self._nearest(start), self._nearest(goal)
        cells = self._search(begin, end)
        points = [self._centre(cell) for cell in cells[1:-1]]
        return [*self._straightened(start, [*points, goal])]

    def clear(self, a: Waypoint, b: Waypoint) -> bool:
        """Whether one walks straight from a to b."""
        count = int(math.dist(a, b) / (0.5 * CELL_M)) + 1
        (x, z), limit, free = a, self._count - 1, self._free
        step_x, step_z = (b[0] - x) / count, (b[1] - z) / count
        for _ in range(count + 1):
            i, j = int((x + self._half) / CELL_M), int((z + self._half) / CELL_M)
            if not free[min(limit, max(0, i))][min(limit, max(0, j))]:
                return False
            x, z = x + step_x, z + step_z
        return True

    def _search(self, begin: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
        came: dict[tuple[int, int], tuple[int, int]] = {}
        cost, done = {begin: 0.0}, set[tuple[int, int]]()
        queue = [(math.dist(begin, end), begin)]
        free, count = self._free, self._count
        while queue:
            _, cell = heapq.heappop(queue)
            if cell == end:
                break
            if cell in done:
                continue
            done.add(cell)
            i, j = cell
            for di, dj, length in _STEPS:
                a, b = i + di, j + dj
                if not (0 <= a < count and 0 <= b < count and free[a][b]):
                    continue
                if not (free[i][b] and free[a][j]):  # no cutting of corners
                    continue
                total, other = cost[cell] + length, (a, b)
                if total < cost.get(other, math.inf):
                    cost[other], came[other] = total, cell
                    heapq.heappush(queue, (total + math.hypot(a - end[0], b - end[1]), other))
        if end not in came:
            return [begin, end]
        path = [end]
        while path[-1] != begin:
            path.append(came[path[-1]])
        return path[::-1]

    def _straightened(self, start: Waypoint, points: list[Waypoint]) -> list[Waypoint]:
        kept: list[Waypoint] = []
        here, at = start, 0
        while at < len(points):
            far = at
            while far + 1 < len(points) and self.clear(here, points[far + 1]):
                far += 1
            here = points[far]
            kept.append(here)
            at = far + 1
        return kept

    def _cell(self, x: float, z: float) -> tuple[int, int]:
        limit = self._count - 1
        i, j = (int((v + self._half) / CELL_M) for v in (x, z))
        return min(limit, max(0, i)), min(limit, max(0, j))

    def _centre(self, cell: tuple[int, int]) -> Waypoint:
        return (cell[0] + 0.5) * CELL_M - self._half, (cell[1] + 0.5) * CELL_M - self._half

    def _nearest(self, point: Waypoint) -> tuple[int, int]:
        i, j = self._cell(*point)
        if self._free[i][j]:
            return i, j
        free = np.argwhere(self._free)
        if not len(free):
            return i, j
        away = ((free - np.array([i, j])) ** 2).sum(1)
        a, b = free[int(away.argmin())]
        return int(a), int(b)


def _free_cells(ground: Solids, count: int) -> NDArray[np.bool_]:
    """Cells in whose centre a person stands clear; what one steps or sits on is in the way too."""
    line = (np.arange(count) + 0.5) * CELL_M - ground.half_m
    x, z = np.meshgrid(line, line, indexing="ij")
    reach = PERSON_RADIUS_M + _CLEAR_M
    limit = ground.half_m - reach
    free = (np.abs(x) <= limit) & (np.abs(z) <= limit)
    for solid in ground.solids:
        away_x, away_z = np.abs(x - solid.x), np.abs(z - solid.z)
        if isinstance(solid, Circle):
            free &= np.hypot(away_x, away_z) >= solid.radius + reach
        else:
            outside = np.hypot(
                np.maximum(0.0, away_x - solid.half_x), np.maximum(0.0, away_z - solid.half_z)
            )
            free &= outside >= reach
    return free
