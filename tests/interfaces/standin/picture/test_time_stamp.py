"""The time stamp in a picture can be read after JPEG compression and at half size."""

import cv2
import numpy as np
import pytest

from interfaces.standin.picture.time_stamp import read_time_stamp, write_time_stamp


@pytest.mark.parametrize("width", [64, 128, 320, 500])
def test_the_time_is_read_after_jpeg_and_at_half_size(width: int) -> None:
    rng = np.random.default_rng(0)
    for time_ns in (0, 123_456_789_000, 42_949_672_950_000, 7_777_777_777_770_000):
        picture = rng.integers(0, 255, (96, width, 3), dtype=np.uint8)
        write_time_stamp(picture, time_ns)
        done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        assert done
        decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        assert read_time_stamp(decoded, time_ns + 90_000_000) == time_ns // 10_000 * 10_000
        if width >= 128:
            half = cv2.resize(decoded, (width // 2, 48), interpolation=cv2.INTER_AREA)
            assert read_time_stamp(half, time_ns - 90_000_000) == time_ns // 10_000 * 10_000
