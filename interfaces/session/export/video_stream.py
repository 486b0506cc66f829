"""H.264 video streams, written by PyAV."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.session.format.segment_writer import SessionError


def add_video_stream(
    container: Any, width: int, height: int, units_per_s: int, gop: int = 20
) -> Any:
    """An H.264 stream with time stamps in 1 / units_per_s seconds and a key frame every `gop`."""
    stream = container.add_stream("libx264", rate=units_per_s)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = Fraction(1, units_per_s)
    stream.codec_context.time_base = Fraction(1, units_per_s)
    stream.codec_context.gop_size = gop
    stream.options = {"crf": "18", "preset": "veryfast"}
    return stream


def av_module() -> Any:
    """The module of PyAV. Raises SessionError if it is not installed."""
    try:
        import av
    except ImportError as error:
        raise SessionError(
            f'{error}; python -m pip install -e ".[export]" -c constraints.txt'
        ) from error
    return av


def crop_to_even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop the last row or column (H, W, C) where needed: H.264 needs even sides."""
    height, width, _ = picture.shape
    return np.ascontiguousarray(picture[: height - height % 2, : width - width % 2])
