"""The camera: real files through OpenCV, newest frame wins, a lost source comes back."""

import time

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from configs.devices import CameraConfig
from configs.errors import BadInput
from interfaces.core.clock import RealClock
from interfaces.devices import screen_capture as screen
from interfaces.devices.camera import Camera, prepare
from interfaces.devices.camera_names import index_of
from interfaces.devices.video_source import check_video, kind_of

SMALL = CameraConfig(width=32, height=32)


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
    camera = Camera(str(video), SMALL, RealClock())
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
    camera = Camera(str(late), SMALL, RealClock())
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


def test_a_crop_shows_its_part_only(awkward_path):
    path = awkward_path / "halves.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48))
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 32:] = 255
    for _ in range(15):
        writer.write(picture)
    writer.release()
    camera = Camera(str(path), SMALL.model_copy(update={"crop": (0.6, 0.0, 1.0, 1.0)}), RealClock())
    try:
        until(lambda: camera.newest() is not None)
        assert camera.newest().picture.min() > 200
    finally:
        camera.close()


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (0, "index"),
        ("OBS Virtual Camera", "name"),
        ("http://127.0.0.1:8080/camera.mjpg", "url"),
        ("rtsp://10.0.0.2/live", "url"),
        ("life.mp4", "file"),
        ("records/life.MP4", "file"),
        ("USB2.0 HD UVC WebCam", "name"),
        ("Integrated Camera v1.2", "name"),
        ("HDMI/USB 3.0 Capture", "name"),
        (r"C:\lives\life.mkv", "file"),
        ("screen", "screen"),
        ("screen:0,0,640x480", "screen"),
        ("window:VRChat", "window"),
    ],
)
def test_what_a_source_is(source, kind):
    assert kind_of(source) == kind


def test_what_is_there_is_a_file_however_it_is_called(awkward_path, monkeypatch):
    (awkward_path / "life").touch()
    monkeypatch.chdir(awkward_path)
    assert kind_of("life") == kind_of(str(awkward_path / "life")) == "file"


@pytest.mark.parametrize(
    "source", [-1, "", "screen:", "screen:0,0,0x480", "screen:0,0,640", "screen:2", "window:"]
)
def test_a_source_that_cannot_be_is_refused(source):
    with pytest.raises(ValidationError, match=r"source"):
        CameraConfig(source=source)


def test_a_camera_is_found_by_a_part_of_its_name():
    names = {0: "HD Webcam", 2: "OBS Virtual Camera", 4: "OBS Virtual Camera 2"}
    assert index_of("webcam", names) == 0
    assert index_of("obs virtual camera", names) == 2, "the whole name counts for more"
    with pytest.raises(LookupError, match=r"2 cameras are called OBS .*0 HD Webcam"):
        index_of("OBS", names)
    with pytest.raises(LookupError, match=r"no camera is called Elgato .*2 OBS"):
        index_of("Elgato", names)


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"no such file"):
        check_video(str(tmp_path / "none.mp4"))


def test_a_screen_without_its_package_is_bad_input(monkeypatch):
    monkeypatch.setattr(screen, "_has", lambda package: False)
    with pytest.raises(BadInput, match=r"the package mss is missing: pip install"):
        check_video("screen")
