"""The gallery: nine rooms with doors between them, an exhibit in each, pictures on the walls.

The agent can learn here where each door leads. The seed selects colours, exhibits, pictures and
doors. Every room can be reached.
"""

import colorsys
from dataclasses import replace

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.landmarks import COLOURS, SHAPES, Landmark
from interfaces.standin.geometry.meshes import Mesh, block, join, landmark_mesh, quad
from interfaces.standin.geometry.solids import Box, Colour, Solid, Solids
from interfaces.standin.places.passages import carve
from interfaces.standin.places.place import Place, Surface, separate_surfaces

ROOMS = 3  # per row
ROOM_M = 5.0
DOOR_M = 1.5
WALL_HEIGHT_M = 3.0
DOOR_HEIGHT_M = 2.2
_THICK_M = 0.1  # half the thickness of a wall


def gallery(version: int, seed: int) -> Place:
    """The same seed makes the same gallery."""
    rng = np.random.Generator(np.random.PCG64([seed, 11]))
    half = 0.5 * ROOMS * ROOM_M
    open_pairs = carve(ROOMS, rng, extra=3)
    colours = _room_colours(rng)
    solids: list[Solid] = []
    overhead: list[Solid] = []
    walls: list[Mesh] = []
    for a, b in _neighbours():
        for wall in _wall_between(a, b, (a, b) in open_pairs):
            low = DOOR_HEIGHT_M if wall.name == "lintel" else 0.0
            walls.append(block(wall, low, WALL_HEIGHT_M, WALL_HEIGHT_M, topped=False))
            if wall.name != "lintel":
                solids.append(wall)
            else:
                overhead.append(replace(wall, bottom=low, top=WALL_HEIGHT_M))
    exhibits = _exhibits(rng)
    for exhibit in exhibits:
        solids += exhibit.solids()
        overhead += exhibit.overhead()
    return Place(
        name="gallery",
        version=version,
        ground=Solids(half, solids),
        surfaces=(
            *_floors(colours),
            Surface("ceiling", _ceiling(half), textures.ceiling(), glows=True),
            *_outer_walls(half, colours),
            *separate_surfaces("inner wall", walls, textures.plaster()),
            *_pictures(half, rng),
            *separate_surfaces("exhibit", map(landmark_mesh, exhibits)),
        ),
        people=2,
        landmarks=exhibits,
        out_of_reach=tuple(overhead),
        ceiling_m=WALL_HEIGHT_M,
        phrases=("Which one do you like?", "So many rooms", "I was here before", "Look at that!"),
    )


def _centre(room: tuple[int, int]) -> tuple[float, float]:
    middle = 0.5 * (ROOMS - 1)
    return (room[0] - middle) * ROOM_M, (room[1] - middle) * ROOM_M


def _neighbours() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    east = [((i, j), (i + 1, j)) for i in range(ROOMS - 1) for j in range(ROOMS)]
    north = [((i, j), (i, j + 1)) for i in range(ROOMS) for j in range(ROOMS - 1)]
    return east + north


def _wall_between(a: tuple[int, int], b: tuple[int, int], door: bool) -> list[Box]:
    (ax, az), (bx, bz) = _centre(a), _centre(b)
    x, z, along_x = 0.5 * (ax + bx), 0.5 * (az + bz), a[0] == b[0]

    def piece(name: str, offset: float, half: float) -> Box:
        if along_x:
            return Box(name, x + offset, z, half, _THICK_M)
        return Box(name, x, z + offset, _THICK_M, half)

    if not door:
        return [piece("wall", 0.0, 0.5 * ROOM_M)]
    side = 0.5 * (ROOM_M - DOOR_M)
    reach = 0.5 * (DOOR_M + side)
    return [
        piece("wall", -reach, 0.5 * side),
        piece("wall", reach, 0.5 * side),
        piece("lintel", 0.0, 0.5 * DOOR_M),
    ]


def _room_colours(rng: np.random.Generator) -> dict[tuple[int, int], Colour]:
    hues = rng.permutation(ROOMS * ROOMS) / (ROOMS * ROOMS)
    return {
        (i, j): colorsys.hsv_to_rgb(float(hues[i * ROOMS + j]), 0.55, 1.0)
        for i in range(ROOMS)
        for j in range(ROOMS)
    }


def _floors(colours: dict[tuple[int, int], Colour]) -> list[Surface]:
    meshes: list[Mesh] = []
    for room, colour in colours.items():
        (x, z), half = _centre(room), 0.5 * ROOM_M
        corners = (
            (x - half, z - half, 0.0),
            (x + half, z - half, 0.0),
            (x + half, z + half, 0.0),
            (x - half, z + half, 0.0),
        )
        meshes.append(quad(corners, (ROOM_M / 2.0, ROOM_M / 2.0), colour))
    return [Surface("floors", join(*meshes), textures.tiles())]


def _ceiling(half: float) -> Mesh:
    panels, high = 2.0 * half / textures.WALL_TILE_M, WALL_HEIGHT_M
    corners = ((-half, half, high), (half, half, high), (half, -half, high), (-half, -half, high))
    return quad(corners, (panels, panels))


def _outer_walls(half: float, colours: dict[tuple[int, int], Colour]) -> list[Surface]:
    meshes: list[Mesh] = []
    last = ROOMS - 1
    for k in range(ROOMS):
        middle, reach = _centre((k, k))[0], 0.5 * ROOM_M
        a, b = middle - reach, middle + reach
        for room, left, right in (
            ((k, last), (a, half), (b, half)),
            ((last, k), (half, b), (half, a)),
            ((k, 0), (b, -half), (a, -half)),
            ((0, k), (-half, a), (-half, b)),
        ):
            corners = (
                (*left, 0.0),
                (*right, 0.0),
                (*right, WALL_HEIGHT_M),
                (*left, WALL_HEIGHT_M),
            )
            uv = (ROOM_M / WALL_HEIGHT_M, 1.0)
            meshes.append(quad(corners, uv, colours[room]))
    return [Surface("outer walls", join(*meshes), textures.plaster())]


def _pictures(half: float, rng: np.random.Generator) -> list[Surface]:
    """One for each room's part of an outer wall, all different."""
    pictures: list[Surface] = []
    high, low, wide, off = 2.1, 1.0, 0.9, half - 0.02
    for k in range(ROOMS):
        at = _centre((k, k))[0]
        for i, (left, right) in enumerate(
            (
                ((at - wide, off), (at + wide, off)),
                ((off, at + wide), (off, at - wide)),
                ((at + wide, -off), (at - wide, -off)),
                ((-off, at - wide), (-off, at + wide)),
            )
        ):
            corners = ((*left, low), (*right, low), (*right, high), (*left, high))
            picture = textures.painting(int(rng.integers(2**31)))
            pictures.append(Surface(f"picture {k}{i}", quad(corners, (1.0, 1.0)), picture))
    return pictures


def _exhibits(rng: np.random.Generator) -> tuple[Landmark, ...]:
    kinds = list(SHAPES)
    pairs = rng.permutation(len(kinds) * len(COLOURS))[: ROOMS * ROOMS]
    exhibits: list[Landmark] = []
    for n, pair in enumerate(pairs):
        kind, colour = kinds[int(pair) % len(kinds)], COLOURS[int(pair) // len(kinds)]
        x, z = _centre((n // ROOMS, n % ROOMS))
        half, height = SHAPES[kind]
        shift_x, shift_z = (float(rng.uniform(-0.6, 0.6)) for _ in range(2))
        exhibits.append(Landmark(kind, x + shift_x, z + shift_z, half, height, colour))
    return tuple(exhibits)
