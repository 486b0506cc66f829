"""The camera with real files: it keeps the newest frame and reopens a lost source."""

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from configs.devices import CameraConfig
from configs.errors import BadInput
from interfaces.core.clock import RealClock
from interfaces.devices import screen_capture
from interfaces.devices.camera import Camera, crop_and_resize
from interfaces.devices.camera_names import index_of
from interfaces.devices.video_source import check_video, source_kind
from tests.polling import holds_for, wait_until

SMALL = CameraConfig(width=32, height=32)


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


def test_file_is_played_in_a_loop_as_rgb(video):
    camera = Camera(str(video), SMALL, RealClock())
    try:
        first = wait_until(camera.newest, "a frame")
        assert first.picture.shape == (32, 32, 3)
        assert first.picture[..., 0].mean() > 200, "RGB, not BGR"
        assert first.picture[..., 2].mean() < 50
        wait_until(lambda: camera.newest().number > 20, "20 frames")
        assert camera.newest().at_s > first.at_s
    finally:
        camera.close()


def test_source_that_appears_later_is_opened(video, tmp_path):
    late = tmp_path / "late.avi"
    camera = Camera(str(late), SMALL, RealClock())
    try:
        holds_for(lambda: camera.newest() is None, 0.3, "no frame")
        late.write_bytes(video.read_bytes())
        wait_until(camera.newest, "a frame")
    finally:
        camera.close()


@pytest.mark.parametrize(("rows", "columns"), [(48, 64), (64, 48), (64, 64), (33, 97)])
def test_picture_is_cropped_to_the_middle_and_resized(rows, columns):
    picture = np.zeros((rows, columns, 3), np.uint8)
    picture[rows // 2 - 4 : rows // 2 + 4, columns // 2 - 4 : columns // 2 + 4] = 255
    small = crop_and_resize(picture, 32, 32)
    assert small.shape == (32, 32, 3)
    center = np.argwhere(small[..., 0] > 100).mean(0)
    np.testing.assert_allclose(center, [15.5, 15.5], atol=1.0)


def test_crop_shows_only_its_part(awkward_path):
    path = awkward_path / "halves.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48))
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 32:] = 255
    for _ in range(15):
        writer.write(picture)
    writer.release()
    camera = Camera(str(path), SMALL.model_copy(update={"crop": (0.6, 0.0, 1.0, 1.0)}), RealClock())
    try:
        assert wait_until(camera.newest, "a frame").picture.min() > 200
    finally:
        camera.close()


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (0, "index"),
        ("OBS Virtual Camera", "name"),
        ("http://127.0.0.1:8080/camera.mjpg", "url"),
        ("rtsp://10.0.0.2/live", "url"),
        ("run.mp4", "file"),
        ("records/run.MP4", "file"),
        ("USB2.0 HD UVC WebCam", "name"),
        ("Integrated Camera v1.2", "name"),
        ("HDMI/USB 3.0 Capture", "name"),
        (r"C:\runs\run.mkv", "file"),
        ("screen", "screen"),
        ("screen:0,0,640x480", "screen"),
        ("window:VRChat", "window"),
    ],
)
def test_kind_of_a_source(source, kind):
    assert source_kind(source) == kind


def test_existing_path_is_a_file_whatever_its_name(awkward_path, monkeypatch):
    (awkward_path / "run").touch()
    monkeypatch.chdir(awkward_path)
    assert source_kind("run") == source_kind(str(awkward_path / "run")) == "file"


@pytest.mark.parametrize(
    "source", [-1, "", "screen:", "screen:0,0,0x480", "screen:0,0,640", "screen:2", "window:"]
)
def test_invalid_source_is_refused(source):
    with pytest.raises(ValidationError, match=r"source"):
        CameraConfig(source=source)


def test_camera_is_found_by_a_part_of_its_name():
    names = {0: "HD Webcam", 2: "OBS Virtual Camera", 4: "OBS Virtual Camera 2"}
    assert index_of("webcam", names) == 0
    assert index_of("obs virtual camera", names) == 2, "an equal name has priority"
    with pytest.raises(LookupError, match=r"2 cameras are called OBS .*0 HD Webcam"):
        index_of("OBS", names)
    with pytest.raises(LookupError, match=r"no camera is called Elgato .*2 OBS"):
        index_of("Elgato", names)


def test_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"no such file"):
        check_video(str(tmp_path / "none.mp4"))


def test_screen_without_its_package_is_bad_input(monkeypatch):
    monkeypatch.setattr(screen_capture, "_is_installed", lambda package: False)
    with pytest.raises(BadInput, match=r"the package mss is missing: pip install"):
        check_video("screen")
