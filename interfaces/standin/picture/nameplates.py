"""Text above heads, nameplates and speech bubbles, as small pictures."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT_PX = 32
_FONT = cv2.FONT_HERSHEY_DUPLEX


@dataclass(frozen=True, slots=True)
class Plate:
    """picture uint8 (height, width, 3), both powers of two, as textures require.

    `aspect`: displayed width divided by height.
    """

    picture: NDArray[np.uint8]
    aspect: float


@lru_cache(maxsize=256)
def plate(text: str, *, bubble: bool) -> Plate:
    """White on dark for a name, dark on white for a bubble; one row per line. ASCII."""
    lines = text.split("\n")
    sizes = [cv2.getTextSize(line, _FONT, 0.7, 1)[0] for line in lines]
    wide, tall = max(size[0] for size in sizes), HEIGHT_PX * len(lines)
    picture = np.empty((tall, wide + 16, 3), np.uint8)
    picture[:] = (250, 250, 250) if bubble else (30, 34, 52)
    colour = (20, 20, 30) if bubble else (240, 240, 250)
    for i, (line, (_, high)) in enumerate(zip(lines, sizes, strict=True)):
        at = (8, HEIGHT_PX * i + (HEIGHT_PX + high) // 2)
        cv2.putText(picture, line, at, _FONT, 0.7, colour, 1, cv2.LINE_AA)
    textured = (1 << (wide + 15).bit_length(), 1 << (tall - 1).bit_length())
    stretched = cv2.resize(picture, textured)
    return Plate(np.asarray(stretched, np.uint8), picture.shape[1] / tall)
