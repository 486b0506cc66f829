"""What a glance tells of a picture: how bright it is, and since when it has been the same."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class Look:
    """Compares every picture, uint8 (height, width, 3), with the one before it."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._same_since_s = self._brightness = 0.0

    def at(self, picture: NDArray[np.uint8], now: float) -> tuple[float, float]:
        """Mean brightness (0..255), and since when the picture has not changed (seconds)."""
        if self._last is None or not np.array_equal(self._last, picture):
            self._last, self._same_since_s = picture, now
            red, green, blue, _ = cv2.mean(picture)
            self._brightness = (red + green + blue) / 3.0
        return self._brightness, self._same_since_s

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; a picture is kept as text, and only its sameness matters."""
        last = None if self._last is None else [list(self._last.shape), self._last.tobytes().hex()]
        kept = {"same_since_s": self._same_since_s, "brightness": self._brightness}
        return {"last": last} | kept

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._same_since_s = float(snapshot["same_since_s"])
        self._brightness = float(snapshot["brightness"])
        self._last = None
        if snapshot["last"] is not None:
            shape, text = snapshot["last"]
            self._last = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(shape)
