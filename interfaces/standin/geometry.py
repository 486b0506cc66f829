"""The stand-in's room: walls, landmarks placed by the seed, and sliding along both.

Metres, VRChat's axes: x to the east, y up, z to the north; heading in degrees, clockwise from
north. Landmarks are solid from floor to ceiling, whatever their shape.
"""

import math
from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]  # red, green, blue, each 0..1
WALL_HEIGHT_M = 3.0
PERSON_RADIUS_M = 0.25

_FULL_SIZE_M = 8.0  # in smaller rooms the landmarks shrink with the room
_GAP_M = 0.9  # a person passes between two landmarks
_COLOURS: tuple[Colour, ...] = (
    (0.95, 0.20, 0.75),
    (1.00, 0.50, 0.05),
    (0.10, 0.85, 0.90),
    (0.95, 0.95, 0.95),
    (0.45, 0.20, 0.75),
    (0.65, 0.95, 0.15),
)
# kind: half its width and its height, metres
_SHAPES = {
    "arch": (0.85, 2.1),
    "cube": (0.45, 0.9),
    "sphere": (0.55, 1.1),
    "cone": (0.55, 1.6),
    "cylinder": (0.30, 2.3),
    "pyramid": (0.55, 1.0),
}


@dataclass(frozen=True, slots=True)
class Circle:
    """An obstacle seen from above."""

    name: str
    x: float
    z: float
    radius: float


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned obstacle seen from above."""

    name: str
    x: float
    z: float
    half_x: float
    half_z: float


@dataclass(frozen=True, slots=True)
class Landmark:
    kind: str
    x: float
    z: float
    half: float  # half its width
    height: float
    colour: Colour

    @property
    def post(self) -> float:
        """Side of an arch's posts and height of its lintel."""
        return 0.3 * self.half

    def obstacles(self) -> list[Circle | Box]:
        if self.kind == "arch":  # two posts in the east and the west; one walks through
            post, reach = self.post, self.half - 0.5 * self.post
            return [
                Box(self.kind, self.x - reach, self.z, 0.5 * post, 0.5 * post),
                Box(self.kind, self.x + reach, self.z, 0.5 * post, 0.5 * post),
            ]
        if self.kind in ("cube", "pyramid"):
            return [Box(self.kind, self.x, self.z, self.half, self.half)]
        return [Circle(self.kind, self.x, self.z, self.half)]


@dataclass(frozen=True, slots=True)
class View:
    """All that a picture depends on: the agent's eye, and the other avatar.

    Metres and degrees; `other_arm` 0 hanging .. 1 patting, `other_stride` metres walked in all.
    """

    x: float
    eye_y: float
    z: float
    heading_deg: float
    pitch_deg: float
    other_x: float
    other_z: float
    other_heading_deg: float
    other_arm: float
    other_stride: float


class Room:
    """A square room around the origin. The same size and seed make the same room."""

    def __init__(self, size_m: float, seed: int) -> None:
        self.size_m = size_m
        self.half_m = 0.5 * size_m
        rng = np.random.Generator(np.random.PCG64([seed, 1]))
        self.landmarks = _place(self.half_m, rng)
        self._obstacles = [each for mark in self.landmarks for each in mark.obstacles()]

    def slide(
        self, x: float, z: float, step_x: float, step_z: float
    ) -> tuple[float, float, list[str]]:
        """Where a person at (x, z) gets to by the step (metres, at most 0.25), and what it touches.

        What blocks the way takes away the part of the step that goes into it. Touched: "north",
        "east", "south", "west" for walls, else the kind of landmark.
        """
        new_x, new_z, touched = self._resolve(x + step_x, z + step_z)
        if self._inside(new_x, new_z):  # wedged between two of them: stay
            return x, z, touched
        return new_x, new_z, touched

    def free_point(self, rng: np.random.Generator, margin_m: float = 0.2) -> tuple[float, float]:
        """A random point where a person stands at least `margin_m` away from everything solid."""
        limit = self.half_m - PERSON_RADIUS_M - margin_m
        x = z = 0.0
        for _ in range(1000):
            x, z = float(rng.uniform(-limit, limit)), float(rng.uniform(-limit, limit))
            if not self._inside(x, z, margin_m):
                return x, z
        return self._resolve(x, z)[:2]  # a room full to the brim: wherever one is pushed out to

    def _resolve(self, x: float, z: float) -> tuple[float, float, list[str]]:
        touched: list[str] = []
        for _ in range(3):
            before = (x, z)
            for obstacle in self._obstacles:
                pushed = _push_out(obstacle, x, z, PERSON_RADIUS_M)
                if pushed is not None:
                    x, z = pushed
                    if obstacle.name not in touched:
                        touched.append(obstacle.name)
            if (x, z) == before:
                break
        limit = self.half_m - PERSON_RADIUS_M
        for name, outside in (
            ("east", x >= limit),
            ("west", x <= -limit),
            ("north", z >= limit),
            ("south", z <= -limit),
        ):
            if outside:
                touched.append(name)
        return min(limit, max(-limit, x)), min(limit, max(-limit, z)), touched

    def _inside(self, x: float, z: float, margin_m: float = -1e-6) -> bool:
        reach = PERSON_RADIUS_M + margin_m
        return any(_push_out(each, x, z, reach) is not None for each in self._obstacles)


def _push_out(
    obstacle: Circle | Box, x: float, z: float, radius: float
) -> tuple[float, float] | None:
    """The nearest place outside, or None where (x, z) is outside already."""
    away_x, away_z = x - obstacle.x, z - obstacle.z
    if isinstance(obstacle, Circle):
        reach, inner_x, inner_z = obstacle.radius + radius, 0.0, 0.0
    else:
        reach = radius
        inner_x = min(obstacle.half_x, max(-obstacle.half_x, away_x))
        inner_z = min(obstacle.half_z, max(-obstacle.half_z, away_z))
    gap_x, gap_z = away_x - inner_x, away_z - inner_z
    distance = math.hypot(gap_x, gap_z)
    if distance >= reach:
        return None
    if distance > 1e-9:
        scale = reach / distance
        return obstacle.x + inner_x + gap_x * scale, obstacle.z + inner_z + gap_z * scale
    if isinstance(obstacle, Circle):
        return obstacle.x + reach, obstacle.z
    deep_x, deep_z = obstacle.half_x - abs(away_x), obstacle.half_z - abs(away_z)
    if deep_x < deep_z:
        return obstacle.x + math.copysign(obstacle.half_x + reach, away_x), z
    return x, obstacle.z + math.copysign(obstacle.half_z + reach, away_z)


def _place(half_m: float, rng: np.random.Generator) -> tuple[Landmark, ...]:
    """One landmark of each kind, in colours dealt by the seed, with room to pass between them."""
    scale = min(1.0, 2.0 * half_m / _FULL_SIZE_M)
    dealt = rng.permutation(len(_COLOURS))
    placed: list[Landmark] = []
    for i, (kind, (half, height)) in enumerate(_SHAPES.items()):
        reach = half * scale * (1.0 if kind in ("arch", "sphere", "cone", "cylinder") else 1.42)
        limit = half_m - reach - _GAP_M * scale
        best, best_gap = (0.0, 0.0), -math.inf
        for _ in range(200):
            x, z = float(rng.uniform(-limit, limit)), float(rng.uniform(-limit, limit))
            gap = min(
                (math.hypot(x - o.x, z - o.z) - reach - 1.42 * o.half for o in placed),
                default=math.inf,
            )
            if gap > best_gap:
                best, best_gap = (x, z), gap
            if gap >= _GAP_M * scale:
                break
        colour = _COLOURS[int(dealt[i])]
        placed.append(Landmark(kind, *best, half * scale, height * min(1.0, 2 * scale), colour))
    return tuple(placed)
