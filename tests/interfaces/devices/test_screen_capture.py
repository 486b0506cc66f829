"""Screen capture on a real X server: the screen, a region, a window, and a fake dxcam."""

import os
import sys
import time

import numpy as np
import pytest

from configs.devices import CameraConfig
from interfaces.core.clock import RealClock
from interfaces.devices import screen_capture, window_match
from interfaces.devices.camera import Camera
from interfaces.devices.screen_capture import Rectangle
from interfaces.devices.video_source import open_video
from interfaces.devices.video_types import NoVideo
from tests import xvfb
from tests.polling import holds_for, wait_until

RED, BLUE = 0xFF0000, 0x0000FF
TITLE = "VRChat 夢"


@pytest.fixture(scope="module")
def desktop():
    """An X server with a blue desktop of 640x480 pixels."""
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
    """A red window of 200x100 at (300, 200) with a UTF-8 title."""
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


def capture(source, **settings):
    """One picture of the source; None when it has none."""
    video = open_video(source, CameraConfig(source=source, **settings), RealClock())
    try:
        shot = video.read()
        return None if shot is None else shot.picture
    finally:
        video.close()


def bgr(number):
    return [number & 255, number >> 8 & 255, number >> 16]


def test_screen_and_region_are_captured(window):
    whole = capture("screen")
    assert whole.shape[:2] == (480, 640)
    assert whole[0, 0, :3].tolist() == bgr(BLUE)
    assert whole[250, 400, :3].tolist() == bgr(RED)
    part = capture("screen:300,200,200x100")
    assert part.shape[:2] == (100, 200)
    assert (part[..., :3] == bgr(RED)).all()
    assert capture("screen:600,400,200x200").shape[:2] == (80, 40), (
        "only the part on the desktop is captured"
    )
    assert capture("screen:900,900,10x10") is None


def test_crop_applies_to_the_captured_region(window):
    half = capture("screen:200,200,200x100", crop=(0.5, 0.0, 1.0, 1.0))
    assert half.shape[:2] == (100, 100)
    assert (half[..., :3] == bgr(RED)).all()


def test_window_of_vrchat_is_found_by_its_program_and_not_by_a_title(desktop, window):
    from Xlib import Xatom

    browser = desktop.screen().root.create_window(
        0, 0, 400, 300, 0, desktop.screen().root_depth, background_pixel=0x00FF00
    )
    browser.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"VRChat - Firefox")
    browser.map()
    desktop.sync()
    try:
        for name in ("window:VRChat", "window:vrchat.exe"):
            with pytest.raises(NoVideo, match=r"no window belongs to the program VRChat|vrchat"):
                capture(name)
        assert capture("window:title:VRChat").shape[:2] == (300, 400)
        window.change_property(
            desktop.intern_atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [os.getpid()]
        )
        desktop.sync()
        own_name = window_match.program_names(os.getpid())[0]
        assert capture(f"window:{own_name}").shape[:2] == (100, 200)
        window.set_wm_class("vrchat.exe", "vrchat.exe")  # as Wine sets it
        desktop.sync()
        assert capture("window:VRChat").shape[:2] == (100, 200)
    finally:
        browser.destroy()
        desktop.sync()


@pytest.mark.parametrize(
    ("wanted", "title", "programs", "expected"),
    [
        ("VRChat", "VRChat", (), 0),
        ("VRChat", "VRChat - Chrome", ("chrome.exe",), 0),
        ("VRChat", "", ("VRChat.exe",), 2),
        ("VRChat", "", ("wine64-preloader", "Z:\\games\\VRChat\\VRChat.exe"), 2),
        ("vrchat.exe", "", ("steam_app_438100",), 2),
        ("VRChat", "", ("VRChat Launcher.exe",), 0),
        ("title:VRChat", "Moonlight: VRChat", ("moonlight",), 1),
        ("obs64", "OBS 30.2", ("obs64.exe",), 2),
        ("Yume", "夢 Yume", ("python3",), 1),
        ("Yume", "", ("python3",), 0),
    ],
)
def test_vrchat_is_a_program_and_other_names_may_be_titles(wanted, title, programs, expected):
    assert window_match.WindowMatch(wanted).rank(title, programs) == expected


def test_window_is_found_by_its_title_and_followed(desktop, window):
    video = open_video("window:title:vrchat", CameraConfig(), RealClock())
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


def test_missing_window_raises_no_video(desktop):
    with pytest.raises(NoVideo, match="no window has Missing"):
        open_video("window:Missing", CameraConfig(), RealClock())


# python-xlib leaves the sockets of a failed connection open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_missing_desktop_raises_no_video(monkeypatch, desktop):
    monkeypatch.setenv("DISPLAY", ":4711")
    for source in ("screen", "window:VRChat"):
        with pytest.raises(NoVideo):
            open_video(source, CameraConfig(), RealClock())


def test_camera_reopens_a_window_that_was_hidden(desktop, window):
    window.unmap()
    desktop.sync()
    camera = Camera("window:夢", CameraConfig(width=32, height=32, fps=60), RealClock())
    try:
        holds_for(lambda: camera.newest() is None, 0.2, "no frame")
        window.map()
        desktop.sync()
        wait_until(camera.newest, "a frame")
        assert (camera.newest().picture == (255, 0, 0)).all(), "RGB"
        window.unmap()
        desktop.sync()
        time.sleep(0.2)  # a frame captured before may still arrive
        last_number = camera.newest().number
        window.map()
        desktop.sync()
        wait_until(lambda: camera.newest().number > last_number, "a frame of the window")
    finally:
        camera.close()


def test_camera_keeps_its_frame_rate(desktop):
    camera = Camera("screen", CameraConfig(width=32, height=32, fps=20), RealClock())
    try:
        wait_until(camera.newest, "a frame")
        start_s, first = time.perf_counter(), camera.newest().number
        wait_until(lambda: camera.newest().number >= first + 20, "20 frames", 2.0)
        assert time.perf_counter() - start_s > 0.85, "20 frames at 20 Hz take about 1 s"
    finally:
        camera.close()


class FirstScreen:
    """A fake dxcam with a green first screen of 320x240."""

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
    monkeypatch.setattr(screen_capture, "_is_installed", lambda package: True)


def test_area_outside_the_first_screen_is_captured_with_mss(dxcam, window):
    green = [0, 255, 0]
    assert capture("screen").shape[:2] == (240, 320)
    assert capture("screen:0,0,100x80")[0, 0].tolist() == green
    beyond = capture("screen:350,210,100x80")
    assert beyond.shape[:2] == (80, 100)
    assert (beyond[..., :3] == bgr(RED)).all()
    assert capture("screen:250,0,200x100").shape[:2] == (100, 200), (
        "half of it is on another screen"
    )
    cropped = capture("screen:200,0,200x100", crop=(0.0, 0.0, 0.5, 1.0))
    assert cropped[0, 0].tolist() == green, "the cropped area is on the first screen"
    assert FirstScreen.released == 5, "every camera is released"


def test_window_that_leaves_the_first_screen_is_reopened_with_mss(dxcam, desktop, window):
    window.configure(x=10, y=20)
    desktop.sync()
    video = open_video(f"window:{TITLE}", CameraConfig(), RealClock())
    assert video.read().picture[0, 0].tolist() == [0, 255, 0]
    window.configure(x=300, y=200)
    desktop.sync()
    assert video.read() is None
    video.close()
    assert (capture(f"window:{TITLE}")[..., :3] == bgr(RED)).all()


def test_error_without_mss_names_the_limit_of_dxcam(dxcam, monkeypatch, desktop):
    monkeypatch.setattr(screen_capture, "_is_installed", lambda package: package == "dxcam")
    with pytest.raises(NoVideo, match="only mss captures the others"):
        capture("screen:350,210,100x80")


def test_rectangle_intersection_containment_and_crop():
    whole = Rectangle(-100, 0, 300, 200)
    assert Rectangle(150, 150, 100, 100).intersection(whole) == Rectangle(150, 150, 50, 50)
    assert Rectangle(500, 0, 10, 10).intersection(whole).width == 0
    assert whole.contains(whole)
    assert not whole.contains(Rectangle(150, 150, 100, 50))
    assert Rectangle(10, 20, 100, 50).crop((0.25, 0.5, 0.75, 1.0)) == Rectangle(35, 45, 50, 25)
    assert np.prod(Rectangle(0, 0, 1, 1).crop((0.4, 0.4, 0.5, 0.5))[2:]) == 1
