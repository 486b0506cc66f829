"""Captures a screen, a region of it, or the part of the screen where a window is."""

import importlib
import importlib.util
import sys
from typing import Any, NamedTuple

import numpy as np

from configs.devices import SCREEN_REGION, CameraConfig
from configs.errors import BadInput
from interfaces.core.clock import Clock
from interfaces.devices.video_types import Crop, NoVideo, Shot, VideoSource
from interfaces.devices.window_match import WindowMatch

if sys.platform == "win32":
    from interfaces.devices.windows_win32 import WindowsDesktop as Desktop
else:
    from interfaces.devices.windows_x11 import Desktop

EXTRA = 'pip install -e ".[screen]"'


class Rectangle(NamedTuple):
    """A rectangle in pixels of the desktop, which spans all screens."""

    left: int
    top: int
    width: int
    height: int

    def intersection(self, other: "Rectangle") -> "Rectangle":
        """The part inside the other rectangle; width and height may be 0."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        return Rectangle(left, top, max(0, right - left), max(0, bottom - top))

    def contains(self, other: "Rectangle") -> bool:
        """Whether the other rectangle lies completely inside this one."""
        return other.intersection(self) == other

    def crop(self, crop: Crop) -> "Rectangle":
        """The part inside `crop`, at least one pixel."""
        left, top, right, bottom = crop
        x, y = round(left * self.width), round(top * self.height)
        return Rectangle(
            self.left + x,
            self.top + y,
            max(1, round(right * self.width) - x),
            max(1, round(bottom * self.height) - y),
        )


class Window:
    """The largest window that `wanted` means: a program, or a part of a title (WindowMatch).

    Raises NoVideo without such a window.
    """

    def __init__(self, wanted: str) -> None:
        self._desktop, match = Desktop(), WindowMatch(wanted)
        window = self._desktop.find_window(match)
        if window is None:
            self._desktop.close()
            raise NoVideo(match.nothing_found())
        self._window = window

    def rectangle(self) -> Rectangle | None:
        """Its client area now; None when it is closed or minimised."""
        area = self._desktop.client_area(self._window)
        return None if area is None else Rectangle(*area)

    def close(self) -> None:
        self._desktop.close()


class MssScreen:
    """Captures with mss: the client area of `window`, else `region`, else the first screen."""

    def __init__(
        self, config: CameraConfig, clock: Clock, region: Rectangle | None, window: Window | None
    ) -> None:
        self._crop, self._clock, self._region, self._window = config.crop, clock, region, window
        self.period_s = 1.0 / config.fps
        mss = importlib.import_module("mss")
        try:
            self._mss = mss.MSS()
            everything, first, *_ = self._mss.monitors
        except (mss.exception.ScreenShotError, ValueError) as error:
            raise NoVideo(f"the desktop cannot be captured ({error})") from error
        self._error: type[Exception] = mss.exception.ScreenShotError
        self._desktop = _rectangle(everything)
        self._region = region or _rectangle(first)

    def read(self) -> Shot | None:
        region = self._region if self._window is None else self._window.rectangle()
        if region is None:
            return None
        region = region.crop(self._crop).intersection(self._desktop)
        if not region.width or not region.height:
            return None
        at_s = self._clock.now()
        try:
            shot = self._mss.grab(region._asdict())
        except self._error:
            return None
        return Shot(np.asarray(shot, np.uint8), at_s)

    def close(self) -> None:
        self._mss.close()
        if self._window is not None:
            self._window.close()


class DxcamScreen:
    """Captures the first screen of Windows with dxcam, which is faster and sees full-screen games.

    The captured area must lie completely on the first screen, else NoVideo is raised. When the area
    leaves that screen, `read` returns None. dxcam does not give the positions of other screens.
    """

    def __init__(
        self, config: CameraConfig, clock: Clock, region: Rectangle | None, window: Window | None
    ) -> None:
        self._crop, self._clock, self._region, self._window = config.crop, clock, region, window
        self.period_s = 1.0 / config.fps
        try:
            self._camera: Any = importlib.import_module("dxcam").create(output_color="BGR")
        except Exception as error:  # DirectX raises many types
            raise NoVideo(f"the desktop cannot be captured ({error})") from error
        self._first = Rectangle(0, 0, int(self._camera.width), int(self._camera.height))
        if self._visible_area() is None:
            self._camera.release()
            raise NoVideo("the area is not on the first screen, and only mss captures the others")

    def read(self) -> Shot | None:
        area = self._visible_area()
        if area is None:
            return None
        left, top, width, height = area
        at_s = self._clock.now()
        picture = self._camera.grab(
            region=(left, top, left + width, top + height), new_frame_only=False
        )
        return None if picture is None else Shot(picture, at_s)

    def _visible_area(self) -> Rectangle | None:
        """The area to capture now; None when it is not on the first screen."""
        region = self._region or self._first
        if self._window is not None:
            region = self._window.rectangle()
        area = None if region is None else region.crop(self._crop)
        return area if area is not None and self._first.contains(area) else None

    def close(self) -> None:
        self._camera.release()
        if self._window is not None:
            self._window.close()


_BACKENDS = ((DxcamScreen, "dxcam"), (MssScreen, "mss"))  # the preferred one first


def check_screen(source: str) -> None:
    """Raises BadInput when this system lacks what is needed to capture `source`."""
    needed = [] if _is_installed("dxcam") else ["mss"]
    if source.startswith("window:"):
        if sys.platform == "darwin":
            raise BadInput(
                f"world.camera.source {source}: a window cannot be captured on macOS. Use "
                "screen:LEFT,TOP,WIDTHxHEIGHT"
            )
        needed += [] if sys.platform == "win32" else ["Xlib"]
    for name in needed:
        if not _is_installed(name):
            raise BadInput(f"world.camera.source {source}: the package {name} is missing: {EXTRA}")


def open_screen(source: str, config: CameraConfig, clock: Clock) -> VideoSource:
    """Open `screen`, `screen:LEFT,TOP,WIDTHxHEIGHT` or `window:NAME`. Raises NoVideo."""
    check_screen(source)
    window = Window(source.removeprefix("window:")) if source.startswith("window:") else None
    region = SCREEN_REGION.fullmatch(source)
    rectangle = Rectangle(*map(int, region.groups())) if region else None
    backends = [backend for backend, package in _BACKENDS if _is_installed(package)]
    for backend in backends:
        try:
            return backend(config, clock, rectangle, window)
        except NoVideo:
            if backend is not backends[-1]:
                continue
            if window is not None:
                window.close()
            raise
    raise NoVideo(f"no package for screen capture is installed: {EXTRA}")


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _rectangle(monitor: Any) -> Rectangle:
    left, top, width, height = (int(monitor[key]) for key in Rectangle._fields)
    return Rectangle(left, top, width, height)
