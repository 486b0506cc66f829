"""Paths through a place: A* on a grid of 0.4 m cells, straightened."""

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.solids import PERSON_RADIUS_M, Circle, Solids

CELL_M = 0.4
_CLEARANCE_M = 0.12  # besides a person's radius
_STEPS = [(i, j, math.hypot(i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
Waypoint = tuple[float, float]


class Routes:
    """Finds paths between two points. Made once per place; ignores what moves."""

    def __init__(self, ground: Solids) -> None:
        self._half = ground.half_m
        self._count = max(1, math.ceil(2.0 * ground.half_m / CELL_M))
        free = _free_cells(ground, self._count)
        self._neighbours = _neighbours(free)
        # The last row and column are repeated, for points on the far edge. Lists, because reading
        # one element of a NumPy array takes five times as long.
        self._free: list[list[bool]] = np.pad(free, (0, 1), "edge").tolist()

    def route(self, start: Waypoint, goal: Waypoint) -> list[Waypoint]:
        """The points of a path, the goal last. Only the goal if there is no path."""
        begin, end = self._nearest(start), self._nearest(goal)
        cells = self._search(begin, end)
        points = [self._centre(cell) for cell in cells[1:-1]]
        return [*self._straightened(start, [*points, goal])]

    def is_clear(self, a: Waypoint, b: Waypoint) -> bool:
        """Whether the straight line from a to b is free of solids."""
        count = int(math.dist(a, b) / (0.5 * CELL_M)) + 1
        half, limit, free = self._half, self._count, self._free
        x, z = a[0], a[1]
        step_x, step_z = (b[0] - x) / count, (b[1] - z) / count
        for _ in range(count + 1):
            i, j = int((x + half) / CELL_M), int((z + half) / CELL_M)
            if not (0 <= i <= limit and 0 <= j <= limit):  # beyond the edge by rounding
                i, j = min(limit, max(0, i)), min(limit, max(0, j))
            if not free[i][j]:
                return False
            x, z = x + step_x, z + step_z
        return True

    def _search(self, begin: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
        count, neighbours = self._count, self._neighbours
        first, last = begin[0] * count + begin[1], end[0] * count + end[1]
        end_i, end_j = end
        cost, came = [math.inf] * (count * count), [-1] * (count * count)
        done = bytearray(count * count)
        cost[first] = 0.0
        queue = [(math.dist(begin, end), first)]
        push, pop, hypot = heapq.heappush, heapq.heappop, math.hypot
        while queue:
            cell = pop(queue)[1]
            if cell == last:
                break
            if done[cell]:
                continue
            done[cell] = 1
            so_far = cost[cell]
            for other, a, b, length in neighbours[cell]:
                total = so_far + length
                if total < cost[other]:
                    cost[other], came[other] = total, cell
                    push(queue, (total + hypot(a - end_i, b - end_j), other))
        if came[last] < 0:
            return [begin, end]
        path = [last]
        while path[-1] != first:
            path.append(came[path[-1]])
        return [divmod(cell, count) for cell in reversed(path)]

    def _straightened(self, start: Waypoint, points: list[Waypoint]) -> list[Waypoint]:
        waypoints: list[Waypoint] = []
        here, at = start, 0
        while at < len(points):
            far = at
            while far + 1 < len(points) and self.is_clear(here, points[far + 1]):
                far += 1
            here = points[far]
            waypoints.append(here)
            at = far + 1
        return waypoints

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
        free = np.argwhere(np.array(self._free)[:-1, :-1])
        if not len(free):
            return i, j
        away = ((free - np.array([i, j])) ** 2).sum(1)
        a, b = free[int(away.argmin())]
        return int(a), int(b)


def _neighbours(free: NDArray[np.bool_]) -> list[list[tuple[int, int, int, float]]]:
    """For each cell, row by row: (cell, row, column, distance) of every reachable neighbour."""
    count = len(free)
    cells: list[list[bool]] = free.tolist()
    neighbours: list[list[tuple[int, int, int, float]]] = []
    for i in range(count):
        for j in range(count):
            reachable: list[tuple[int, int, int, float]] = []
            for di, dj, length in _STEPS if cells[i][j] else ():
                a, b = i + di, j + dj
                if not (0 <= a < count and 0 <= b < count and cells[a][b]):
                    continue
                if cells[i][b] and cells[a][j]:  # a diagonal step must not cut a corner
                    reachable.append((a * count + b, a, b, length))
            neighbours.append(reachable)
    return neighbours


def _free_cells(ground: Solids, count: int) -> NDArray[np.bool_]:
    """Cells with enough room for a person at their centre. Steps and seats count as obstacles."""
    line = (np.arange(count) + 0.5) * CELL_M - ground.half_m
    x, z = np.meshgrid(line, line, indexing="ij")
    reach = PERSON_RADIUS_M + _CLEARANCE_M
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
