"""Where pictures come from: a device, a stream, a file, a screen or a window; all of one shape."""

import os
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.devices import CameraConfig
from configs.errors import BadInput
from interfaces.core.clock import Clock
from interfaces.devices.camera_names import BACKEND, camera_names, index_of

Frame = NDArray[np.uint8]
Crop = tuple[float, float, float, float]
_VIDEOS = frozenset(
    (
        *(".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts"),
        *(".wmv", ".flv", ".ogv", ".3gp", ".mjpg", ".mjpeg", ".y4m", ".gif"),
    )
)
Kind = Literal["index", "name", "url", "file", "screen", "window"]


class Shot(NamedTuple):
    """A picture, BGR or BGRA uint8 (height, width, 3 or 4), and when it was taken, seconds."""

    picture: Frame
    at_s: float


class NoVideo(RuntimeError):
    """A source cannot be opened now; it may be there later. The message is for people."""


class VideoSource(Protocol):
    """Opened, read and closed in one thread.

    period_s: between two pictures, for a source that gives them as fast as it is asked; 0: it waits
    for its next picture by itself.
    """

    @property
    def period_s(self) -> float: ...
    def read(self) -> Shot | None:
        """The next picture; None: the source is lost."""
        ...

    def close(self) -> None: ...


def kind_of(source: str | int) -> Kind:
    """What a configured source is. A file is there, or ends as videos do: a camera's name may have
    a dot in it, or a slash."""
    if isinstance(source, int):
        return "index"
    if "://" in source:
        return "url"
    if source == "screen" or source.startswith("screen:"):
        return "screen"
    if source.startswith("window:"):
        return "window"
    path = Path(source)
    return "file" if path.suffix.lower() in _VIDEOS or path.exists() else "name"


def check_video(source: str | int) -> None:
    """Raises BadInput for a source that waiting does not bring: a name nobody has, a file that is
    not there, a screen without the means to look at it."""
    match kind_of(source):
        case "file" if not Path(str(source)).exists():
            raise BadInput(f"world.camera.source {source}: there is no such file")
        case "name" if (names := camera_names()) is not None:
            try:
                index_of(str(source), names)
            except LookupError as error:
                raise BadInput(f"world.camera.source: {error}") from error
        case "screen" | "window":
            from interfaces.devices.screen_capture import check_screen

            check_screen(str(source))
        case _:
            pass


def open_video(source: str | int, config: CameraConfig, clock: Clock) -> VideoSource:
    """The source, opened. Raises NoVideo."""
    if kind_of(source) in ("screen", "window"):
        from interfaces.devices.screen_capture import open_screen

        return open_screen(str(source), config, clock)
    return OpenCVVideo(source, config, clock)


def cut(picture: Frame, crop: Crop) -> Frame:
    """The part within `crop`: left, top, right, bottom as shares of the picture. A view."""
    rows, columns = picture.shape[:2]
    left, top, right, bottom = crop
    y, x = round(top * rows), round(left * columns)
    return picture[y : max(y + 1, round(bottom * rows)), x : max(x + 1, round(right * columns))]


class OpenCVVideo:
    """What `cv2.VideoCapture` opens: a device by index or name, a URL, a file."""

    def __init__(self, source: str | int, config: CameraConfig, clock: Clock) -> None:
        self._crop, self._clock = config.crop, clock
        kind = kind_of(source)
        silence_opencv()
        self._capture = _capture(source, kind, config.fps)
        if not self._capture.isOpened():
            self._capture.release()
            raise NoVideo("it does not open")
        self.period_s = 0.0
        if kind == "file":  # which would otherwise be read as fast as it decodes
            fps = self._capture.get(cv2.CAP_PROP_FPS)
            self.period_s = 1.0 / fps if fps > 0 else 1.0 / 30.0

    def read(self) -> Shot | None:
        if not self._capture.grab():
            return None
        at_s = self._clock.now()  # the age counts from the grab, not from the decoding
        ok, picture = self._capture.retrieve()
        return Shot(cut(np.asarray(picture, np.uint8), self._crop), at_s) if ok else None

    def close(self) -> None:
        self._capture.release()


def _capture(source: str | int, kind: Kind, fps: float) -> cv2.VideoCapture:
    if kind == "url":
        options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000]
        return cv2.VideoCapture(source, cv2.CAP_FFMPEG, options)
    if kind == "file":
        return cv2.VideoCapture(source)
    if isinstance(source, str):
        names = camera_names()
        if names is None:
            raise NoVideo("this system does not name its cameras: give the index")
        try:
            source = index_of(source, names)
        except LookupError as error:
            raise NoVideo(str(error)) from error
    capture = cv2.VideoCapture(source, BACKEND)
    capture.set(cv2.CAP_PROP_FPS, fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # stale is labelled, never queued
    return capture


def silence_opencv() -> None:
    """What OpenCV complains of, the camera's own line or a finding says better."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # read when a source is opened: quiet
