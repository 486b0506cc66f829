"""Puts the picture and the minimap on one canvas that fills a window."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3), RGB

_BACKGROUND = (12, 14, 20)
_FRAME = (126, 138, 160)
_GAP_PX = 10
_MIN_STRIP_PX = 148  # with a narrower strip beside the picture, the map lies on the picture
_CORNER_SHARE = 0.42  # largest map on the picture, as a share of the picture's shorter side


def compose(picture: Picture, minimap: Picture | None, width: int, height: int) -> Picture:
    """Both on one canvas (height, width, 3), with the picture as large as its shape allows.

    The map lies beside the picture if there is room, else on its upper right corner. It is never
    enlarged.
    """
    canvas = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(canvas, (0, 0), (width, height), _BACKGROUND, cv2.FILLED)
    picture_height, picture_width = picture.shape[:2]
    scale = min(width / picture_width, height / picture_height)
    shown_width = max(1, round(picture_width * scale))
    shown_height = max(1, round(picture_height * scale))
    strip = width - shown_width
    beside = minimap is not None and strip >= _MIN_STRIP_PX
    left, top = 0 if beside else strip // 2, (height - shown_height) // 2
    shown = _scaled(picture, shown_width, shown_height)
    canvas[top : top + shown_height, left : left + shown_width] = shown
    if minimap is None:
        return canvas
    if beside:
        side = min(len(minimap), strip - 2 * _GAP_PX, height - 2 * _GAP_PX)
        x, y = shown_width + (strip - side) // 2, _GAP_PX
    else:
        side = min(len(minimap), int(_CORNER_SHARE * min(shown_width, shown_height)))
        x, y = left + shown_width - side - _GAP_PX, top + _GAP_PX
    if side > 0 and x > 0 and y + side < height:
        cv2.rectangle(canvas, (x - 1, y - 1), (x + side, y + side), _FRAME)
        canvas[y : y + side, x : x + side] = _scaled(minimap, side, side)
    return canvas


def _scaled(picture: Picture, width: int, height: int) -> Picture:
    """Shrink by area means. Enlarge to squares; but linearly if squares would look uneven."""
    scale = width / picture.shape[1]
    whole = width % picture.shape[1] == 0 and height % picture.shape[0] == 0
    larger = cv2.INTER_NEAREST if whole or scale > 2.0 else cv2.INTER_LINEAR
    kind = larger if scale >= 1.0 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (width, height), interpolation=kind), np.uint8)
