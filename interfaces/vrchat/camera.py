"""The newest frame and its age, from any source OpenCV opens. A thread reads; nobody waits."""

import sys
import threading
from dataclasses import dataclass

import cv2
import numpy as np
from loguru import logger
from numpy.typing import NDArray

from interfaces.clock import Clock
from interfaces.vrchat.look import Look

Frame = NDArray[np.uint8]


def prepare(picture: Frame, width: int, height: int) -> Frame:
    """Crop to the wanted aspect and resize, uint8 (height, width, 3); colour order is kept."""
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
    """Holds the newest frame of `source`; reopens a lost source, at most every 2 s."""

    def __init__(self, source: str | int, width: int, height: int, clock: Clock) -> None:
        self._source, self._width, self._height = source, width, height
        self._clock = clock
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
        while not self._stop.is_set():
            try:
                self._read_on()
            except Exception as error:
                logger.error("camera {}: {}; opening it again", self._source, error)
                self._stop.wait(2.0)

    def _read_on(self) -> None:
        wait_s, told, look = 0.05, False, Look()
        while not self._stop.is_set():
            capture = self._open()
            pause_s = self._file_pause(capture)
            while capture.isOpened() and not self._stop.is_set():
                if not capture.grab():
                    break
                at_s = self._clock.now()  # the age counts from the grab, not from the decoding
                ok, picture = capture.retrieve()
                if not ok:
                    break
                rgb = cv2.cvtColor(
                    prepare(np.asarray(picture, np.uint8), self._width, self._height),
                    cv2.COLOR_BGR2RGB,
                )
                self._number += 1
                seen = np.asarray(rgb, np.uint8)
                self._newest = Grabbed(seen, at_s, self._number, *look.at(seen, at_s))
                wait_s, told = 0.05, False
                if pause_s:
                    self._stop.wait(pause_s)
            capture.release()
            if not told and not self._stop.is_set() and wait_s > 1.0:
                logger.warning("camera {}: no picture; trying again", self._source)
                told = True
            self._stop.wait(wait_s)
            wait_s = min(2.0, wait_s * 2)

    def _open(self) -> cv2.VideoCapture:
        source = self._source
        if isinstance(source, str) and source.startswith("http"):
            options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000]
            return cv2.VideoCapture(source, cv2.CAP_FFMPEG, options)
        if isinstance(source, int) and sys.platform == "win32":
            capture = cv2.VideoCapture(source, cv2.CAP_DSHOW)  # MSMF takes many seconds to open
        else:
            capture = cv2.VideoCapture(source)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # stale is labelled, never queued
        return capture

    def _file_pause(self, capture: cv2.VideoCapture) -> float:
        """Seconds between frames of a file, which would otherwise be read as fast as it decodes."""
        if isinstance(self._source, int) or "://" in self._source:
            return 0.0
        fps = capture.get(cv2.CAP_PROP_FPS)
        return 1.0 / fps if fps > 0 else 1.0 / 30.0
