"""Landmarks: things of different shapes and colours that help to recognise a place."""

import math
from dataclasses import dataclass

import numpy as np

from interfaces.standin.geometry.solids import Box, Circle, Colour, Solid

COLOURS: tuple[Colour, ...] = (
    (0.95, 0.20, 0.75),
    (1.00, 0.50, 0.05),
    (0.10, 0.85, 0.90),
    (0.95, 0.95, 0.95),
    (0.45, 0.20, 0.75),
    (0.65, 0.95, 0.15),
)
# kind: (half the width, height) in metres
SHAPES = {
    "arch": (0.85, 2.1),
    "cube": (0.45, 0.9),
    "sphere": (0.55, 1.1),
    "cone": (0.55, 1.6),
    "cylinder": (0.30, 2.3),
    "pyramid": (0.55, 1.0),
}
_FULL_SIZE_M = 8.0  # landmarks are smaller in smaller rooms
_GAP_M = 0.9  # enough for a person to pass between two landmarks


@dataclass(frozen=True, slots=True)
class Landmark:
    """A thing on the floor, in metres. It blocks from floor to ceiling, whatever its shape."""

    kind: str
    x: float
    z: float
    half: float  # half its width
    height: float
    colour: Colour

    @property
    def post(self) -> float:
        """Width of an arch's posts, and height of its lintel."""
        return 0.3 * self.half

    def solids(self) -> list[Solid]:
        """Its solid parts."""
        if self.kind == "arch":  # two posts, in the east and the west; the middle is free
            post, reach = self.post, self.half - 0.5 * self.post
            return [
                Box(
                    *(self.kind, x, self.z, 0.5 * post, 0.5 * post),
                    colour=self.colour,
                    drawn_top=self.height,
                )
                for x in (self.x - reach, self.x + reach)
            ]
        at, half = (self.x, self.z), self.half
        if self.kind in ("cube", "pyramid"):
            return [Box(self.kind, *at, half, half, colour=self.colour, drawn_top=self.height)]
        return [Circle(self.kind, *at, half, colour=self.colour, drawn_top=self.height)]

    def overhead(self) -> list[Solid]:
        """Its parts above the heads of people, which only rays can hit: the lintel of an arch."""
        if self.kind != "arch":
            return []
        low, half = self.height - self.post, 0.5 * self.post
        return [Box(self.kind, self.x, self.z, self.half, half, low, self.height, self.colour)]


def scatter(half_m: float, rng: np.random.Generator) -> tuple[Landmark, ...]:
    """One landmark of each kind, in random colours, with room to pass between them."""
    scale = min(1.0, 2.0 * half_m / _FULL_SIZE_M)
    order = rng.permutation(len(COLOURS))
    placed: list[Landmark] = []
    for i, (kind, (half, height)) in enumerate(SHAPES.items()):
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
        colour = COLOURS[int(order[i])]
        placed.append(Landmark(kind, *best, half * scale, height * min(1.0, 2 * scale), colour))
    return tuple(placed)
