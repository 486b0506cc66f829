"""A screen, a part of one, or a window as it lies on the screen: what is seen there is seen."""

import importlib
import importlib.util
import sys
from typing import Any, NamedTuple

import numpy as np

from configs.devices import SCREEN_REGION, CameraConfig
from configs.errors import BadInput
from interfaces.core.clock import Clock
from interfaces.devices.video_source import Crop, NoVideo, Shot, VideoSource

EXTRA = 'pip install -e ".[screen]"'


class Rectangle(NamedTuple):
    """Pixels of the desktop, over all its screens."""

    left: int
    top: int
    width: int
    height: int

    def within(self, other: "Rectangle") -> "Rectangle":
        """What of it lies in the other; width and height may be 0."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        return Rectangle(left, top, max(0, right - left), max(0, bottom - top))

    def holds(self, other: "Rectangle") -> bool:
        """Whether all of the other lies in it."""
        return other.within(self) == other

    def cut(self, crop: Crop) -> "Rectangle":
        left, top, right, bottom = crop
        x, y = round(left * self.width), round(top * self.height)
        return Rectangle(
            self.left + x,
            self.top + y,
            max(1, round(right * self.width) - x),
            max(1, round(bottom * self.height) - y),
        )


class Window:
    """A window whose title contains `title`, in any case; the largest, where there are several.

    Raises NoVideo where there is none.
    """

    def __init__(self, title: str) -> None:
        if sys.platform == "win32":
            from interfaces.devices.windows_win32 import Desktop
        else:
            from interfaces.devices.windows_x11 import Desktop
        self._desktop = Desktop()
        found = self._desktop.find(title)
        if found is None:
            self._desktop.close()
            raise NoVideo(f"no window shows {title} in its title")
        self._window = found

    def rectangle(self) -> Rectangle | None:
        """Where its inside lies now; None: it is closed or minimised."""
        found = self._desktop.inside(self._window)
        return None if found is None else Rectangle(*found)

    def close(self) -> None:
        self._desktop.close()


class Screen:
    """The desktop, through mss. `window` is followed; else `region`, else the first screen."""

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
            raise NoVideo(f"the desktop cannot be looked at ({error})") from error
        self._error: type[Exception] = mss.exception.ScreenShotError
        self._desktop = _rectangle(everything)
        self._region = region or _rectangle(first)

    def read(self) -> Shot | None:
        region = self._region if self._window is None else self._window.rectangle()
        if region is None:
            return None
        region = region.cut(self._crop).within(self._desktop)
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


class WindowsScreen:
    """The first screen of Windows, through dxcam: sees full-screen games too, with less work.

    What does not lie wholly on it is NoVideo here, and lost once it leaves it: the others are
    numbered by the graphics card, and dxcam does not tell where on the desktop they lie.
    """

    def __init__(
        self, config: CameraConfig, clock: Clock, region: Rectangle | None, window: Window | None
    ) -> None:
        self._crop, self._clock, self._region, self._window = config.crop, clock, region, window
        self.period_s = 1.0 / config.fps
        try:
            self._camera: Any = importlib.import_module("dxcam").create(output_color="BGR")
        except Exception as error:  # of DirectX, of many kinds
            raise NoVideo(f"the desktop cannot be looked at ({error})") from error
        self._first = Rectangle(0, 0, int(self._camera.width), int(self._camera.height))
        if self._area() is None:
            self._camera.release()
            raise NoVideo("it does not lie on the first screen, and only mss sees the others")

    def read(self) -> Shot | None:
        area = self._area()
        if area is None:
            return None
        left, top, width, height = area
        at_s = self._clock.now()
        picture = self._camera.grab(
            region=(left, top, left + width, top + height), new_frame_only=False
        )
        return None if picture is None else Shot(picture, at_s)

    def _area(self) -> Rectangle | None:
        """What is looked at now; None: it is not on the first screen."""
        region = self._region or self._first
        if self._window is not None:
            region = self._window.rectangle()
        area = None if region is None else region.cut(self._crop)
        return area if area is not None and self._first.holds(area) else None

    def close(self) -> None:
        self._camera.release()
        if self._window is not None:
            self._window.close()


_KINDS = ((WindowsScreen, "dxcam"), (Screen, "mss"))  # the better first


def check_screen(source: str) -> None:
    """Raises BadInput where this system has not what is needed to look at `source`."""
    wanted = [] if _has("dxcam") else ["mss"]
    if source.startswith("window:"):
        if sys.platform == "darwin":
            raise BadInput(
                f"world.camera.source {source}: windows cannot be followed on macOS; "
                "screen:LEFT,TOP,WIDTHxHEIGHT can"
            )
        wanted += [] if sys.platform == "win32" else ["Xlib"]
    for name in wanted:
        if not _has(name):
            raise BadInput(f"world.camera.source {source}: the package {name} is missing: {EXTRA}")


def open_screen(source: str, config: CameraConfig, clock: Clock) -> VideoSource:
    """`screen`, `screen:LEFT,TOP,WIDTHxHEIGHT` or `window:TITLE`. Raises NoVideo."""
    check_screen(source)
    window = Window(source.removeprefix("window:")) if source.startswith("window:") else None
    region = SCREEN_REGION.fullmatch(source)
    rectangle = Rectangle(*map(int, region.groups())) if region else None
    kinds = [kind for kind, package in _KINDS if _has(package)]
    for kind in kinds:
        try:
            return kind(config, clock, rectangle, window)
        except NoVideo:
            if kind is not kinds[-1]:
                continue
            if window is not None:
                window.close()
            raise
    raise NoVideo(f"nothing here looks at a screen: {EXTRA}")


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _rectangle(monitor: Any) -> Rectangle:
    left, top, width, height = (int(monitor[key]) for key in Rectangle._fields)
    return Rectangle(left, top, width, height)
