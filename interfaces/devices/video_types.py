"""Types shared by all video sources."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Crop = tuple[float, float, float, float]  # left, top, right, bottom, as fractions of the picture


class Shot(NamedTuple):
    """A picture, BGR or BGRA uint8 (height, width, 3 or 4), and its capture time in seconds."""

    picture: Frame
    at_s: float


class NoVideo(RuntimeError):
    """A source cannot be opened now, but may be available later. The message is for the user."""


class VideoSource(Protocol):
    """A video source that is opened, read and closed in one thread.

    `period_s`: the time between two pictures, for a source that returns a picture at every call.
    It is 0 for a source whose `read` waits for the next picture.
    """

    @property
    def period_s(self) -> float:
        """Seconds between two pictures, as the source declares them."""
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
