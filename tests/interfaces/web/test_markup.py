"""Times, pictures and escaped names of the playback page."""

import base64

import cv2
import numpy as np
import pytest

from interfaces.web.markup import as_source, bar_rows, clock


def test_names_are_escaped():
    assert "<script>" not in bar_rows("actions", [("<script>", 0.5, 1.0)])


def test_a_picture_is_a_png_in_a_data_url():
    image = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3)
    kind, _, data = as_source(image).partition(",")
    assert kind == "data:image/png;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], image)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.00"), (61.5, "1:01.50"), (7325.25, "2:02:05.25")]
)
def test_times_are_formatted(seconds, text):
    assert clock(seconds) == text
