"""Statistics of the newest frames: mean brightness, and since when the frame is unchanged."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class FrameStatistics:
    """Compares every frame, uint8 (height, width, 3), with the one before it."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._unchanged_since_s = self._brightness = 0.0

    def update(self, frame: NDArray[np.uint8], now_s: float) -> tuple[float, float]:
        """Return the mean brightness (0..255) and the time in seconds of the last change."""
        if self._last is None or not np.array_equal(self._last, frame):
            self._last, self._unchanged_since_s = frame, now_s
            red, green, blue, _ = cv2.mean(frame)
            self._brightness = (red + green + blue) / 3.0
        return self._brightness, self._unchanged_since_s

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON-compatible content. The frame is hexadecimal text."""
        last = None if self._last is None else [list(self._last.shape), self._last.tobytes().hex()]
        numbers = {"same_since_s": self._unchanged_since_s, "brightness": self._brightness}
        return {"last": last} | numbers

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._unchanged_since_s = float(snapshot["same_since_s"])
        self._brightness = float(snapshot["brightness"])
        self._last = None
        if snapshot["last"] is not None:
            shape, text = snapshot["last"]
            self._last = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(shape)
