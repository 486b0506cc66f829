"""Cameras are listed by index and name."""

import sys

import pytest

from interfaces.devices.camera_names import camera_names


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
