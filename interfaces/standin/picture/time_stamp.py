"""The time a picture was drawn, in a strip of pixels on its top: photon to packet can be measured.

32 blocks, black or white, most significant first: units of 10 µs of time.perf_counter, which all
processes of a machine share, modulo 2^32 (twelve hours).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BITS = 32
UNIT_NS = 10_000


def stamp(picture: NDArray[np.uint8], time_ns: int) -> None:
    """Write the time into the top rows of uint8 (H, W, 3), W at least 64."""
    width = picture.shape[1]
    bits = (
        np.uint64(time_ns // UNIT_NS % 2**BITS) >> np.arange(BITS - 1, -1, -1).astype(np.uint64)
    ) & 1
    column = np.arange(width) * BITS // width
    picture[: _rows(width)] = (bits[column] * 255).astype(np.uint8)[None, :, None]


def read_stamp(picture: NDArray[np.uint8], near_ns: int) -> int:
    """The time in nanoseconds, the one nearest to `near_ns`. Survives JPEG and halving."""
    width = picture.shape[1]
    strip = picture[: max(1, _rows(width) - 1)].astype(np.float32).mean((0, 2))
    edges = np.arange(BITS + 1) * width // BITS
    light = [float(strip[a:b].mean()) for a, b in pairwise(edges)]
    units = 0
    for value in light:
        units = units << 1 | (value > 127.0)
    turn = 2**BITS * UNIT_NS
    return round((near_ns - units * UNIT_NS) / turn) * turn + units * UNIT_NS


def _rows(width: int) -> int:
    return max(2, width // BITS)
