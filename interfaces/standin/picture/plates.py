"""Text above heads: nameplates and what is said, as small pictures."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT_PX = 32
_FONT = cv2.FONT_HERSHEY_DUPLEX


@dataclass(frozen=True, slots=True)
class Plate:
    """picture uint8 (32, width, 3), the width a power of two as textures must have; `aspect` is
    width by height as it should be seen."""

    picture: NDArray[np.uint8]
    aspect: float


@lru_cache(maxsize=256)
def plate(text: str, *, bubble: bool) -> Plate:
    """White on dark for a name, dark on white for what is said. ASCII."""
    (wide, high), _ = cv2.getTextSize(text, _FONT, 0.7, 1)
    picture = np.empty((HEIGHT_PX, wide + 16, 3), np.uint8)
    picture[:] = (250, 250, 250) if bubble else (30, 34, 52)
    colour = (20, 20, 30) if bubble else (240, 240, 250)
    cv2.putText(picture, text, (8, (HEIGHT_PX + high) // 2), _FONT, 0.7, colour, 1, cv2.LINE_AA)
    stretched = cv2.resize(picture, (1 << (wide + 15).bit_length(), HEIGHT_PX))
    return Plate(np.asarray(stretched, np.uint8), picture.shape[1] / HEIGHT_PX)
