"""A time stamp in the pixels: a strip at the top of a picture holds the time it was drawn.

With it, the latency from picture to action can be measured. The strip has 32 black or white blocks,
the most significant bit first. They count units of 10 µs of time.perf_counter, which all processes
of a machine share, modulo 2^32 (twelve hours).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BITS = 32
UNIT_NS = 10_000


def write_time_stamp(picture: NDArray[np.uint8], time_ns: int) -> None:
    """Write the time into the top rows of `picture`, uint8 (H, W, 3) with W at least 64."""
    width = picture.shape[1]
    bits = (
        np.uint64(time_ns // UNIT_NS % 2**BITS) >> np.arange(BITS - 1, -1, -1).astype(np.uint64)
    ) & 1
    column = np.arange(width) * BITS // width
    picture[: _rows(width)] = (bits[column] * 255).astype(np.uint8)[None, :, None]


def read_time_stamp(picture: NDArray[np.uint8], near_ns: int) -> int:
    """The time in nanoseconds that is nearest to `near_ns`. Works after JPEG and half size."""
    width = picture.shape[1]
    strip = picture[: max(1, _rows(width) - 1)].astype(np.float32).mean((0, 2))
    edges = np.arange(BITS + 1) * width // BITS
    brightness = [float(strip[a:b].mean()) for a, b in pairwise(edges)]
    units = 0
    for value in brightness:
        units = units << 1 | (value > 127.0)
    cycle = 2**BITS * UNIT_NS
    return round((near_ns - units * UNIT_NS) / cycle) * cycle + units * UNIT_NS


def _rows(width: int) -> int:
    return max(2, width // BITS)
