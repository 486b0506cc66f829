"""The horizon: a ring of hills and houses, different in each direction to give orientation."""

import math

import numpy as np

from interfaces.standin.geometry import textures
from interfaces.standin.geometry.meshes import Mesh, join, quad
from interfaces.standin.places.place import Surface

_SIDES = 16


def skyline(seed: int, radius_m: float) -> Surface:
    """A ring of `radius_m` around the place, visible from inside."""
    high, low = 0.22 * radius_m, -0.05 * radius_m
    meshes: list[Mesh] = []
    for i in range(_SIDES):
        (ax, ay), (bx, by) = (
            (radius_m * math.sin(angle), radius_m * math.cos(angle))
            for angle in (2 * math.pi * k / _SIDES for k in (i, i + 1))
        )
        mesh = quad(
            ((ax, ay, low), (bx, by, low), (bx, by, high), (ax, ay, high)), (1.0 / _SIDES, 1.0)
        )
        mesh.texture_uv[..., 0] += np.float32(i / _SIDES)
        # Textures repeat: without a margin the top edge would show a line of the bottom edge.
        mesh.texture_uv[..., 1] = 0.02 + 0.96 * mesh.texture_uv[..., 1]
        meshes.append(mesh)
    return Surface("skyline", join(*meshes), textures.skyline(seed))
