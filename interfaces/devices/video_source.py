"""Opens any configured video source: device, stream, file, screen, window or plugin."""

import os
from pathlib import Path
from typing import Literal

import cv2

from configs.devices import CameraConfig
from configs.errors import BadInput
from configs.plugin_reference import camera_plugin
from interfaces.core.clock import Clock
from interfaces.core.plugins import load_plugin
from interfaces.devices.camera_names import BACKEND, camera_names, index_of
from interfaces.devices.file_video import FileVideo
from interfaces.devices.plugin_video import PluginVideo
from interfaces.devices.screen_capture import check_screen, open_screen
from interfaces.devices.video_types import NoVideo, Shot, VideoSource, as_colour, crop_picture

_VIDEO_SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts"),
        *(".wmv", ".flv", ".ogv", ".3gp", ".mjpg", ".mjpeg", ".y4m", ".gif"),
    )
)
Kind = Literal["index", "name", "url", "file", "screen", "window", "plugin"]


def source_kind(source: str | int) -> Kind:
    """The kind of a configured source.

    A file exists or has a video suffix. Other text is a camera name, which may contain dots and
    slashes.
    """
    if isinstance(source, int):
        return "index"
    if camera_plugin(source) is not None:
        return "plugin"
    if "://" in source:
        return "url"
    if source == "screen" or source.startswith("screen:"):
        return "screen"
    if source.startswith("window:"):
        return "window"
    path = Path(source)
    return "file" if path.suffix.lower() in _VIDEO_SUFFIXES or os.path.exists(path) else "name"


def check_video(source: str | int) -> None:
    """Raises BadInput for a source that cannot become available while the program waits.

    That is an unknown camera name, a missing file, a screen without the package to capture it, or a
    plugin that cannot be loaded.
    """
    if (plugin := camera_plugin(source)) is not None:
        load_plugin("camera", plugin)
        return
    match source_kind(source):
        case "file" if not os.path.exists(str(source)):
            raise BadInput(f"world.camera.source {source}: there is no such file")
        case "name" if (names := camera_names()) is not None:
            try:
                index_of(str(source), names)
            except LookupError as error:
                raise BadInput(f"world.camera.source: {error}") from error
        case "screen" | "window":
            check_screen(str(source))
        case _:
            pass


def open_video(source: str | int, config: CameraConfig, clock: Clock) -> VideoSource:
    """Open the source. Raises NoVideo."""
    if (plugin := camera_plugin(source)) is not None:
        return PluginVideo(plugin, config, clock)
    if source_kind(source) in ("screen", "window"):
        return open_screen(str(source), config, clock)
    if source_kind(source) == "file":
        silence_opencv()
        return FileVideo(str(source), config, clock)
    return OpenCVVideo(source, config, clock)


class OpenCVVideo:
    """A live source that `cv2.VideoCapture` opens: a device by index or name, or a URL."""

    period_s = 0.0

    def __init__(self, source: str | int, config: CameraConfig, clock: Clock) -> None:
        self._crop, self._clock = config.crop, clock
        silence_opencv()
        self._capture = _open_capture(source, source_kind(source), config.fps)
        if not self._capture.isOpened():
            self._capture.release()
            raise NoVideo("the source does not open")

    def read(self) -> Shot | None:
        if not self._capture.grab():
            return None
        at_s = self._clock.now()  # the age counts from the grab, not from the decoding
        ok, picture = self._capture.retrieve()
        colour = as_colour(picture) if ok else None
        return None if colour is None else Shot(crop_picture(colour, self._crop), at_s)

    def close(self) -> None:
        self._capture.release()


def _open_capture(source: str | int, kind: Kind, fps: float) -> cv2.VideoCapture:
    if kind == "url":
        options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000]
        return cv2.VideoCapture(source, cv2.CAP_FFMPEG, options)
    if isinstance(source, str):
        names = camera_names()
        if names is None:
            raise NoVideo("this system does not give camera names: use the index")
        try:
            source = index_of(source, names)
        except LookupError as error:
            raise NoVideo(str(error)) from error
    capture = cv2.VideoCapture(source, BACKEND)
    capture.set(cv2.CAP_PROP_FPS, fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old frames must not queue up
    return capture


def silence_opencv() -> None:
    """Turn off the log lines of OpenCV. The log lines of Yume and the findings are clearer."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # quiet; read when a source is opened
