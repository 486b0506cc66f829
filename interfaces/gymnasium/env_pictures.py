"""Turns the pictures of an environment into RGB uint8, or says what is wrong with them."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import BadInput

_CHANNELS = (1, 3, 4)
_MIN_SIDE = 16  # pixels; a smaller grid of floats or without channels is a table, not a picture
_ALLOWED = (
    "a picture is (height, width), (height, width, 1, 3 or 4) or (1 or 3, height, width), uint8 or "
    "float from 0 to 1, or a stack of these with the newest last"
)
_ROUNDING = 1e-3  # floats may exceed their range by so much


def is_picture_space(space: spaces.Space[Any] | None) -> bool:
    """Whether the space holds pictures.

    These are uint8, or floats from 0 to 1 or to 255, in a shape that `layout_of` knows. Without
    channels, with channels first, stacked or as floats, both sides have at least 16 pixels.
    """
    if not isinstance(space, spaces.Box):
        return False
    shape = space.shape
    if space.dtype == np.uint8 and len(shape) == 3 and shape[2] in (1, 3):
        return True
    sides = layout_of(shape)
    if sides is None or min(sides[1]) < _MIN_SIDE:
        return False
    if space.dtype == np.uint8:
        return True
    floats = np.issubdtype(space.dtype, np.floating) and len(shape) >= 3
    return bool(floats and (space.low == 0).all() and (np.isin(space.high, (1.0, 255.0))).all())


def layout_of(shape: tuple[int, ...]) -> tuple[str, tuple[int, int]] | None:
    """What the axes of a picture mean, and its (height, width); None for no picture.

    The kinds are "grey" (H, W), "colours" (H, W, C), "channels first" (C, H, W), and "stack" of N
    such pictures. A stack of grey pictures is (N, H, W), with N neither 1 nor 3.
    """
    if len(shape) == 2:
        return "grey", (shape[0], shape[1])
    if len(shape) == 3 and shape[2] in _CHANNELS:
        return "colours", (shape[0], shape[1])
    if len(shape) == 3 and shape[0] in (1, 3):
        return "channels first", (shape[1], shape[2])
    if len(shape) == 3 and shape[0] <= _MIN_SIDE <= min(shape[1:]):
        return "stack", (shape[1], shape[2])
    if len(shape) == 4 and (inner := layout_of(shape[1:])) and inner[0] != "stack":
        return "stack", inner[1]
    return None


class EnvPictures:
    """Converts the pictures of one environment. `declared`: their space; None for render().

    `warn` gets one line when a picture differs from the declared one and still has a plain meaning.
    """

    def __init__(self, name: str, declared: spaces.Box | None, warn: Callable[[str], None]) -> None:
        self._name, self._declared, self._warn = name, declared, warn
        self._warned = False
        # the largest value of a float picture; None until a picture shows it
        self._full: float | None = None
        if declared is not None and np.issubdtype(declared.dtype, np.floating):
            self._full = float(declared.high.max())

    def convert(self, picture: Any) -> NDArray[np.uint8]:
        """RGB uint8 (height, width, 3) with the sides of `picture`.

        Raises BadInput, which names the environment, what it gave and what was declared.
        """
        if picture is None:
            raise BadInput(f"{self._name}: its picture is None: {_ALLOWED}")
        try:
            array = np.asarray(picture)
        except ValueError as error:
            raise BadInput(f"{self._name}: its picture is no array ({error}): {_ALLOWED}") from None
        layout = layout_of(array.shape)
        if layout is None or array.size == 0 or array.dtype.kind not in "buif":
            raise BadInput(f"{self._name}: its picture is {self._against(array)}: {_ALLOWED}")
        declared = self._declared
        if declared is not None and (array.shape, array.dtype) != (declared.shape, declared.dtype):
            self._warn_once(f"its picture is {self._against(array)}: it is converted")
        while array.ndim > 3 or (array.ndim == 3 and layout[0] == "stack"):
            array = array[-1]  # the newest picture
            layout = layout_of(array.shape) or layout
        if layout[0] == "channels first":
            array = np.moveaxis(array, 0, 2)
        return _as_rgb(self._as_bytes(array))

    def _as_bytes(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        if array.dtype == np.uint8:
            return array
        if array.dtype == np.bool_:
            return array.astype(np.uint8) * np.uint8(255)
        low, high = float(array.min()), float(array.max())
        full = 255.0
        if array.dtype.kind == "f":
            if not (np.isfinite(low) and np.isfinite(high)):
                wrong = "NaN" if np.isnan(array).any() else "infinite"
                raise BadInput(f"{self._name}: a value of its picture is {wrong}")
            if self._full is None and high > 0.0:
                self._full = 1.0 if high <= 1.0 + _ROUNDING else 255.0
            full = self._full or 1.0
        if low < -_ROUNDING * full or high > full * (1.0 + _ROUNDING):
            before = ", as before," if array.dtype.kind == "f" and self._declared is None else ""
            raise BadInput(
                f"{self._name}: its picture is {array.dtype} from {low:g} to {high:g}; "
                f"0 to {full:g}{before} is allowed"
            )
        return np.clip(np.rint(array * (255.0 / full)), 0.0, 255.0).astype(np.uint8)

    def _against(self, array: NDArray[Any]) -> str:
        given = f"{array.shape} {array.dtype}"
        if self._declared is None:
            return given
        return f"{given}, {self._declared.shape} {self._declared.dtype} was declared"

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"{self._name}: {text}")


def _as_rgb(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB of uint8 (height, width) or (height, width, 1, 3 or 4); the fourth channel is dropped."""
    if array.ndim == 2 or array.shape[2] == 1:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_GRAY2RGB), np.uint8)
    return np.ascontiguousarray(array[..., :3])
