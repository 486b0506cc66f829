"""Reads the frames of a video file one by one: by OpenCV, or by PyAV for codecs that it lacks."""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import cv2
import numpy as np

from interfaces.devices.frame_times import usable_time_s
from interfaces.devices.video_types import Frame, NoVideo, as_colour


class FrameReader(Protocol):
    """One video file. `fps` and `length_s` are what its header claims; 0 if it claims nothing.

    `end_s` is the time of the newest frame on the clock that `length_s` counts on.
    """

    fps: float
    length_s: float
    end_s: float

    def advance(self) -> bool:
        """Go to the next frame; False at the end of the file."""
        ...

    def stated_s(self) -> float | None:
        """The time in seconds that the container states for the frame; None if it states none."""
        ...

    def picture(self) -> Frame | None:
        """BGR or BGRA uint8 (height, width, 3 or 4); None for a frame that cannot be decoded."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_reader(path: str) -> FrameReader:
    """A reader that stands on the first frame. Raises NoVideo, with the codec where it is known."""
    reader = OpenCVReader(path)
    if reader.advance():
        return reader
    codec = reader.codec
    reader.close()
    try:
        other = PyAVReader(path)
        if other.advance():
            return other
        other.close()
    except (ImportError, NoVideo):
        pass
    if not codec:
        raise NoVideo("it is no video that OpenCV can read")
    raise NoVideo(
        f"its codec {codec} cannot be decoded here, or it has no frame: install the extra export, "
        "or convert it: ffmpeg -i FILE -c:v libx264 new.mp4"
    )


class OpenCVReader:
    """A file read by OpenCV. `codec` is its four letters, empty if the file does not open."""

    def __init__(self, path: str) -> None:
        self._capture = cv2.VideoCapture(path)
        self._number, self.codec = -1, ""
        self.fps = self.length_s = self.end_s = 0.0
        if self._capture.isOpened():
            get = self._capture.get
            code = int(get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
            self.codec = ascii(code.to_bytes(4, "little").decode("latin-1")).strip("'")
            self.fps, frames = get(cv2.CAP_PROP_FPS), get(cv2.CAP_PROP_FRAME_COUNT)
            self.length_s = frames / self.fps if self.fps > 0 and frames > 0 else 0.0

    def advance(self) -> bool:
        if not self._capture.grab():
            return False
        self._number += 1
        # OpenCV subtracts the start of the stream from POS_MSEC; the length includes it
        units = self._capture.get(cv2.CAP_PROP_PTS)
        ends = [self.stated_s() or 0.0, units / self.fps if self.fps > 0 else 0.0]
        self.end_s = max(self.end_s, *(end for end in ends if np.isfinite(end)))
        return True

    def stated_s(self) -> float | None:
        stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e-3
        return usable_time_s(stated, first=self._number == 0)

    def picture(self) -> Frame | None:
        try:
            ok, picture = self._capture.retrieve()
        except cv2.error:
            return None
        return as_colour(picture) if ok else None

    def close(self) -> None:
        self._capture.release()


class PyAVReader:
    """A file read by PyAV, which also decodes AV1. Raises ImportError without the extra export.

    Raises NoVideo for a file that is no video.
    """

    def __init__(self, path: str) -> None:
        import av
        from av.error import FFmpegError

        self._errors = FFmpegError
        try:
            self._container: Any = av.open(path)
        except (FFmpegError, OSError, ValueError) as error:
            raise NoVideo(str(error)) from error
        if not self._container.streams.video:
            self._container.close()
            raise NoVideo("it has sound only")
        self._stream: Any = self._container.streams.video[0]
        self._stream.thread_count = 1  # the body may use at most one core
        self.fps = float(self._stream.average_rate or 0.0)
        self.length_s = float(self._container.duration or 0) / 1e6
        self.end_s = 0.0
        self._frames, self._frame = self._decode(), None

    def advance(self) -> bool:
        self._frame: Any = next(self._frames, None)
        if self._frame is None:
            return False
        self.end_s = max(self.end_s, self._time_s() or 0.0)
        return True

    def stated_s(self) -> float | None:
        at = self._time_s()
        start = float(self._stream.start_time or 0) * float(self._stream.time_base or 0)
        return None if at is None else usable_time_s(at - start, first=True)

    def picture(self) -> Frame | None:
        try:
            picture = self._frame.to_ndarray(format="bgr24")
        except (self._errors, ValueError):
            return None
        return np.ascontiguousarray(np.rot90(picture, self._frame.rotation // 90), np.uint8)

    def close(self) -> None:
        self._container.close()

    def _time_s(self) -> float | None:
        return None if self._frame.pts is None else float(self._frame.time)

    def _decode(self) -> Iterator[Any]:
        """The frames; packets that cannot be decoded are left out."""
        packets = self._container.demux(self._stream)
        with contextlib.suppress(self._errors):  # what cannot be demultiplexed is the end
            for packet in packets:
                try:
                    yield from packet.decode()
                except self._errors:
                    continue
