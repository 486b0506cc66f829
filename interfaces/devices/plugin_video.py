"""A camera source from a plugin: its pictures are checked before the camera uses them."""

import contextlib
import math
from typing import Any, cast

import numpy as np

from configs.devices import CameraConfig
from interfaces.core.clock import Clock
from interfaces.core.plugins import (
    PluginError,
    check_call,
    explain_failure,
    load_plugin,
    plugin_place,
)
from interfaces.devices.video_types import Frame, NoVideo, Shot, crop_picture

_MAX_AGE_S = 60.0  # an older picture was stamped with another clock


class BrokenPluginVideo(NoVideo):
    """The plugin raised an error or returned something else than a picture."""


class PluginVideo:
    """The video source that the plugin `reference` opens.

    The plugin is called as open(config, clock), with a CameraConfig and the Clock of the camera. It
    returns an object as VideoSource describes; without `period_s` it is read `config.fps` times per
    second. Raises BrokenPluginVideo, as `read` does.
    """

    def __init__(self, reference: str, config: CameraConfig, clock: Clock) -> None:
        self._place, self._crop, self._clock = plugin_place("camera", reference), config.crop, clock
        self._video: Any = None
        try:
            self._plugin = load_plugin("camera", reference)
            self._video = self._plugin(config, clock)
            check_call(getattr(self._video, "read", None), (), f"{self._place}: read")
            check_call(getattr(self._video, "close", None), (), f"{self._place}: close")
            self.period_s = float(getattr(self._video, "period_s", 1.0 / config.fps))
        except NoVideo:
            raise  # the source itself says that it is not available now
        except PluginError as error:
            self.close()
            raise BrokenPluginVideo(str(error)) from error
        except (Exception, SystemExit) as error:
            raise self._broken("opening it", error) from error

    def read(self) -> Shot | None:
        try:
            shot = self._video.read()
        except NoVideo:
            raise
        except (Exception, SystemExit) as error:
            raise self._broken("read", error) from error
        if shot is None:
            return None
        problem = _problem_of(shot, self._clock.now())
        if problem:
            function = f"{type(self._video).__module__}.{type(self._video).__qualname__}.read"
            raise BrokenPluginVideo(f"{self._place}: {function} returned {problem}")
        return Shot(crop_picture(shot[0], self._crop), float(shot[1]))

    def close(self) -> None:
        if self._video is not None:
            with contextlib.suppress(Exception, SystemExit):  # what is broken may not close either
                self._video.close()

    def _broken(self, what: str, error: BaseException) -> BrokenPluginVideo:
        failed = type(self._video) if self._video is not None else getattr(self, "_plugin", None)
        return BrokenPluginVideo(explain_failure(self._place, failed, what, error))


def _problem_of(shot: object, now_s: float) -> str:
    """What is wrong with a Shot, and what is allowed; "" if nothing is."""
    if not isinstance(shot, tuple) or len(shot) != 2:
        return f"{type(shot).__name__}; allowed is None or Shot(picture, at_s)"
    picture, at_s = cast("tuple[Any, Any]", shot)
    if not isinstance(picture, np.ndarray):
        return f"a picture of the type {type(picture).__name__}; allowed is a NumPy array"
    frame = cast(Frame, picture)
    good_shape = frame.ndim == 3 and frame.shape[2] in (3, 4) and frame.size > 0
    if frame.dtype != np.uint8 or not good_shape:
        holes = " with NaN" if frame.dtype.kind == "f" and np.isnan(frame).any() else ""
        return (
            f"a picture of {frame.dtype} {frame.shape}{holes}; allowed is uint8 "
            "(height, width, 3), BGR, or with 4 channels BGRA"
        )
    if not isinstance(at_s, int | float) or not math.isfinite(at_s):
        return f"at_s {at_s!r}; allowed is the time of capture, clock.now()"
    if not -_MAX_AGE_S <= at_s - now_s <= 1e-3:
        return f"at_s {at_s - now_s:+.1f} s from now; allowed is the time of capture, clock.now()"
    return ""
