"""Meshes with the light in their colours: boxes, spheres, cones, cylinders. NumPy only.

Metres; x to the east, y to the north, z up (Panda3D's axes). One light comes from above and from
the south-west, so the faces of a thing differ in brightness.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from interfaces.standin.geometry.landmarks import Landmark
from interfaces.standin.geometry.solids import Box, Colour

Floats = NDArray[np.float32]
Vector = tuple[float, float, float]
_LIGHT = np.array([-0.45, -0.30, 0.84], np.float32)
_AMBIENT = 0.62
_WHITE: Colour = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles: corners (num_triangles, 3, 3), counter-clockwise seen from outside.

    colours (num_triangles, 3, 3), 0..1, one for each corner; texture_uv (num_triangles, 3, 2).
    """

    corners: Floats
    colours: Floats
    texture_uv: Floats


def join(*meshes: Mesh) -> Mesh:
    """One mesh with all triangles, in order."""
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate([mesh.colours for mesh in meshes]),
        np.concatenate([mesh.texture_uv for mesh in meshes]),
    )


def quad(
    corners: tuple[Vector, Vector, Vector, Vector],
    uv_size: tuple[float, float],
    colour: Colour = _WHITE,
) -> Mesh:
    """A textured rectangle of one brightness; corners counter-clockwise seen from outside."""
    points = np.asarray(corners, np.float32)
    u, v = uv_size
    uv = np.asarray([(0, 0), (u, 0), (u, v), (0, v)], np.float32)
    order = [(0, 1, 2), (0, 2, 3)]
    colours = np.broadcast_to(np.asarray(colour, np.float32), (2, 3, 3)).copy()
    return Mesh(points[order], colours, uv[order])


def block(
    solid: Box,
    low: float,
    high: float,
    tile_m: float,
    colour: Colour = _WHITE,
    *,
    topped: bool = True,
) -> Mesh:
    """A textured box from height `low` to `high`; the texture repeats after `tile_m`.

    Without `topped` it has no upper face, because it reaches a ceiling.
    """
    (x, z), (half_x, half_z) = (solid.x, solid.z), solid.reach
    corners = [(-half_x, half_z), (half_x, half_z), (half_x, -half_z), (-half_x, -half_z)]
    faces: list[Mesh] = []
    for i, shade in enumerate((0.80, 0.72, 1.0, 0.92)):  # north, east, south, west
        (ax, az), (bx, bz) = corners[i], corners[(i + 1) % 4]
        wide = math.hypot(bx - ax, bz - az)
        a, b = (x + bx, z + bz), (x + ax, z + az)
        face = ((*a, low), (*b, low), (*b, high), (*a, high))
        uv = (wide / tile_m, (high - low) / tile_m)
        faces.append(quad(face, uv, _shaded(colour, shade)))
    if not topped:
        return join(*faces)
    a, b, c, d = ((x + cx, z + cz, high) for cx, cz in reversed(corners))
    faces.append(quad((a, b, c, d), (2 * half_x / tile_m, 2 * half_z / tile_m), colour))
    return join(*faces)


def terrain_meshes(
    half: float,
    cells: int,
    pieces: int,
    height: Callable[[float, float], float],
    tile_m: float,
) -> list[Mesh]:
    """Textured white ground over -half..half that follows `height`, lit by its slope.

    cells x cells squares in pieces x pieces meshes; `cells` is a multiple of `pieces`.
    """
    line = np.linspace(-half, half, cells + 1)
    grid = np.array([[(x, y, height(float(x), float(y))) for x in line] for y in line], np.float32)
    meshes: list[Mesh] = []
    wide = cells // pieces
    for i in range(0, cells, wide):
        for j in range(0, cells, wide):
            part = grid[i : i + wide + 1, j : j + wide + 1]
            a, b, c, d = part[:-1, :-1], part[:-1, 1:], part[1:, 1:], part[1:, :-1]
            corners = np.concatenate(
                [np.stack(each, axis=-2).reshape(-1, 3, 3) for each in ((a, b, c), (a, c, d))]
            )
            lit = _lit(corners, (0.0, 0.0, 0.0), _WHITE)
            uv = lit.corners[..., :2] / np.float32(tile_m)
            meshes.append(Mesh(lit.corners, lit.colours, uv))
    return meshes


def _shaded(colour: Colour, shade: float) -> Colour:
    return colour[0] * shade, colour[1] * shade, colour[2] * shade


def box(centre: Vector, size: Vector, colour: Colour, top: float = 1.0) -> Mesh:
    """A box. `top` scales its upper face (0: a pyramid). `centre` is that of its lower face."""
    signs = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    low = [(0.5 * sx * size[0], 0.5 * sy * size[1], 0.0) for sx, sy in signs]
    high = [(x * top, y * top, size[2]) for x, y, _ in low]
    faces = [(*reversed(low),), tuple(high)]
    faces += [(low[i], low[(i + 1) % 4], high[(i + 1) % 4], high[i]) for i in range(4)]
    triangles = [(face[0], face[i], face[i + 1]) for face in faces for i in (1, 2)]
    return _lit(np.asarray(triangles, np.float32), centre, colour)


def revolve(
    profile: list[tuple[float, float]],
    centre: Vector,
    colour: Colour,
    sides: int = 14,
    *,
    smooth: bool = False,
) -> Mesh:
    """A solid of revolution: (radius, height) points, from below upwards, around the vertical axis.

    Shading is smooth around the axis, and along the profile too if `smooth`.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, sides + 1)
    around = np.stack([np.cos(angles), np.sin(angles), np.zeros(sides + 1)], axis=1)
    around[-1] = around[0]  # exactly equal, so that the seam closes
    up = np.array([0.0, 0.0, 1.0])
    slopes = [
        np.array([h1 - h0, r0 - r1]) / max(1e-9, np.hypot(h1 - h0, r0 - r1))
        for (r0, h0), (r1, h1) in pairwise(profile)
    ]
    parts: list[Mesh] = []
    for k, ((r0, h0), (r1, h1)) in enumerate(pairwise(profile)):
        low, high = r0 * around + h0 * up, r1 * around + h1 * up
        before = slopes[k - 1] if smooth and k else slopes[k]
        after = slopes[k + 1] if smooth and k + 1 < len(slopes) else slopes[k]
        low_normal, high_normal = (
            turned[0] * around + turned[1] * up
            for turned in (before + slopes[k], after + slopes[k])
        )
        corners, normals = (
            np.concatenate(
                [
                    np.stack([a[:-1], a[1:], b[1:]], axis=1),
                    np.stack([a[:-1], b[1:], b[:-1]], axis=1),
                ]
            ).astype(np.float32)
            for a, b in ((low, high), (low_normal, high_normal))
        )
        parts.append(_lit(corners, centre, colour, normals))
    return join(*parts)


def sphere(centre: Vector, radius: float, colour: Colour, sides: int = 12, rings: int = 8) -> Mesh:
    """A sphere; `centre` is its own centre."""
    angles = np.linspace(-0.5 * np.pi, 0.5 * np.pi, rings + 1)
    profile = [(radius * float(np.cos(a)), radius * float(np.sin(a))) for a in angles]
    return revolve(profile, centre, colour, sides, smooth=True)


def landmark_mesh(mark: Landmark) -> Mesh:
    """The mesh of a landmark, by its kind."""
    at, half, high, colour = (mark.x, mark.z, 0.0), mark.half, mark.height, mark.colour
    if mark.kind == "arch":
        post, reach = mark.post, half - 0.5 * mark.post
        sides = [
            box((mark.x + side * reach, mark.z, 0.0), (post, post, high - post), colour)
            for side in (-1.0, 1.0)
        ]
        lintel = box((mark.x, mark.z, high - post), (2 * half, post, post), colour)
        return join(*sides, lintel)
    if mark.kind == "sphere":
        return sphere((mark.x, mark.z, half), half, colour)
    if mark.kind == "cone":
        return revolve([(half, 0.0), (0.5 * half, 0.5 * high), (0.0, high)], at, colour)
    if mark.kind == "cylinder":
        return revolve([(half, 0.0), (half, high), (0.0, high)], at, colour)
    top = 0.0 if mark.kind == "pyramid" else 1.0
    return box(at, (2 * half, 2 * half, high), colour, top)


def _double_area(corners: Floats) -> Floats:
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.linalg.norm(normal, axis=1)


def _lit(corners: Floats, centre: Vector, colour: Colour, normals: Floats | None = None) -> Mesh:
    """Light the triangles; those without area are dropped.

    normals (num_triangles, 3, 3) at the corners; None gives flat faces.
    """
    has_area = _double_area(corners) > 1e-9
    corners = corners[has_area]
    if normals is None:
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, None]
    else:
        normal = normals[has_area]
    normal = normal / np.maximum(1e-9, np.linalg.norm(normal, axis=-1, keepdims=True))
    light = _AMBIENT + (1.0 - _AMBIENT) * (normal @ _LIGHT)
    colours = light[..., None] * np.asarray(colour, np.float32)
    return Mesh(
        corners + np.asarray(centre, np.float32),
        np.broadcast_to(np.clip(colours, 0.0, 1.0), corners.shape).astype(np.float32),
        np.zeros((*corners.shape[:2], 2), np.float32),
    )
