"""The camera is judged by its pictures: their rate, age and brightness."""

import dataclasses

import numpy as np

from interfaces.doctor.check_camera import CameraSample, camera_finding, configured_camera
from interfaces.doctor.findings import ok
from tests.interfaces.doctor.settings import vrchat_config
from tests.plugin_modules import write_module


def test_a_missing_video_file_is_a_problem(tmp_path):
    config = vrchat_config(f"world.camera.source={tmp_path / 'none.mp4'}")
    finding = configured_camera(config, None)
    assert (finding.level, "no such file" in finding.text) == ("problem", True)


def test_a_file_that_cannot_be_read_is_a_problem_with_its_reason(tmp_path):
    (tmp_path / "text.mp4").write_text("no video at all")
    finding = configured_camera(vrchat_config(f"world.camera.source={tmp_path / 'text.mp4'}"), None)
    assert finding.level == "problem"
    assert finding.text.endswith("text.mp4: it is no video that OpenCV can read")


def test_camera_of_a_plugin_is_named_but_not_loaded(tmp_path, monkeypatch):
    write_module(monkeypatch, tmp_path, "my_camera", "raise AssertionError('loaded')")
    finding = configured_camera(vrchat_config("world.camera.source=plugin:my_camera:open"), None)
    assert (finding.level, finding.text) == (
        "warning",
        "plugin:my_camera:open: a plugin, which doctor does not load",
    )


def test_missing_old_black_and_slow_pictures_are_reported():
    config = vrchat_config()
    good = CameraSample(45, 1.5, [0.02], np.full((64, 64, 3), 128, np.uint8))
    assert camera_finding(config, good) == ok(
        "camera", "OBS Virtual Camera: 30.0 frames/s, 20 ms old"
    )
    for sample, level in (
        (CameraSample(), "problem"),
        (dataclasses.replace(good, frames=0, ages_s=[1.0]), "problem"),
        (dataclasses.replace(good, picture=np.zeros((64, 64, 3), np.uint8)), "warning"),
        (dataclasses.replace(good, frames=8), "warning"),
    ):
        assert camera_finding(config, sample).level == level
