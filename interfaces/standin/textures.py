"""Procedural pictures for floor, walls and ceiling: uint8 (64 or 256, same, 3), RGB."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
FLOOR_TILE_M = 8.0  # the floor's picture repeats after this
WALL_TILE_M = 2.0


def floor() -> Picture:
    """Planks and squares of a metre, no two of the same shade: every place looks like itself."""
    rng = np.random.Generator(np.random.PCG64(7))
    squares = np.array([132.0, 112.0, 88.0]) + rng.uniform(-34.0, 34.0, (8, 8, 1))
    squares += rng.uniform(-12.0, 12.0, (8, 8, 3))
    squares *= np.where(np.indices((8, 8)).sum(0) % 2, 0.72, 1.12)[..., None]
    picture = squares.repeat(32, axis=0).repeat(32, axis=1)
    picture += rng.uniform(-9.0, 9.0, (64, 64, 1)).repeat(4, axis=0).repeat(4, axis=1)
    picture[::32], picture[:, ::32] = 48.0, 48.0
    return _picture(picture)


def walls() -> dict[str, Picture]:
    """A wall for each direction: red bricks, blue stripes, green squares, yellow dots."""
    row, column = np.indices((64, 64))
    brick_column = column + 16 * (row // 16 % 2)
    mortar = (row % 16 < 2) | (brick_column % 32 < 2)
    stripes = column // 8 % 2 == 0
    squares = (row // 16 + column // 16) % 2 == 0
    dots = (row % 32 - 16) ** 2 + (column % 32 - 16) ** 2 < 81
    return {
        "north": _two_tone(mortar, (205, 190, 175), (176, 52, 40)),
        "east": _two_tone(stripes, (34, 70, 178), (98, 150, 232)),
        "south": _two_tone(squares, (28, 120, 58), (110, 196, 112)),
        "west": _two_tone(dots, (150, 84, 20), (236, 200, 70)),
    }


def ceiling() -> Picture:
    """Panels with a lamp in each."""
    row, column = np.indices((64, 64))
    lamp = (abs(row - 32) < 8) & (abs(column - 32) < 18)
    edge = (row < 2) | (column < 2)
    panel = np.where(edge, 120.0, 188.0)[..., None] * np.array([0.94, 0.96, 1.0])
    panel[lamp] = 255.0
    return _picture(panel)


def _two_tone(
    mask: NDArray[np.bool_], inside: tuple[int, int, int], outside: tuple[int, int, int]
) -> Picture:
    return _picture(np.where(mask[..., None], np.array(inside), np.array(outside)))


def _picture(values: NDArray[np.floating] | NDArray[np.integer]) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)
