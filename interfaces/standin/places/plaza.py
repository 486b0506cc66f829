"""The plaza: a fountain, trees, benches, stalls, and people of different natures.

The agent can learn here which person pats, which one walks away and which one only talks. People
differ in hair and shirt, and the houses differ on each side. The seed places stalls, trees and
benches.
"""

import math

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.landmarks import COLOURS, Landmark
from interfaces.standin.geometry.meshes import Mesh, block, box, join, quad, revolve, sphere
from interfaces.standin.geometry.solids import Box, Circle, Colour, Solid, Solids
from interfaces.standin.places.place import Place, Seat, Surface, separate_surfaces
from interfaces.standin.places.skyline import skyline

HALF_M = 12.0
HOUSE_M = 4.5
_STONE: Colour = (0.72, 0.70, 0.66)
_WATER: Colour = (0.35, 0.62, 0.85)
_BARK: Colour = (0.40, 0.28, 0.18)
_LEAVES: Colour = (0.25, 0.55, 0.22)
_WOOD: Colour = (0.60, 0.42, 0.25)
_LAMP: Colour = (1.0, 0.93, 0.70)


def plaza(version: int, seed: int) -> Place:
    """The same seed makes the same plaza."""
    rng = np.random.Generator(np.random.PCG64([seed, 12]))
    solids: list[Solid] = [
        Circle("fountain", 0.0, 0.0, 1.8, top=0.55, colour=_STONE),
        Circle("fountain", 0.0, 0.0, 0.35, colour=_STONE, drawn_top=2.2),
    ]
    things: list[Mesh] = [_fountain()]
    lamps: list[Mesh] = []
    marks: list[Landmark] = [Landmark("fountain", 0.0, 0.0, 1.8, 2.2, _STONE)]
    seats: list[Seat] = []
    turn = float(rng.uniform(0.0, 30.0))
    for i in range(12):  # a ring of twelve things
        angle = math.radians(turn + 30.0 * i)
        x, z = 7.2 * math.sin(angle), 7.2 * math.cos(angle)
        kind = ("tree", "bench", "lamp")[i % 3]
        if kind == "tree":
            size = float(rng.uniform(0.9, 1.3))
            solids.append(Circle("tree", x, z, 0.3, colour=_LEAVES, drawn_top=3.95 * size))
            things.append(_tree(x, z, size))
        elif kind == "bench":
            solids.append(Box("bench", x, z, 0.8, 0.3, top=0.45, colour=_WOOD))
            things.append(box((x, z, 0.0), (1.6, 0.6, 0.45), _WOOD))
            facing = math.degrees(math.atan2(-x, -z)) % 360.0
            seats += [Seat(x + side, 0.0, z, facing) for side in (-0.4, 0.4)]
        else:
            solids.append(Circle("lamp", x, z, 0.12, colour=_LAMP, drawn_top=3.35))
            things.append(revolve([(0.1, 0.0), (0.06, 3.0)], (x, z, 0.0), (0.2, 0.2, 0.22), 8))
            lamps.append(sphere((x, z, 3.1), 0.25, _LAMP, 6, 4))
    order = rng.permutation(len(COLOURS))
    for i, (x, z) in enumerate(((-9.0, 9.0), (9.0, 9.0), (9.0, -9.0), (-9.0, -9.0))):
        colour = COLOURS[int(order[i])]
        solids.append(Box("stall", x, z, 1.2, 0.8, colour=colour, drawn_top=2.7))
        things.append(_stall(x, z, colour))
        marks.append(Landmark("stall", x, z, 1.2, 2.6, colour))
    ground = ((-HALF_M,) * 2, (HALF_M, -HALF_M), (HALF_M,) * 2, (-HALF_M, HALF_M))
    a, b, c, d = ((x, y, 0.0) for x, y in ground)
    return Place(
        name="plaza",
        version=version,
        ground=Solids(HALF_M, solids),
        surfaces=(
            skyline(seed, 70.0),
            Surface("paving", quad((a, b, c, d), (HALF_M / 2, HALF_M / 2)), textures.paving()),
            *_houses(rng),
            *separate_surfaces("thing", things),
            *(Surface(f"lamp {i}", lamp, glows=True) for i, lamp in enumerate(lamps)),
        ),
        people=6,
        sky=True,
        landmarks=tuple(marks),
        seats=tuple(seats),
        spawn_within_m=6.0,
        wall_top_m=HOUSE_M,
        phrases=("Nice weather", "Have you seen the fountain?", "I like your avatar", "See you!"),
    )


def _fountain() -> Mesh:
    return join(
        revolve([(1.8, 0.0), (1.8, 0.55), (1.55, 0.55)], (0, 0, 0), _STONE, 16),
        revolve([(1.55, 0.45), (0.0, 0.45)], (0, 0, 0), _WATER, 16),
        revolve([(0.35, 0.4), (0.2, 1.5), (0.9, 1.7), (0.0, 2.2)], (0, 0, 0), _WATER, 10),
    )


def _tree(x: float, z: float, size: float) -> Mesh:
    return join(
        revolve([(0.3, 0.0), (0.18, 1.8 * size)], (x, z, 0.0), _BARK, 7),
        sphere((x, z, 2.7 * size), 1.25 * size, _LEAVES, 9, 6),
    )


def _stall(x: float, z: float, colour: Colour) -> Mesh:
    return join(
        box((x, z, 0.0), (2.4, 1.6, 0.9), _WOOD),
        *(
            box((x + sx * 1.1, z + sz * 0.7, 0.9), (0.1, 0.1, 1.2), _WOOD)
            for sx in (-1, 1)
            for sz in (-1, 1)
        ),
        box((x, z, 2.1), (2.8, 2.0, 0.6), colour, top=0.1),
    )


def _houses(rng: np.random.Generator) -> list[Surface]:
    """A row of houses on each side, each row in another colour."""
    tints: tuple[Colour, ...] = ((1.0, 0.75, 0.6), (0.75, 0.85, 1.0), (0.8, 1.0, 0.75), (1, 1, 0.7))
    picture = textures.facade()
    rows: list[Surface] = []
    for side, tint in enumerate(rng.permutation(4)):
        meshes: list[Mesh] = []
        for k in range(4):
            middle, wide = -HALF_M + (k + 0.5) * HALF_M / 2, HALF_M / 4
            off = HALF_M + 1.0
            x, z, hx, hz = (
                (middle, off, wide, 1.0),
                (off, -middle, 1.0, wide),
                (-middle, -off, wide, 1.0),
                (-off, middle, 1.0, wide),
            )[side]
            high = HOUSE_M + float(rng.uniform(-1.2, 1.8))
            house = Box("house", x, z, hx, hz)
            meshes.append(block(house, 0.0, high, 3.0, tints[int(tint)]))
        rows.append(Surface(f"houses {side}", join(*meshes), picture))
    return rows
