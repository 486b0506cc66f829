"""The camera: a thread reads a video source and keeps the newest frame."""

import threading
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
from loguru import logger

from configs.devices import CameraConfig
from interfaces.core.clock import Clock
from interfaces.core.limited_log import LimitedLog
from interfaces.devices.frame_statistics import FrameStatistics
from interfaces.devices.plugin_video import BrokenPluginVideo
from interfaces.devices.video_source import open_video
from interfaces.devices.video_types import Frame, NoVideo, RepeatedShot, VideoSource

_FIRST_RETRY_S = 0.05
_MAX_RETRY_S = 2.0


def crop_and_resize(picture: Frame, width: int, height: int) -> Frame:
    """Crop to the aspect ratio and resize: uint8 (height, width, channels of the picture)."""
    rows, columns = picture.shape[:2]
    wanted_columns = max(1, min(columns, round(rows * width / height)))
    wanted_rows = max(1, min(rows, round(columns * height / width)))
    top, left = (rows - wanted_rows) // 2, (columns - wanted_columns) // 2
    cropped = picture[top : top + wanted_rows, left : left + wanted_columns]
    if cropped.shape[:2] == (height, width):
        return np.ascontiguousarray(cropped)
    return np.asarray(cv2.resize(cropped, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def as_rgb(picture: Frame) -> Frame:
    """RGB uint8 (height, width, 3) of a BGR or BGRA picture."""
    code = cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, code), np.uint8)


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """A frame for the model.

    `picture`: RGB uint8 (height, width, 3).
    `at_s`: capture time in clock seconds. `number` counts captured frames from 1.
    `brightness`: mean, 0..255.
    `unchanged_since_s`: time of the last change of the picture, in clock seconds.
    """

    picture: Frame
    at_s: float
    number: int
    brightness: float
    unchanged_since_s: float


class Camera:
    """Keeps the newest frame of `source`. Tries to reopen a lost source at least every 2 s."""

    def __init__(self, source: str | int, config: CameraConfig, clock: Clock) -> None:
        self._source, self._config, self._clock = source, config, clock
        self._newest: CameraFrame | None = None
        self._number = 0
        self._plugin_log = LimitedLog(clock.now)
        self._stop = threading.Event()
        cv2.setNumThreads(1)  # the body may use at most one core
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def newest(self) -> CameraFrame | None:
        """The newest frame; None before the first one. Never waits."""
        return self._newest

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        """Open the source, read it, and reopen it after any error of a driver or a picture."""
        wait_s, warned, statistics = _FIRST_RETRY_S, False, FrameStatistics()
        while not self._stop.is_set():
            number, reason = self._number, "no picture"
            try:
                with closing(open_video(self._source, self._config, self._clock)) as video:
                    self._read_until_lost(video, statistics)
            except BrokenPluginVideo as error:  # it may break once per frame, and be opened again
                self._plugin_log.warn(f"{error}; the frame counts as missing, trying again")
                warned = True
            except NoVideo as error:
                reason = str(error)
            except Exception as error:
                reason, wait_s = repr(error), _MAX_RETRY_S
            if self._number > number:
                wait_s, warned = _FIRST_RETRY_S, False
            if not warned and not self._stop.is_set() and wait_s > 1.0:
                logger.warning("camera {}: {}; trying again", self._source, reason)
                warned = True
            self._stop.wait(wait_s)
            wait_s = min(_MAX_RETRY_S, wait_s * 2)

    def _read_until_lost(self, video: VideoSource, statistics: FrameStatistics) -> None:
        width, height, due = self._config.width, self._config.height, self._clock.now()
        while not self._stop.is_set():
            shot = video.read()
            if shot is None:
                return
            small = crop_and_resize(shot.picture, width, height)
            rgb = as_rgb(small)
            self._number += not isinstance(shot, RepeatedShot)
            brightness, unchanged_since_s = statistics.update(rgb, shot.at_s)
            self._newest = CameraFrame(rgb, shot.at_s, self._number, brightness, unchanged_since_s)
            if video.period_s:
                due += video.period_s
                late_s = self._clock.now() - due
                if late_s > 0.0:
                    due += late_s  # missed frames are not read later
                else:
                    self._stop.wait(-late_s)
