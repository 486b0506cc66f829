"""Warnings that can repeat many times per second, but fill no log."""

from collections.abc import Callable

from loguru import logger


class LimitedLog:
    """Logs the first warning at once, and then at most one per `every_s` seconds.

    A later line says how many were left out before it. `now`: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float], every_s: float = 60.0) -> None:
        self._now, self._every_s = now, every_s
        self._logged_s: float | None = None
        self._left_out = 0

    def warn(self, text: str) -> None:
        """Log the text as a warning, unless another one was logged within `every_s` seconds."""
        now = self._now()
        if self._logged_s is not None and now - self._logged_s < self._every_s:
            self._left_out += 1
            return
        more = f" ({self._left_out} more warnings since the last line)" if self._left_out else ""
        self._logged_s, self._left_out = now, 0
        logger.warning("{}{}", text, more)
