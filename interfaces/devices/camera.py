"""The newest frame and its age, from any source of video. A thread reads; nobody waits."""

import threading
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
from loguru import logger

from configs.devices import CameraConfig
from interfaces.core.clock import Clock
from interfaces.devices.frame_statistics import Look
from interfaces.devices.video_source import Frame, NoVideo, VideoSource, open_video

_PATIENCE_S = 2.0  # the longest wait between two attempts to open a source


def prepare(picture: Frame, width: int, height: int) -> Frame:
    """Crop to the wanted aspect and resize, uint8 (height, width, channels as they are)."""
    rows, columns = picture.shape[:2]
    wanted_columns = max(1, min(columns, round(rows * width / height)))
    wanted_rows = max(1, min(rows, round(columns * height / width)))
    top, left = (rows - wanted_rows) // 2, (columns - wanted_columns) // 2
    cropped = picture[top : top + wanted_rows, left : left + wanted_columns]
    if cropped.shape[:2] == (height, width):
        return np.ascontiguousarray(cropped)
    return np.asarray(cv2.resize(cropped, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Grabbed:
    """A frame ready for the model: RGB uint8 (height, width, 3), when grabbed, and its number.

    brightness: mean, 0..255; same_since_s: since when pictures have not changed.
    """

    picture: Frame
    at_s: float
    number: int
    brightness: float
    same_since_s: float


class Camera:
    """Holds the newest frame of `source`; opens a lost source again, at most every 2 s."""

    def __init__(self, source: str | int, config: CameraConfig, clock: Clock) -> None:
        self._source, self._config, self._clock = source, config, clock
        self._newest: Grabbed | None = None
        self._number = 0
        self._stop = threading.Event()
        cv2.setNumThreads(1)  # the body has one core to itself at most
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    def newest(self) -> Grabbed | None:
        return self._newest

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _read(self) -> None:
        """Whatever a driver or a broken picture raises, the eye opens again."""
        wait_s, told, look = 0.05, False, Look()
        while not self._stop.is_set():
            number, why = self._number, "no picture"
            try:
                with closing(open_video(self._source, self._config, self._clock)) as video:
                    self._read_on(video, look)
            except NoVideo as error:
                why = str(error)
            except Exception as error:
                why, wait_s = repr(error), _PATIENCE_S
            if self._number > number:
                wait_s, told = 0.05, False
            if not told and not self._stop.is_set() and wait_s > 1.0:
                logger.warning("camera {}: {}; trying again", self._source, why)
                told = True
            self._stop.wait(wait_s)
            wait_s = min(_PATIENCE_S, wait_s * 2)

    def _read_on(self, video: VideoSource, look: Look) -> None:
        """Until the source is lost."""
        width, height, due = self._config.width, self._config.height, self._clock.now()
        while not self._stop.is_set():
            shot = video.read()
            if shot is None:
                return
            small = prepare(shot.picture, width, height)
            code = cv2.COLOR_BGRA2RGB if small.shape[2] == 4 else cv2.COLOR_BGR2RGB
            seen = np.asarray(cv2.cvtColor(small, code), np.uint8)
            self._number += 1
            self._newest = Grabbed(seen, shot.at_s, self._number, *look.at(seen, shot.at_s))
            if video.period_s:
                due += video.period_s
                late_s = self._clock.now() - due
                if late_s > 0.0:
                    due += late_s  # what was missed is not made up for
                else:
                    self._stop.wait(-late_s)
