"""Procedural textures: uint8 (height, width, 3), RGB; sizes are powers of two."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
FLOOR_TILE_M = 8.0  # the texture of the floor repeats after this length
WALL_TILE_M = 2.0
SKY = (150, 196, 238)


def floor() -> Picture:
    """Squares of a metre, each in another shade, so that every spot looks different."""
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
        "north": _two_colours(mortar, (205, 190, 175), (176, 52, 40)),
        "east": _two_colours(stripes, (34, 70, 178), (98, 150, 232)),
        "south": _two_colours(squares, (28, 120, 58), (110, 196, 112)),
        "west": _two_colours(dots, (150, 84, 20), (236, 200, 70)),
    }


def ceiling() -> Picture:
    """Panels with a lamp in each."""
    row, column = np.indices((64, 64))
    lamp = (abs(row - 32) < 8) & (abs(column - 32) < 18)
    edge = (row < 2) | (column < 2)
    panel = np.where(edge, 120.0, 188.0)[..., None] * np.array([0.94, 0.96, 1.0])
    panel[lamp] = 255.0
    return _picture(panel)


def _two_colours(
    mask: NDArray[np.bool_], inside: tuple[int, int, int], outside: tuple[int, int, int]
) -> Picture:
    return _picture(np.where(mask[..., None], np.array(inside), np.array(outside)))


def _picture(values: NDArray[np.floating] | NDArray[np.integer]) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)


def plaster() -> Picture:
    """White with a dark line at the bottom. The mesh gives the colour of the wall."""
    rng = np.random.Generator(np.random.PCG64(8))
    picture = 225.0 + rng.uniform(-14.0, 14.0, (16, 16, 1)).repeat(4, axis=0).repeat(4, axis=1)
    picture = picture.repeat(3, axis=2)
    picture[-5:] = 90.0
    picture[::32, :] -= 25.0
    return _picture(picture)


def tiles() -> Picture:
    """Grey square tiles."""
    row, column = np.indices((64, 64))
    light = np.where((row // 16 + column // 16) % 2 == 0, 205.0, 150.0)
    light[::16], light[:, ::16] = 95.0, 95.0
    return _picture(light[..., None].repeat(3, axis=2))


def painting(seed: int) -> Picture:
    """Flat shapes in a frame. Each seed gives another painting."""
    rng = np.random.Generator(np.random.PCG64(seed))
    row, column = np.indices((64, 64))
    picture = np.empty((64, 64, 3))
    picture[:] = rng.uniform(40, 255, 3)
    for _ in range(5):
        x, y, size = rng.uniform(8, 56), rng.uniform(8, 56), rng.uniform(6, 22)
        round_one = (row - y) ** 2 + (column - x) ** 2 < size**2
        square = (abs(row - y) < size) & (abs(column - x) < 0.7 * size)
        picture[round_one if rng.random() < 0.5 else square] = rng.uniform(20, 255, 3)
    frame = (row < 4) | (row > 59) | (column < 4) | (column > 59)
    picture[frame] = (70, 50, 30)
    return _picture(picture)


def paving() -> Picture:
    """Paving stones."""
    rng = np.random.Generator(np.random.PCG64(9))
    stones = rng.uniform(125.0, 185.0, (8, 8, 1)) * np.array([1.0, 0.97, 0.92])
    picture = stones.repeat(16, axis=0).repeat(16, axis=1)
    picture[::16], picture[:, ::16] = 92.0, 92.0
    return _picture(picture)


def gravel() -> Picture:
    """Gravel."""
    rng = np.random.Generator(np.random.PCG64(10))
    return _picture(rng.uniform(120, 190, (64, 64, 1)) * np.array([1.0, 0.93, 0.8]))


def grass() -> Picture:
    """Grass mown in squares, with flowers."""
    rng = np.random.Generator(np.random.PCG64(11))
    squares = np.where(np.indices((4, 4)).sum(0) % 2, 0.85, 1.08)[..., None]
    picture = np.array([96.0, 158.0, 66.0]) * squares.repeat(32, axis=0).repeat(32, axis=1)
    picture += rng.uniform(-22.0, 22.0, (64, 64, 1)).repeat(2, axis=0).repeat(2, axis=1)
    for colour in ((240, 220, 80), (240, 240, 250), (220, 90, 130)):
        y, x = rng.integers(0, 127, (2, 10))
        picture[y, x] = colour
        picture[y + 1, x] = colour
    return _picture(picture)


def hedge() -> Picture:
    """Leaves of a hedge."""
    rng = np.random.Generator(np.random.PCG64(12))
    leaves = rng.uniform(0.55, 1.15, (32, 32, 1)).repeat(2, axis=0).repeat(2, axis=1)
    return _picture(leaves * np.array([70.0, 135.0, 58.0]))


def facade() -> Picture:
    """One storey of a house, with two windows."""
    row, column = np.indices((64, 64))
    picture = np.empty((64, 64, 3))
    picture[:] = (222, 214, 204)
    window = (abs(row - 24) < 13) & (abs((column % 32) - 16) < 8)
    cross = window & ((row == 24) | (column % 32 == 16))
    picture[window] = (84, 104, 130)
    picture[cross | (window & (abs(row - 24) == 12))] = (245, 245, 240)
    picture[:3] = (150, 130, 115)
    return _picture(picture)


def skyline(seed: int) -> Picture:
    """The whole horizon: hills, houses and a tower, so that each direction looks different."""
    rng = np.random.Generator(np.random.PCG64([seed, 15]))
    high, wide = 64, 512
    picture = np.empty((high, wide, 3))
    picture[:] = SKY
    row = np.arange(high)[:, None]
    angle = np.linspace(0.0, 2.0 * np.pi, wide, endpoint=False)
    for level, tint in ((24, (128, 158, 180)), (15, (96, 136, 108))):
        ridge = np.full(wide, float(level))
        for k in (2, 3, 5, 8):
            ridge += rng.uniform(1.0, 14.0 / k) * np.sin(k * angle + rng.uniform(0, 6.3))
        picture[row > high - ridge[None]] = tint
    for _ in range(14):
        at, broad, tall = (
            int(rng.integers(wide - 24)),
            int(rng.integers(6, 20)),
            rng.integers(8, 26),
        )
        picture[high - int(tall) :, at : at + broad] = rng.uniform(90, 190, 3)
    at = int(rng.integers(wide - 8))
    picture[high - 52 :, at : at + 6] = (200, 60, 50)
    return _picture(picture)
