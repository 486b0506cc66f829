"""Screens and windows as cameras: a real X server, a real window, seen through mss."""

import sys
import time

import numpy as np
import pytest

from configs.devices import CameraConfig
from interfaces.core.clock import RealClock
from interfaces.devices import screen_capture as screen
from interfaces.devices.camera import Camera
from interfaces.devices.screen_capture import Rectangle
from interfaces.devices.video_source import NoVideo, open_video
from tests import xvfb

RED, BLUE = 0xFF0000, 0x0000FF
TITLE = "VRChat 夢"


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def desktop():
    """640x480, blue all over."""
    display = pytest.importorskip("Xlib.display")
    pytest.importorskip("mss")
    with xvfb.running("640x480") as name:
        x = display.Display(name)
        root = x.screen().root
        root.change_attributes(background_pixel=BLUE)
        root.clear_area()
        x.sync()
        yield x
        x.close()


@pytest.fixture
def window(desktop):
    """A red window of 200x100 at (300, 200), named as Japanese programs are."""
    from Xlib import Xatom

    window = desktop.screen().root.create_window(
        300, 200, 200, 100, 0, desktop.screen().root_depth, background_pixel=RED
    )
    window.change_property(
        desktop.intern_atom("_NET_WM_NAME"), desktop.intern_atom("UTF8_STRING"), 8, TITLE.encode()
    )
    window.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"plain")
    window.map()
    desktop.sync()
    yield window
    window.destroy()
    desktop.sync()


def look(source, **settings):
    video = open_video(source, CameraConfig(source=source, **settings), RealClock())
    try:
        shot = video.read()
        return None if shot is None else shot.picture
    finally:
        video.close()


def bgr(number):
    return [number & 255, number >> 8 & 255, number >> 16]


def test_the_screen_and_a_part_of_it(window):
    whole = look("screen")
    assert whole.shape[:2] == (480, 640)
    assert whole[0, 0, :3].tolist() == bgr(BLUE)
    assert whole[250, 400, :3].tolist() == bgr(RED)
    part = look("screen:300,200,200x100")
    assert part.shape[:2] == (100, 200)
    assert (part[..., :3] == bgr(RED)).all()
    assert look("screen:600,400,200x200").shape[:2] == (80, 40), "what lies beyond is not there"
    assert look("screen:900,900,10x10") is None


def test_a_crop_is_of_what_is_looked_at(window):
    half = look("screen:200,200,200x100", crop=(0.5, 0.0, 1.0, 1.0))
    assert half.shape[:2] == (100, 100)
    assert (half[..., :3] == bgr(RED)).all()


def test_a_window_is_found_by_its_title_and_followed(desktop, window):
    video = open_video("window:vrchat", CameraConfig(), RealClock())
    try:
        assert video.read().picture.shape[:2] == (100, 200)
        window.configure(x=10, y=20, width=120, height=90)
        desktop.sync()
        moved = video.read().picture
        assert moved.shape[:2] == (90, 120)
        assert (moved[..., :3] == bgr(RED)).all()
        window.unmap()
        desktop.sync()
        assert video.read() is None
    finally:
        video.close()


def test_no_window_no_video(desktop):
    with pytest.raises(NoVideo, match="no window shows Nobody"):
        open_video("window:Nobody", CameraConfig(), RealClock())


# python-xlib leaves the sockets open by which it found nobody.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_desktop_no_video(monkeypatch, desktop):
    monkeypatch.setenv("DISPLAY", ":4711")
    for source in ("screen", "window:VRChat"):
        with pytest.raises(NoVideo):
            open_video(source, CameraConfig(), RealClock())


def test_the_camera_sees_a_window_that_comes_and_goes(desktop, window):
    window.unmap()
    desktop.sync()
    camera = Camera("window:夢", CameraConfig(width=32, height=32, fps=60), RealClock())
    try:
        time.sleep(0.2)
        assert camera.newest() is None
        window.map()
        desktop.sync()
        until(lambda: camera.newest() is not None)
        assert (camera.newest().picture == (255, 0, 0)).all(), "RGB"
        window.unmap()
        desktop.sync()
        time.sleep(0.2)
        gone_at = camera.newest().number
        window.map()
        desktop.sync()
        until(lambda: camera.newest().number > gone_at)
    finally:
        camera.close()


def test_the_camera_keeps_its_pace(desktop):
    camera = Camera("screen", CameraConfig(width=32, height=32, fps=20), RealClock())
    try:
        until(lambda: camera.newest() is not None)
        began, first = time.monotonic(), camera.newest().number
        time.sleep(1.0)
        rate = (camera.newest().number - first) / (time.monotonic() - began)
        assert 10 < rate < 22
    finally:
        camera.close()


class FirstScreen:
    """dxcam, as far as it is used, on a first screen of 320x240: it sees green."""

    width, height = 320, 240
    released = 0

    @classmethod
    def create(cls, output_color):
        assert output_color == "BGR"
        return cls()

    def grab(self, region, new_frame_only):
        left, top, right, bottom = region
        assert 0 <= left < right <= 320
        assert 0 <= top < bottom <= 240
        return np.full((bottom - top, right - left, 3), (0, 255, 0), np.uint8)

    def release(self):
        type(self).released += 1


@pytest.fixture
def dxcam(monkeypatch):
    monkeypatch.setitem(sys.modules, "dxcam", FirstScreen)
    monkeypatch.setattr(screen, "_has", lambda package: True)


def test_what_is_not_on_the_first_screen_is_seen_through_mss(dxcam, window):
    green = [0, 255, 0]
    assert look("screen").shape[:2] == (240, 320)
    assert look("screen:0,0,100x80")[0, 0].tolist() == green
    beyond = look("screen:350,210,100x80")
    assert beyond.shape[:2] == (80, 100)
    assert (beyond[..., :3] == bgr(RED)).all()
    assert look("screen:250,0,200x100").shape[:2] == (100, 200), "half of it is elsewhere"
    cropped = look("screen:200,0,200x100", crop=(0.0, 0.0, 0.5, 1.0))
    assert cropped[0, 0].tolist() == green, "what is looked at lies on it"
    assert FirstScreen.released == 5, "nothing is held, whoever looked"


def test_a_window_that_leaves_the_first_screen_is_lost_and_found_through_mss(
    dxcam, desktop, window
):
    window.configure(x=10, y=20)
    desktop.sync()
    video = open_video(f"window:{TITLE}", CameraConfig(), RealClock())
    assert video.read().picture[0, 0].tolist() == [0, 255, 0]
    window.configure(x=300, y=200)
    desktop.sync()
    assert video.read() is None
    video.close()
    assert (look(f"window:{TITLE}")[..., :3] == bgr(RED)).all()


def test_without_mss_the_other_screens_are_not_seen_and_it_says_so(dxcam, monkeypatch, desktop):
    monkeypatch.setattr(screen, "_has", lambda package: package == "dxcam")
    with pytest.raises(NoVideo, match="only mss sees the others"):
        look("screen:350,210,100x80")


def test_rectangles():
    whole = Rectangle(-100, 0, 300, 200)
    assert Rectangle(150, 150, 100, 100).within(whole) == Rectangle(150, 150, 50, 50)
    assert Rectangle(500, 0, 10, 10).within(whole).width == 0
    assert whole.holds(whole)
    assert not whole.holds(Rectangle(150, 150, 100, 50))
    assert Rectangle(10, 20, 100, 50).cut((0.25, 0.5, 0.75, 1.0)) == Rectangle(35, 45, 50, 25)
    assert np.prod(Rectangle(0, 0, 1, 1).cut((0.4, 0.4, 0.5, 0.5))[2:]) == 1
