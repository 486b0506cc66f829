"""Warnings that can repeat many times per second, but fill no log."""

import threading
from collections.abc import Callable

from loguru import logger


class LimitedLog:
    """Logs the first warning at once, and then at most one per `every_s` seconds.

    A later line says how many were left out before it. `now`: a clock, in seconds.
    `in_background`: a thread writes the line, so that the caller does not wait for the log file.
    """

    def __init__(
        self, now: Callable[[], float], every_s: float = 60.0, *, in_background: bool = False
    ) -> None:
        self._now, self._every_s, self._in_background = now, every_s, in_background
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
        if self._in_background:
            line = ("{}{}", text, more)
            threading.Thread(target=logger.warning, args=line, name="log", daemon=True).start()
        else:
            logger.warning("{}{}", text, more)
