"""The camera: real files through OpenCV, newest frame wins, a lost source comes back."""

import time

import cv2
import numpy as np
import pytest

from interfaces.clock import RealClock
from interfaces.vrchat.camera import Camera, prepare


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


@pytest.fixture
def video(awkward_path):
    """Half a second of pure red, in a real file."""
    path = awkward_path / "red.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48))
    assert writer.isOpened()
    for _ in range(15):
        writer.write(np.full((48, 64, 3), (0, 0, 255), np.uint8))  # OpenCV writes BGR
    writer.release()
    return path


def test_a_file_is_played_at_its_pace_again_and_again(video):
    camera = Camera(str(video), 32, 32, RealClock())
    try:
        until(lambda: camera.newest() is not None)
        first = camera.newest()
        assert first.picture.shape == (32, 32, 3)
        assert first.picture[..., 0].mean() > 200, "RGB, not BGR"
        assert first.picture[..., 2].mean() < 50
        until(lambda: camera.newest().number > 20)
        assert camera.newest().at_s > first.at_s
    finally:
        camera.close()


def test_a_source_that_comes_later_is_found(video, tmp_path):
    late = tmp_path / "late.avi"
    camera = Camera(str(late), 32, 32, RealClock())
    try:
        time.sleep(0.3)
        assert camera.newest() is None
        late.write_bytes(video.read_bytes())
        until(lambda: camera.newest() is not None)
    finally:
        camera.close()


@pytest.mark.parametrize(("rows", "columns"), [(48, 64), (64, 48), (64, 64), (33, 97)])
def test_prepare_crops_to_the_middle_and_resizes(rows, columns):
    picture = np.zeros((rows, columns, 3), np.uint8)
    picture[rows // 2 - 4 : rows // 2 + 4, columns // 2 - 4 : columns // 2 + 4] = 255
    seen = prepare(picture, 32, 32)
    assert seen.shape == (32, 32, 3)
    lit = np.argwhere(seen[..., 0] > 100).mean(0)
    np.testing.assert_allclose(lit, [15.5, 15.5], atol=1.0)
