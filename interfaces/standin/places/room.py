"""The room: square, with four different walls, six landmarks and a patting friend."""

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.landmarks import scatter
from interfaces.standin.geometry.meshes import Vector, landmark_mesh, quad
from interfaces.standin.geometry.solids import Solids
from interfaces.standin.places.place import Place, Surface, separate_surfaces

WALL_HEIGHT_M = 3.0


def room(version: int, seed: int, size_m: float) -> Place:
    """The same size and seed make the same room."""
    half = 0.5 * size_m
    landmarks = scatter(half, np.random.Generator(np.random.PCG64([seed, 1])))
    return Place(
        name="room",
        version=version,
        ground=Solids(half, [solid for mark in landmarks for solid in mark.solids()]),
        surfaces=(
            *enclosure(half, WALL_HEIGHT_M),
            *separate_surfaces("landmark", map(landmark_mesh, landmarks)),
        ),
        people=1,
        landmarks=landmarks,
        out_of_reach=tuple(part for mark in landmarks for part in mark.overhead()),
        ceiling_m=WALL_HEIGHT_M,
    )


def enclosure(half: float, high: float) -> list[Surface]:
    """Four different walls, a floor and a ceiling, visible from inside."""
    low: list[Vector] = [
        (-half, half, 0.0),
        (half, half, 0.0),
        (half, -half, 0.0),
        (-half, -half, 0.0),
    ]
    surfaces: list[Surface] = []
    for i, (name, picture) in enumerate(textures.walls().items()):
        left, right = low[i], low[(i + 1) % 4]
        corners = (left, right, (*right[:2], high), (*left[:2], high))
        uv = (2.0 * half / textures.WALL_TILE_M, high / textures.WALL_TILE_M)
        surfaces.append(Surface(name, quad(corners, uv), picture))
    tiles, panels = 2.0 * half / textures.FLOOR_TILE_M, 2.0 * half / textures.WALL_TILE_M
    floor = (low[3], low[2], low[1], low[0])
    surfaces.append(Surface("floor", quad(floor, (tiles, tiles)), textures.floor()))
    a, b, c, d = ((x, y, high) for x, y, _ in low)
    surfaces.append(
        Surface("ceiling", quad((a, b, c, d), (panels, panels)), textures.ceiling(), glows=True)
    )
    return surfaces
