"""A video file, played at the times of its own frames."""

from collections.abc import Iterator
from typing import NamedTuple

from configs.devices import CameraConfig
from interfaces.core.clock import Clock
from interfaces.devices.file_readers import FrameReader, open_reader
from interfaces.devices.frame_times import FrameTimes, usual_period_s
from interfaces.devices.video_types import Frame, RepeatedShot, Shot, crop_picture

SHOWN_AGAIN_S = 0.1  # a picture is valid until the next one: in a gap it is shown again


class FileFrame(NamedTuple):
    """A picture, BGR or BGRA uint8 (height, width, 3 or 4), and its time in the file in seconds."""

    at_s: float
    picture: Frame


class FileFrames:
    """The frames of a file in the order of their times, which always grow.

    `undecodable` counts the frames that were left out, `times` knows which times were estimated,
    and `reader` what the header claims. Raises NoVideo.
    """

    def __init__(self, path: str) -> None:
        self.reader: FrameReader = open_reader(path)
        self.times = FrameTimes(usual_period_s(self.reader.fps))
        self.undecodable = 0

    def __iter__(self) -> Iterator[FileFrame]:
        newest: tuple[float | None, Frame] | None = None
        more = True
        while more:
            stated_s, picture = self.reader.stated_s(), self.reader.picture()
            more = self.reader.advance()
            if picture is None:
                self.undecodable += 1
                continue
            if newest is not None:
                yield FileFrame(self.times.place(newest[0], stated_s), newest[1])
            newest = stated_s, picture
        if newest is not None:
            yield FileFrame(self.times.place(newest[0], None), newest[1])

    def close(self) -> None:
        """Close the file."""
        self.reader.close()


class FileVideo:
    """Plays a file once. `period_s` is the time until the next picture, as the file states it.

    In a gap of the file the newest picture is shown again, ten times per second, so that it is not
    taken for a lost camera. Raises NoVideo.
    """

    def __init__(self, path: str, config: CameraConfig, clock: Clock) -> None:
        self._crop, self._clock = config.crop, clock
        self._source = FileFrames(path)
        self._frames = iter(self._source)
        self._next = next(self._frames, None)
        self._shown: FileFrame | None = None
        self._left_s = 0.0  # until the next picture is due
        self.period_s = self._source.times.period_s

    def read(self) -> Shot | None:
        again = self._shown is not None and self._left_s > 0.0
        if not again:
            if self._next is None:
                return None
            self._shown, self._next = self._next, next(self._frames, None)
            self._left_s = self._source.times.period_s
            if self._next is not None:
                self._left_s = self._next.at_s - self._shown.at_s
        assert self._shown is not None
        self.period_s = self._left_s if self._left_s < 2.0 * SHOWN_AGAIN_S else SHOWN_AGAIN_S
        self._left_s -= self.period_s
        shot = Shot(crop_picture(self._shown.picture, self._crop), self._clock.now())
        return RepeatedShot(*shot) if again else shot

    def close(self) -> None:
        self._source.close()
