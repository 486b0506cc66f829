"""Cameras are listed by index and name."""

import sys
from types import SimpleNamespace

import cv2
import pytest

from interfaces.devices import camera_names as camera_names_module
from interfaces.devices.camera_names import camera_names, index_of


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a folder of Linux")
def test_the_metadata_entry_of_a_camera_is_left_out(tmp_path):
    for number, name, index in ((0, "Webcam", 0), (1, "Webcam", 1), (10, "OBS Virtual Camera", 0)):
        device = tmp_path / f"video{number}"
        device.mkdir()
        (device / "name").write_text(f"{name}\n")
        (device / "index").write_text(f"{index}\n")
    assert camera_names(tmp_path) == {0: "Webcam", 10: "OBS Virtual Camera"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a folder of Linux")
def test_name_that_is_cut_within_a_character_is_shown_with_a_mark(tmp_path):
    for number, name in enumerate(("仮想カメラ".encode()[:13], b"\xff\xfe", b"OBS")):
        device = tmp_path / f"video{number}"
        device.mkdir()
        (device / "name").write_bytes(name + b"\n")
        (device / "index").write_text("0\n")
    assert camera_names(tmp_path) == {0: "仮想カメ\ufffd", 1: "\ufffd\ufffd", 2: "OBS"}


def test_cameras_of_directshow_have_their_names_and_indices(monkeypatch):
    """The calls and answers of cv2_enumerate_cameras on Windows."""
    asked = []

    class Enumerate:
        @staticmethod
        def enumerate_cameras(backend):
            asked.append(backend)
            names = ("Logitech BRIO", "OBS Virtual Camera", "カメラ")
            return [SimpleNamespace(index=i, name=name) for i, name in enumerate(names)]

    monkeypatch.setattr(camera_names_module, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(camera_names_module, "BACKEND", cv2.CAP_DSHOW)
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", Enumerate)
    names = camera_names()
    assert asked == [cv2.CAP_DSHOW]
    assert names == {0: "Logitech BRIO", 1: "OBS Virtual Camera", 2: "カメラ"}
    assert index_of("obs virtual", names) == 1
    assert index_of("カメラ", names) == 2
    with pytest.raises(LookupError, match="no camera is called FaceTime"):
        index_of("FaceTime", names)


def test_without_the_package_the_names_are_unknown(monkeypatch):
    monkeypatch.setattr(camera_names_module, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", None)
    assert camera_names() is None
