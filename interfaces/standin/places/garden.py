"""The garden: hills, a pond, a turning carousel, and balls that roll around on fixed paths.

The agent can learn here where moving things are at which time, that a hill raises its view, and
that a ball pushes it.
"""

import math

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.landmarks import COLOURS, Landmark
from interfaces.standin.geometry.meshes import (
    Mesh,
    block,
    box,
    join,
    revolve,
    sphere,
    terrain_meshes,
)
from interfaces.standin.geometry.solids import Box, Circle, Colour, Solid, Solids, Terrain
from interfaces.standin.places.place import (
    Mover,
    Place,
    Pose,
    Seat,
    Surface,
    circuit,
    separate_surfaces,
)
from interfaces.standin.places.skyline import skyline

HALF_M = 14.0
BALL_M = 0.6
_WIDE_M2 = 2 * 2.6**2  # twice the variance of a hill's Gaussian shape
_WATER: Colour = (0.32, 0.58, 0.82)
_BARK: Colour = (0.42, 0.30, 0.20)
_POND = (-6.0, -6.0, 3.0)


def garden(version: int, seed: int) -> Place:
    """The same seed makes the same garden."""
    rng = np.random.Generator(np.random.PCG64([seed, 13]))
    colours = [COLOURS[int(i)] for i in rng.permutation(len(COLOURS))]
    terrain = hills(rng)
    solids: list[Solid] = [Circle("carousel", 5.0, -5.0, 0.4, drawn_top=3.6)]
    things: list[Mesh] = [
        revolve([(3.0, 0.03), (0.0, 0.03)], (_POND[0], _POND[1], terrain(*_POND[:2])), _WATER, 18),
        revolve([(0.4, 0.0), (0.25, 3.2), (0.0, 3.6)], (5.0, -5.0, 0.0), colours[0], 10),
    ]
    marks = [Landmark("carousel", 5.0, -5.0, 0.4, 3.6, colours[0])]
    seats: list[Seat] = []
    for i in range(7):
        x, z = _spot(rng, solids)
        y = terrain(x, z)
        if i == 0:
            solids.append(Box("bench", x, z, 0.8, 0.3, y, y + 0.45))
            things.append(box((x, z, y), (1.6, 0.6, 0.45), _BARK))
            seats.append(Seat(x, y, z, float(rng.uniform(0.0, 360.0))))
            continue
        colour = (0.2, 0.5, 0.2) if i < 4 else colours[i - 3]
        solids.append(Circle("tree", x, z, 0.25, colour=colour, drawn_top=y + 3.4))
        things.append(revolve([(0.25, -0.2), (0.15, 1.6)], (x, z, y), _BARK, 7))
        things.append(revolve([(1.1, 1.2), (0.7, 2.2), (0.0, 3.4)], (x, z, y), colour, 8))
        marks.append(Landmark("tree", x, z, 1.1, 3.4, colour))
    return Place(
        name="garden",
        version=version,
        ground=Solids(HALF_M, solids, terrain),
        surfaces=(
            skyline(seed, 70.0),
            *separate_surfaces(
                "grass", terrain_meshes(HALF_M, 16, 4, terrain, 4.0), textures.grass()
            ),
            Surface("hedge", _border(), textures.hedge()),
            *separate_surfaces("thing", things),
        ),
        people=2,
        sky=True,
        landmarks=tuple(marks),
        movers=(_carousel(colours[1], colours[2]), *_balls(rng, colours[3:], terrain)),
        seats=tuple(seats),
        spawn_within_m=9.0,
        wall_top_m=1.6,
        phrases=("Mind the ball!", "Up the hill?", "Round and round", "So green"),
    )


def hills(rng: np.random.Generator) -> Terrain:
    """Three hills up to 1.8 m high that an avatar can walk up, flat in the south."""
    tops = [
        (float(rng.uniform(-9, 9)), float(rng.uniform(3, 10)), float(rng.uniform(1.0, 1.8)))
        for _ in range(3)
    ]

    def height(x: float, z: float) -> float:
        total = 0.0  # no generator expression: this is called for each person in each step
        for hx, hz, high in tops:
            away_x, away_z = x - hx, z - hz
            total += high * math.exp(-(away_x * away_x + away_z * away_z) / _WIDE_M2)
        return total

    return height


def _spot(rng: np.random.Generator, solids: list[Solid]) -> tuple[float, float]:
    x = z = 0.0
    for _ in range(200):
        x, z = (float(rng.uniform(-HALF_M + 2, HALF_M - 2)) for _ in range(2))
        is_free = all(math.hypot(x - each.x, z - each.z) > 3.0 for each in solids)
        if is_free and math.hypot(x - _POND[0], z - _POND[1]) > 4.0 and math.hypot(x, z) > 2.0:
            break
    return x, z


def _carousel(first: Colour, second: Colour) -> Mover:
    arms = [
        box((1.6 * side, 0.0, 2.3), (3.0, 0.18, 0.14), (0.3, 0.3, 0.32)) for side in (-0.5, 0.5)
    ]
    cups = [
        revolve([(0.1, 1.0), (0.5, 1.5), (0.5, 1.9)], (2.4 * side, 0.0, 0.0), colour, 9)
        for side, colour in ((-1, first), (1, second))
    ]
    surface = Surface("carousel", join(*arms, *cups))

    def at(time_s: float) -> Pose:
        return 5.0, 0.0, -5.0, (36.0 * time_s) % 360.0

    return Mover("carousel", surface, at)


def _balls(rng: np.random.Generator, colours: list[Colour], terrain: Terrain) -> list[Mover]:
    balls: list[Mover] = []
    for i, colour in enumerate(colours[:3]):
        far = 3.0 + 2.6 * i
        mesh = join(
            sphere((0.0, 0.0, BALL_M), BALL_M, colour, 10),
            box((0.0, 0.0, BALL_M - 0.1), (2.06 * BALL_M, 0.2, 0.2), (1.0, 1.0, 1.0)),
        )
        round_trip = circuit(0.0, -1.0, far, far, 14.0 + 6.0 * i, float(rng.uniform(0, 1)), 0.0)
        balls.append(
            Mover(
                "ball",
                Surface(f"ball {i}", mesh),
                round_trip,
                radius=BALL_M,
                height=2 * BALL_M,
                terrain=terrain,
            )
        )
    return balls


def _border() -> Mesh:
    reach, thick = HALF_M + 0.3, 0.3
    sides = [Box("hedge", s * reach, 0.0, thick, reach) for s in (-1.0, 1.0)]
    sides += [Box("hedge", 0.0, s * reach, reach, thick) for s in (-1.0, 1.0)]
    return join(*(block(each, -0.3, 1.6, 2.0) for each in sides))
