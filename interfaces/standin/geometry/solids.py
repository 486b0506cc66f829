"""Solids of a place, circles and boxes seen from above: sliding along them, standing on them.

Metres, VRChat's axes: x to the east, y up, z to the north; heading in degrees, clockwise from
north.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

Colour = tuple[float, float, float]  # red, green, blue, each 0..1
Terrain = Callable[[float, float], float]

PERSON_RADIUS_M = 0.25
PERSON_HEIGHT_M = 1.7
STEP_M = 0.3  # a person walks up onto lower solids, as in Unity's character controller
_CELL_M = 2.0
_MARGIN_M = 0.6  # added to a person's radius: covers a step and free_point's margin
_GREY: Colour = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Circle:
    """A cylinder, in metres. Without a top, a person cannot jump onto it.

    `drawn_top`: height of the picture of it, where that is below `top`. Rays pass above it.
    """

    name: str
    x: float
    z: float
    radius: float
    bottom: float = -math.inf
    top: float = math.inf
    colour: Colour = _GREY
    drawn_top: float = math.inf
    reach: tuple[float, float] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach", (self.radius, self.radius))


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box, in metres. Without a top, a person cannot jump onto it.

    `drawn_top`: height of the picture of it, where that is below `top`. Rays pass above it.
    """

    name: str
    x: float
    z: float
    half_x: float
    half_z: float
    bottom: float = -math.inf
    top: float = math.inf
    colour: Colour = _GREY
    drawn_top: float = math.inf
    reach: tuple[float, float] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach", (self.half_x, self.half_z))


Solid = Circle | Box


def flat(x: float, z: float) -> float:
    """The terrain of most places: height 0."""
    return 0.0


class Solids:
    """All solids and the terrain of a place.

    The place spans -half_m..half_m in x and z and ends in walls: "north", "east", "south", "west".
    """

    def __init__(self, half_m: float, solids: Iterable[Solid], terrain: Terrain = flat) -> None:
        self.half_m = half_m
        self.solids = tuple(solids)
        self.terrain = terrain
        self._cells: dict[tuple[int, int], list[Solid]] = {}
        self._low: dict[tuple[int, int], list[Solid]] = {}  # solids with a top
        for solid in self.solids:
            for cell in _cells_of(solid):
                self._cells.setdefault(cell, []).append(solid)
                if solid.top < math.inf:
                    self._low.setdefault(cell, []).append(solid)

    def slide(
        self,
        x: float,
        y: float,
        z: float,
        step_x: float,
        step_z: float,
        moving: Sequence[Solid] = (),
    ) -> tuple[float, float, list[str]]:
        """Move a person with feet at (x, y, z) by a step of at most 0.25 m.

        Returns the new x and z, and the names of the touched solids. A solid in the way removes
        the part of the step that points into it. `moving`: solids that change their position.
        """
        new_x, new_z, touched = self._resolve(x + step_x, y, z + step_z, moving)
        if touched and self._inside(new_x, y, new_z, -1e-6):  # between two solids: do not move
            return x, z, touched
        return new_x, new_z, touched

    def floor(self, x: float, y: float, z: float, moving: Sequence[Solid] = ()) -> float:
        """Height of the ground or solid under a person with feet at (x, y, z)."""
        height = self.terrain(x, z)
        near = self._low.get((int(x // _CELL_M), int(z // _CELL_M)))
        if near or moving:
            for solid in (*(near or ()), *moving):
                top = solid.top
                if height < top <= y + STEP_M and _push_out(solid, x, z, 0.1) is not None:
                    height = top
        return height

    def free_point(
        self, rng: np.random.Generator, margin_m: float = 0.2, within_m: float | None = None
    ) -> tuple[float, float]:
        """A random point at least `margin_m` (at most 0.5) away from every solid.

        With `within_m`, each coordinate is at most that far from the centre.
        """
        limit = self.half_m - PERSON_RADIUS_M - margin_m
        limit = limit if within_m is None else min(limit, within_m)
        x = z = 0.0
        for _ in range(1000):
            x, z = float(rng.uniform(-limit, limit)), float(rng.uniform(-limit, limit))
            if not self._inside(x, self.terrain(x, z), z, margin_m):
                return x, z
        x, z, _ = self._resolve(x, self.terrain(x, z), z, ())
        return x, z  # no free point found: the last one, pushed out of the solids

    def _near(self, x: float, z: float) -> list[Solid]:
        return self._cells.get((int(x // _CELL_M), int(z // _CELL_M)), [])

    def _resolve(
        self, x: float, y: float, z: float, moving: Sequence[Solid]
    ) -> tuple[float, float, list[str]]:
        touched: list[str] = []
        low, high = y + STEP_M, y + PERSON_HEIGHT_M
        near = self._near(x, z)
        if moving:
            near = [*near, *moving]
        for _ in range(3 if near else 0):
            pushed_at_all = False
            for solid in near:
                # Most are out of reach. This check without a call saves most of the time.
                reach_x, reach_z = solid.reach
                if abs(x - solid.x) >= reach_x + PERSON_RADIUS_M:
                    continue
                if abs(z - solid.z) >= reach_z + PERSON_RADIUS_M:
                    continue
                if solid.top <= low or solid.bottom >= high:
                    continue
                pushed = _push_out(solid, x, z, PERSON_RADIUS_M)
                if pushed is not None:
                    (x, z), pushed_at_all = pushed, True
                    if solid.name not in touched:
                        touched.append(solid.name)
            if not pushed_at_all:
                break
        limit = self.half_m - PERSON_RADIUS_M
        if -limit < x < limit and -limit < z < limit:
            return x, z, touched
        for name, outside in (
            ("east", x >= limit),
            ("west", x <= -limit),
            ("north", z >= limit),
            ("south", z <= -limit),
        ):
            if outside:
                touched.append(name)
        return min(limit, max(-limit, x)), min(limit, max(-limit, z)), touched

    def _inside(self, x: float, y: float, z: float, margin_m: float) -> bool:
        reach, low, high = PERSON_RADIUS_M + margin_m, y + STEP_M, y + PERSON_HEIGHT_M
        return any(
            solid.top > low and solid.bottom < high and _push_out(solid, x, z, reach) is not None
            for solid in self._near(x, z)
        )


def _cells_of(solid: Solid) -> list[tuple[int, int]]:
    reach_x, reach_z = solid.reach
    beyond = PERSON_RADIUS_M + _MARGIN_M
    low_i, high_i = ((solid.x + s * (reach_x + beyond)) // _CELL_M for s in (-1, 1))
    low_j, high_j = ((solid.z + s * (reach_z + beyond)) // _CELL_M for s in (-1, 1))
    return [
        (i, j)
        for i in range(int(low_i), int(high_i) + 1)
        for j in range(int(low_j), int(high_j) + 1)
    ]


def _push_out(solid: Solid, x: float, z: float, radius: float) -> tuple[float, float] | None:
    """The nearest point outside the solid; None if (x, z) is outside already."""
    away_x, away_z = x - solid.x, z - solid.z
    if isinstance(solid, Circle):
        reach, inner_x, inner_z = solid.radius + radius, 0.0, 0.0
    else:
        reach = radius
        inner_x = min(solid.half_x, max(-solid.half_x, away_x))
        inner_z = min(solid.half_z, max(-solid.half_z, away_z))
    gap_x, gap_z = away_x - inner_x, away_z - inner_z
    distance = math.hypot(gap_x, gap_z)
    if distance >= reach:
        return None
    if distance > 1e-9:
        scale = reach / distance
        return solid.x + inner_x + gap_x * scale, solid.z + inner_z + gap_z * scale
    if isinstance(solid, Circle):
        return solid.x + reach, solid.z
    deep_x, deep_z = solid.half_x - abs(away_x), solid.half_z - abs(away_z)
    if deep_x < deep_z:
        return solid.x + math.copysign(solid.half_x + reach, away_x), z
    return x, solid.z + math.copysign(solid.half_z + reach, away_z)
