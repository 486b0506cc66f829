"""The room: square, with four different walls, six landmarks and a patting friend."""

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.landmarks import scatter
from interfaces.standin.geometry.meshes import Vector, landmark_mesh, quad
from interfaces.standin.geometry.solids import Solids
from interfaces.standin.places.place import Place, Surface, separate_surfaces

WALL_HEIGHT_M = 3.0


_SIZES = (0.75, 1.25)  # smallest and largest factor of the size of a varied room
_SMALLEST_M = 4.0
_FEWEST_LANDMARKS = 3


def room(version: int, seed: int, size_m: float, *, varied: bool = False) -> Place:
    """The same size and seed make the same room.

    `varied`: its size, the order and colours of its walls, its floor and the number of its
    landmarks depend on the seed too.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 5])) if varied else None
    if rng is not None:
        size_m = max(_SMALLEST_M, size_m * float(rng.uniform(*_SIZES)))
    half = 0.5 * size_m
    landmarks = scatter(half, np.random.Generator(np.random.PCG64([seed, 1])))
    if rng is not None:
        count = int(rng.integers(_FEWEST_LANDMARKS, len(landmarks), endpoint=True))
        kept = sorted(rng.permutation(len(landmarks))[:count].tolist())
        landmarks = tuple(landmarks[i] for i in kept)
    return Place(
        name="room",
        version=version,
        ground=Solids(half, [solid for mark in landmarks for solid in mark.solids()]),
        surfaces=(
            *enclosure(half, WALL_HEIGHT_M, rng),
            *separate_surfaces("landmark", map(landmark_mesh, landmarks)),
        ),
        people=1,
        landmarks=landmarks,
        out_of_reach=tuple(part for mark in landmarks for part in mark.overhead()),
        ceiling_m=WALL_HEIGHT_M,
    )


def enclosure(half: float, high: float, rng: np.random.Generator | None = None) -> list[Surface]:
    """Four different walls, a floor and a ceiling, visible from inside.

    `rng` draws the order of the walls, and the colours of walls and floor.
    """
    low: list[Vector] = [
        (-half, half, 0.0),
        (half, half, 0.0),
        (half, -half, 0.0),
        (-half, -half, 0.0),
    ]
    surfaces: list[Surface] = []
    walls, floor_picture = textures.walls(), textures.floor()
    if rng is not None:
        order = rng.permutation(len(walls)).tolist()
        pictures = [_recoloured(picture, rng) for picture in walls.values()]
        walls = {name: pictures[i] for name, i in zip(walls, order, strict=True)}
        floor_picture = _recoloured(floor_picture, rng)
    for i, (name, picture) in enumerate(walls.items()):
        left, right = low[i], low[(i + 1) % 4]
        corners = (left, right, (*right[:2], high), (*left[:2], high))
        uv = (2.0 * half / textures.WALL_TILE_M, high / textures.WALL_TILE_M)
        surfaces.append(Surface(name, quad(corners, uv), picture))
    tiles, panels = 2.0 * half / textures.FLOOR_TILE_M, 2.0 * half / textures.WALL_TILE_M
    floor = (low[3], low[2], low[1], low[0])
    surfaces.append(Surface("floor", quad(floor, (tiles, tiles)), floor_picture))
    a, b, c, d = ((x, y, high) for x, y, _ in low)
    surfaces.append(
        Surface("ceiling", quad((a, b, c, d), (panels, panels)), textures.ceiling(), glows=True)
    )
    return surfaces


def _recoloured(picture: textures.Picture, rng: np.random.Generator) -> textures.Picture:
    """The same pattern with red, green and blue exchanged at random."""
    return np.ascontiguousarray(picture[..., rng.permutation(3)])
