"""The maze: hedges too high to see over, and a lantern high above them.

The agent can learn here that the straight line to a visible goal is not a free path. The lantern is
in the cell that is farthest from the start.
"""

from dataclasses import replace

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.landmarks import Landmark
from interfaces.standin.geometry.meshes import block, join, quad, revolve, sphere
from interfaces.standin.geometry.solids import Box, Circle, Colour, Solid, Solids
from interfaces.standin.places.passages import Passage, carve, distances, ordered
from interfaces.standin.places.place import Place, Surface
from interfaces.standin.places.skyline import skyline

CELLS = 7
CELL_M = 2.4
HEDGE_M = 2.4
_THICK_M = 0.15  # half the thickness of a hedge
_GOLD: Colour = (1.0, 0.82, 0.25)
_GREEN: Colour = (0.2, 0.45, 0.2)


def maze(version: int, seed: int) -> Place:
    """The same seed makes the same maze."""
    rng = np.random.Generator(np.random.PCG64([seed, 14]))
    half = 0.5 * CELLS * CELL_M
    passages = carve(CELLS, rng, extra=4)
    middle = CELLS // 2
    far = distances(CELLS, passages, (middle, middle))
    goal = max(sorted(far), key=lambda cell: far[cell])
    x, z = _centre(goal)
    hedges: list[Solid] = [*_hedges(passages)]
    lantern = Landmark("lantern", x, z, 0.25, 11.0, _GOLD)
    outside = [Box("hedge", side * half, 0.0, _THICK_M, half) for side in (-1.0, 1.0)] + [
        Box("hedge", 0.0, side * half, half, _THICK_M) for side in (-1.0, 1.0)
    ]
    drawn = [each for each in (*hedges, *outside) if isinstance(each, Box)]
    corners = ((-half, -half, 0.0), (half, -half, 0.0), (half, half, 0.0), (-half, half, 0.0))
    pole_solid = Circle("lantern", x, z, 0.25, colour=_GOLD, drawn_top=9.9)
    pole = revolve([(0.25, 0.0), (0.12, 9.8), (0.0, 9.9)], (x, z, 0.0), (0.35, 0.3, 0.3))
    return Place(
        name="maze",
        version=version,
        ground=Solids(half, [*hedges, pole_solid]),
        surfaces=(
            skyline(seed, 60.0),
            Surface("ground", quad(corners, (half, half)), textures.gravel()),
            Surface(
                "hedges",
                join(*(block(each, 0.0, HEDGE_M, 2.0) for each in drawn)),
                textures.hedge(),
            ),
            Surface("pole", pole),
            Surface("lantern", sphere((x, z, 10.3), 1.0, _GOLD), glows=True),
        ),
        people=1,
        sky=True,
        landmarks=(lantern,),
        spawn_within_m=1.5 * CELL_M,
        out_of_reach=tuple(replace(each, bottom=0.0, top=HEDGE_M) for each in outside),
        wall_top_m=HEDGE_M,
        phrases=("Are you lost too?", "Follow the light", "Dead end!"),
    )


def _centre(cell: tuple[int, int]) -> tuple[float, float]:
    middle = 0.5 * (CELLS - 1)
    return (cell[0] - middle) * CELL_M, (cell[1] - middle) * CELL_M


def _hedges(passages: set[Passage]) -> list[Box]:
    """All hedges between cells; neighbouring ones of the same direction are one box."""
    hedges: list[Box] = []
    for across in range(CELLS - 1):
        for turned in (False, True):
            run = 0
            for along in range(CELLS + 1):
                a, b = (across, along), (across + 1, along)
                if turned:
                    a, b = (along, across), (along, across + 1)
                if along < CELLS and ordered(a, b) not in passages:
                    run += 1
                    continue
                if run:
                    hedges.append(_hedge(across, along - run, along, turned))
                run = 0
    return hedges


def _hedge(across: int, begin: int, end: int, turned: bool) -> Box:
    middle = 0.5 * CELLS
    at = (across + 1 - middle) * CELL_M
    centre, half = (0.5 * (begin + end) - middle) * CELL_M, 0.5 * (end - begin) * CELL_M + _THICK_M
    if turned:
        return Box("hedge", centre, at, half, _THICK_M, colour=_GREEN, drawn_top=HEDGE_M)
    return Box("hedge", at, centre, _THICK_M, half, colour=_GREEN, drawn_top=HEDGE_M)
