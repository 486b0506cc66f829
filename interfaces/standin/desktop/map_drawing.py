"""Drawing on the minimap: polygons, discs, text and solids, with parts of a pixel. OpenCV only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # red, green, blue, each 0..255
Picture = NDArray[np.uint8]  # (H, W, 3), RGB
Point = tuple[float, float]  # pixels to the right and down
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom
Points = Sequence[Point] | NDArray[np.floating[Any]]  # (N, 2)

FINE = 4  # the static picture and text are drawn so many times larger, then shrunk
DARK: Colour = (12, 14, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHIFT = 4  # fractional bits of a pixel, so that slow motion looks smooth


@runtime_checkable
class RoundSolid(Protocol):
    """A circle seen from above, in metres; its colour is 0..1."""

    @property
    def x(self) -> float:
        """Metres east."""
        ...

    @property
    def z(self) -> float:
        """Metres north."""
        ...

    @property
    def colour(self) -> tuple[float, float, float]:
        """Red, green, blue, each 0..1."""
        ...

    @property
    def radius(self) -> float:
        """Metres."""
        ...


class BoxSolid(Protocol):
    """A rectangle seen from above, in metres; its colour is 0..1."""

    @property
    def x(self) -> float: ...
    @property
    def z(self) -> float: ...
    @property
    def colour(self) -> tuple[float, float, float]: ...
    @property
    def half_x(self) -> float:
        """Half its size from west to east, metres."""
        ...

    @property
    def half_z(self) -> float:
        """Half its size from south to north, metres."""
        ...


MapSolid = RoundSolid | BoxSolid


@dataclass(frozen=True, slots=True)
class Label:
    """A small picture to blend in: its colour times coverage, and the weight of the ground."""

    ink: NDArray[np.uint16]  # (H, W, 3), 0..255 * 256
    ground_weight: NDArray[np.uint16]  # (H, W, 1), 0..256


def area_of(solid: MapSolid) -> float:
    """Square metres."""
    if isinstance(solid, RoundSolid):
        return math.pi * solid.radius**2
    return 4.0 * solid.half_x * solid.half_z


def fill_solid(
    picture: Picture,
    solid: MapSolid,
    half_m: float,
    scale: float,
    colour: tuple[int, ...],
    grown: float = 0.0,
) -> None:
    """Fill a solid in a picture of the floor alone: `scale` pixels per metre, `grown` by pixels."""
    x, y = (half_m + solid.x) * scale, (half_m - solid.z) * scale
    if isinstance(solid, RoundSolid):
        draw_disc(picture, (x, y), max(0.4 * FINE, solid.radius * scale + grown), colour)
        return
    reach_x = max(0.4 * FINE, solid.half_x * scale + grown)
    reach_y = max(0.4 * FINE, solid.half_z * scale + grown)
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    fill_polygon(picture, [(x + sx * reach_x, y + sy * reach_y) for sx, sy in corners], colour)


def rim_and_body(colour: tuple[float, float, float]) -> tuple[Colour, Colour]:
    """Colours of a solid's rim and body: its own colour, duller than the colours of people."""
    grey = sum(colour) / 3.0
    dull = [255.0 * (0.10 + 0.58 * (0.75 * part + 0.25 * grey)) for part in colour]
    red, green, blue = (round(part) for part in dull)
    rim = lightened((red, green, blue), 0.3)
    return rim, (red, green, blue)


def lightened(colour: Colour, share: float = 0.45) -> Colour:
    """The colour mixed with white, `share` 0..1 of it."""
    red, green, blue = (round(part + share * (255 - part)) for part in colour)
    return red, green, blue


def turned(at: Point, heading_deg: float, shape: Sequence[Point], size: float) -> list[Point]:
    """The pixels of a shape given as (right, ahead) of `at` in units of `size` pixels."""
    angle = math.radians(heading_deg)
    sine, cosine = size * math.sin(angle), size * math.cos(angle)
    return [
        (at[0] + right * cosine + ahead * sine, at[1] + right * sine - ahead * cosine)
        for right, ahead in shape
    ]


def fill_polygon(picture: Picture, points: Points, colour: tuple[int, ...]) -> None:
    """Fill a polygon; points (N, 2) in pixels."""
    cv2.fillPoly(picture, [_fixed_point(points)], colour, cv2.LINE_AA, _SHIFT)


def draw_dark_outline(picture: Picture, points: Sequence[Point]) -> None:
    """Draw a dark line around a polygon, so that it is visible on any ground."""
    cv2.polylines(picture, [_fixed_point(points)], True, DARK, 3, cv2.LINE_AA, _SHIFT)


def draw_disc(
    picture: Picture, at: Point, radius: float, colour: tuple[int, ...], line: int = cv2.FILLED
) -> None:
    """A disc, or a circle of `line` pixels."""
    x, y = _fixed_point([at])[0].tolist()
    cv2.circle(picture, (x, y), round(radius * (1 << _SHIFT)), colour, line, cv2.LINE_AA, _SHIFT)


@lru_cache(maxsize=512)
def text_label(text: str, colour: Colour, height_px: int) -> Label:
    """ASCII text with capitals of `height_px`, and a dark halo that keeps it readable anywhere."""
    size = cv2.getFontScaleFromHeight(_FONT, height_px * FINE, 1)
    line = max(1, round(0.16 * height_px * FINE))
    (width, height), below = cv2.getTextSize(text, _FONT, size, line)
    edge = 2 * FINE
    rows, columns = -(-(height + below + 2 * edge) // FINE), -(-(width + 2 * edge) // FINE)
    fine = np.zeros((rows * FINE, columns * FINE), np.uint8)
    cv2.putText(fine, text, (edge, edge + height), _FONT, size, 255, line, cv2.LINE_AA)
    round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge + 1, edge + 1))
    ink, halo = (
        cv2.resize(layer, (columns, rows), interpolation=cv2.INTER_AREA)[..., None] / 255.0
        for layer in (fine, cv2.dilate(fine, round_brush))
    )
    halo = np.maximum(ink, 0.75 * halo)
    mixed = 256.0 * (ink * np.asarray(colour) + (halo - ink) * np.asarray(DARK))
    return Label(mixed.astype(np.uint16), 256 - np.asarray(256.0 * halo, np.uint16))


def put_label(picture: Picture, label: Label, left: int, top: int) -> None:
    """Blend a label in; parts outside the picture are cut off."""
    part, ground = overlap_with(picture, left, top, *label.ink.shape[:2])
    ground[:] = (ground * label.ground_weight[part] + label.ink[part]) >> 8


def overlap_with(
    picture: Picture, left: int, top: int, height: int, width: int
) -> tuple[tuple[slice, slice], Picture]:
    """Where a rectangle overlaps the picture: that part of the rectangle, and of the picture."""
    x0, x1 = max(0, left), max(0, min(picture.shape[1], left + width))
    y0, y1 = max(0, top), max(0, min(picture.shape[0], top + height))
    part = (slice(y0 - top, max(y0, y1) - top), slice(x0 - left, max(x0, x1) - left))
    return part, picture[y0:y1, x0:x1]


def square_around(at: Point, reach: int) -> Rectangle:
    """The square with its centre at a point and sides of 2 `reach` pixels."""
    x, y = round(at[0]), round(at[1])
    return x - reach, y - reach, x + reach, y + reach


def common_area(one: Rectangle, other: Rectangle) -> int:
    """Square pixels that both rectangles cover."""
    if one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]:
        return 0
    width = min(one[2], other[2]) - max(one[0], other[0])
    return width * (min(one[3], other[3]) - max(one[1], other[1]))


def _fixed_point(points: Points) -> NDArray[np.int32]:
    """Fixed-point pixels. OpenCV counts from the middle of a pixel, this module from its corner."""
    return np.rint((np.asarray(points) - 0.5) * (1 << _SHIFT)).astype(np.int32)
