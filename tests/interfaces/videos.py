"""Videos whose frames have chosen times, as phones, browsers and screen recorders write them."""

from fractions import Fraction

import numpy as np
import pytest


def write_video(path, times_ms, *, codec="mpeg4", pixels="yuv420p", size=(64, 48), level=None):
    """Frame k is grey with the value level(k), by default 4 k."""
    av = pytest.importorskip("av")
    level = level or (lambda k: 4 * k)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=30)
        (stream.width, stream.height), stream.pix_fmt = size, pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for k, ms in enumerate(times_ms):
            picture = np.full((size[1], size[0], 3), level(k), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = ms, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def turned_right(content):
    """The bytes of an MP4 file with the display matrix of a phone that was held upright."""
    matrix = b"".join(v.to_bytes(4, "big", signed=True) for v in (65536, 0, 0, 0, 65536, 0, 0, 0))
    turned = (0, 65536, 0, -65536, 0, 0, 48 * 65536, 0)
    assert content.count(matrix) == 2, "in the header of the movie and in that of the track"
    at = content.rindex(matrix)
    new = b"".join(v.to_bytes(4, "big", signed=True) for v in turned)
    return content[:at] + new + content[at + len(matrix) :]
