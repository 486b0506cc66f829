"""Types shared by all video sources."""

from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Crop = tuple[float, float, float, float]  # left, top, right, bottom, as fractions of the picture


class Shot(NamedTuple):
    """A picture, BGR or BGRA uint8 (height, width, 3 or 4), and its capture time in seconds."""

    picture: Frame
    at_s: float


class RepeatedShot(Shot):
    """The picture before this one, which is still the newest. It counts as no new frame."""


class NoVideo(RuntimeError):
    """A source cannot be opened now, but may be available later. The message is for the user."""


class VideoSource(Protocol):
    """A video source that is opened, read and closed in one thread.

    `period_s`: the time from the newest picture to the next, for a source that returns a picture at
    every call. It is 0 for a source whose `read` waits for the next picture.
    """

    @property
    def period_s(self) -> float:
        """Seconds from the newest picture to the next, as the source declares them."""
        ...

    def read(self) -> Shot | None:
        """The next picture; None when the source is lost."""
        ...

    def close(self) -> None:
        """Free the device. Safe to call more than once."""
        ...


def crop_picture(picture: Frame, crop: Crop) -> Frame:
    """The part of the picture inside `crop`, as a view of at least one pixel."""
    rows, columns = picture.shape[:2]
    left, top, right, bottom = crop
    y, x = round(top * rows), round(left * columns)
    return picture[y : max(y + 1, round(bottom * rows)), x : max(x + 1, round(right * columns))]


def as_colour(picture: Any) -> Frame | None:
    """BGR or BGRA uint8 (height, width, 3 or 4) of a picture as drivers give it.

    A grey picture (height, width) or (height, width, 1) gets three equal channels, and 16 bits
    become 8. None for anything else, and for a picture without pixels.
    """
    frame = np.asarray(picture)
    if frame.dtype == np.uint16:
        frame = (frame >> 8).astype(np.uint8)
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or frame.size == 0:
        return None
    if frame.ndim == 2 or frame.shape[2] == 1:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), np.uint8)
    return frame if frame.shape[2] in (3, 4) else None
