"""A camera source from a plugin: it delivers frames, and a broken one counts as no frame."""

import re
import time

import numpy as np
import pytest
from loguru import logger
from pydantic import ValidationError

from configs.devices import CameraConfig
from configs.errors import BadInput
from interfaces.core.clock import RealClock
from interfaces.devices.camera import Camera
from interfaces.devices.video_source import check_video, source_kind
from tests.plugin_modules import EXAMPLES, forget_afterwards, write_module
from tests.polling import holds_for, wait_until

BROKEN = """
    import numpy as np
    from interfaces.devices.video_types import NoVideo, Shot

    GOOD = np.zeros((8, 8, 3), np.uint8)
    opened, closed, broken = [], [], True

    class Source:
        period_s = 0.01
        def __init__(self, how, clock):
            self._how, self._clock, self._frames = how, clock, 0
            opened.append(self)
        def read(self):
            now, self._frames = self._clock.now(), self._frames + 1
            if not broken or self._frames <= 3:
                return Shot(GOOD, now)
            if self._how == "raises":
                raise OSError("the cable is out")
            if self._how == "exits":
                raise SystemExit(1)
            return {
                "shape": Shot(GOOD[0], now),
                "dtype": Shot(GOOD.astype(np.float64), now),
                "nan": Shot(np.full((8, 8, 3), np.nan, np.float32), now),
                "empty": Shot(GOOD[:0], now),
                "list": Shot([[0]], now),
                "no_shot": GOOD,
                "time": Shot(GOOD, now + 1e9),
                "nan_time": Shot(GOOD, float("nan")),
            }[self._how]
        def close(self):
            closed.append(self)

    def open_later(config, clock):
        raise NoVideo("not yet")
    def no_close(config, clock):
        return object()
    def fails(config, clock):
        raise KeyError("port")
    def one(config):
        pass
"""
WAYS = {
    "raises": r"read failed in broken_camera.Source.read, line \d+ \(OSError: the cable is out\)",
    "exits": r"SystemExit: 1",
    "shape": r"broken_camera.Source.read returned a picture of uint8 \(8, 3\); allowed is uint8",
    "dtype": r"a picture of float64 \(8, 8, 3\); allowed",
    "nan": r"a picture of float32 \(8, 8, 3\) with NaN; allowed",
    "empty": r"a picture of uint8 \(0, 8, 3\); allowed",
    "list": r"a picture of the type list; allowed is a NumPy array",
    "no_shot": r"ndarray; allowed is None or Shot\(picture, at_s\)",
    "time": r"at_s \+.* s from now; allowed is the time of capture, clock.now\(\)",
    "nan_time": r"at_s nan; allowed",
}


@pytest.fixture
def warnings():
    lines = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


@pytest.fixture
def broken_camera(tmp_path, monkeypatch):
    openers = "".join(
        f"\n    def open_{how}(config, clock): return Source({how!r}, clock)" for how in WAYS
    )
    write_module(monkeypatch, tmp_path, "broken_camera", BROKEN + openers)


def config(name, **more):
    return CameraConfig(source=f"plugin:{name}", width=16, height=16, **more)


def camera_of(settings):
    return Camera(settings.source, settings, RealClock())


def test_example_bar_moves_and_arrives_at_the_size_of_the_model(monkeypatch):
    forget_afterwards(monkeypatch, "moving_bar")
    monkeypatch.syspath_prepend(EXAMPLES)
    check_video("plugin:moving_bar:open_bar")
    camera = camera_of(config("moving_bar:open_bar", crop=(0.0, 0.0, 0.5, 1.0), fps=60))
    try:
        first = wait_until(camera.newest, "a frame")
        assert first.picture.shape == (16, 16, 3)
        wait_until(lambda: not np.array_equal(camera.newest().picture, first.picture), "a change")
        assert camera.newest().at_s > first.at_s
    finally:
        camera.close()


@pytest.mark.usefixtures("broken_camera")
@pytest.mark.parametrize("how", WAYS)
def test_broken_source_is_named_once_is_reopened_and_recovers(how, warnings, monkeypatch):
    import broken_camera

    camera = camera_of(config(f"broken_camera:open_{how}"))
    try:
        wait_until(lambda: len(broken_camera.opened) >= 4, "four openings")
        assert [re.search(WAYS[how], line) is not None for line in warnings] == [True], warnings
        assert f"world.camera.source plugin:broken_camera:open_{how}: " in warnings[0]
        monkeypatch.setattr(broken_camera, "broken", False)
        number = camera.newest().number
        wait_until(lambda: camera.newest().number > number + 6, "frames after the repair")
    finally:
        camera.close()
    wait_until(lambda: len(broken_camera.closed) == len(broken_camera.opened), "all closed")


@pytest.mark.usefixtures("broken_camera")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fails", r"in broken_camera.fails, line \d+ \(KeyError: 'port'\)"),
        ("no_close", "NoneType, not a f"),
    ],
)
def test_source_that_cannot_be_opened_delivers_no_frame_and_is_named(name, message, warnings):
    camera = camera_of(config(f"broken_camera:{name}"))
    try:
        wait_until(lambda: warnings, "a warning")
        holds_for(lambda: camera.newest() is None and len(warnings) == 1, 0.3, "no frame")
    finally:
        camera.close()
    assert re.search(message, warnings[0]), warnings


@pytest.mark.usefixtures("broken_camera")
def test_source_that_is_not_available_yet_is_tried_again_without_a_line(warnings):
    camera = camera_of(config("broken_camera:open_later"))
    time.sleep(0.2)
    camera.close()
    assert (camera.newest(), warnings) == (None, [])


@pytest.mark.usefixtures("broken_camera")
@pytest.mark.parametrize("name", ["broken_camera:one", "broken_camera:none", "no_module:open"])
def test_unusable_plugin_is_refused_before_the_run(name):
    with pytest.raises(BadInput, match=f"world.camera.source plugin:{name}: "):
        check_video(f"plugin:{name}")


@pytest.mark.parametrize("source", ["plugin:", "plugin:a:b:c", "plugin:my camera:open"])
def test_text_that_names_no_plugin_is_refused(source):
    with pytest.raises(ValidationError, match="plugin:MODULE:NAME"):
        CameraConfig(source=source)


def test_plugin_is_a_kind_of_source():
    assert source_kind("plugin:my_camera:open") == source_kind("plugin:installed") == "plugin"
