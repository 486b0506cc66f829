"""A place from above: what is solid, who is where, what the agent looks at. North is up.

Metres, x to the east and z to the north; headings in degrees, clockwise from north.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # red, green, blue, each 0..255
Picture = NDArray[np.uint8]  # (H, W, 3), RGB
Point = tuple[float, float]  # pixels to the right and down
Frame = tuple[int, int, int, int]  # left, top, right, bottom
Points = Sequence[Point] | NDArray[np.floating[Any]]  # (N, 2)

MIN_SIDE_PX = 96
MODE_COLOURS: dict[str, Colour] = {
    "wander": (168, 180, 198),
    "approach": (255, 200, 87),
    "follow": (132, 220, 120),
    "pat": (255, 121, 176),
    "boop": (255, 147, 92),
    "talk": (96, 206, 255),
    "speak": (96, 206, 255),
    "sit": (214, 178, 132),
    "leave": (176, 152, 242),
}
_OTHER_MODE: Colour = (235, 235, 235)
_OUTSIDE: Colour = (20, 23, 31)
_FLOOR: Colour = (44, 50, 63)
_GRID: Colour = (54, 61, 76)
_WALL: Colour = (126, 138, 160)
_INK: Colour = (228, 233, 242)
_FAINT: Colour = (152, 162, 180)
_AGENT: Colour = (255, 238, 178)
_DARK: Colour = (12, 14, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FINE = 4  # what stands still and text are drawn so much larger, then shrunk
_SHIFT = 4  # fractional bits of a pixel: who walks slowly moves smoothly
_VIEW_SHARE = 0.36  # how far the agent's view is drawn, of the map's side
_VIEW_LIGHT = 0.42
_VIEW_RAYS = 96
_EYE_M = 1.3  # what is no higher hides nothing

# Shapes whose nose points north; right and ahead, in sizes of a dot.
_NOSE = ((-0.8, 0.6), (0.0, 1.95), (0.8, 0.6))
_ARROW = ((0.0, 2.1), (1.4, -1.4), (0.0, -0.7), (-1.4, -1.4))
_MOVER = ((0.0, 1.3), (0.8, -0.8), (-0.8, -0.8))


@runtime_checkable
class Round(Protocol):
    """A circle, in metres; its colour 0..1. One that has a low `top` hides nothing behind it."""

    @property
    def x(self) -> float: ...
    @property
    def z(self) -> float: ...
    @property
    def colour(self) -> tuple[float, float, float]: ...
    @property
    def radius(self) -> float: ...


class Block(Protocol):
    """The same with straight sides."""

    @property
    def x(self) -> float: ...
    @property
    def z(self) -> float: ...
    @property
    def colour(self) -> tuple[float, float, float]: ...
    @property
    def half_x(self) -> float: ...
    @property
    def half_z(self) -> float: ...


Solid = Round | Block


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Something small to blend in: colour times coverage, and how much of the ground stays."""

    ink: NDArray[np.uint16]  # (H, W, 3), 0..255 * 256
    stays: NDArray[np.uint16]  # (H, W, 1), 0..256


class Minimap:
    """Draws one place from above: what stands still once, what moves each time."""

    def __init__(
        self, half_m: float, solids: Iterable[Solid], side_px: int = 256, fov_deg: float = 75.0
    ) -> None:
        """The place spans -half_m..half_m; `fov_deg` is the agent's view from left to right.

        Raises ValueError for fewer than MIN_SIDE_PX pixels.
        """
        if side_px < MIN_SIDE_PX:
            raise ValueError(f"side_px {side_px}: a minimap has at least {MIN_SIDE_PX}")
        self._side, self._half_m = side_px, half_m
        self._pad = max(14, round(0.07 * side_px))
        self._px_per_m = (side_px - 2 * self._pad) / (2.0 * half_m)
        self._text_px = max(8, min(15, round(0.018 * side_px + 4.5)))
        self._dot = max(3.0, min(0.25 * self._px_per_m, 0.025 * side_px))
        half_fov = math.radians(0.5 * min(fov_deg, 350.0))
        self._rays = np.linspace(-half_fov, half_fov, _VIEW_RAYS)
        self._light = _light(round(_VIEW_SHARE * side_px))
        self._hides = np.full((side_px, side_px), 255, np.uint8)
        self._still = self._draw_still(sorted(solids, key=_area, reverse=True))

    def draw(self, truth: Mapping[str, Any]) -> Picture:
        """The map now: uint8 (side_px, side_px, 3), RGB.

        `truth` as the stand-in tells it: "agent" and "people" with x, z and heading_deg, people
        also with name, mode and bubble; "patted_by"; "place" with its name; "movers", if any.
        """
        picture, dot = self._still.copy(), self._dot
        agent, people, patter = truth["agent"], truth["people"], truth["patted_by"]
        here = self._at(agent["x"], agent["z"])
        self._draw_view(picture, here, agent["heading_deg"])
        for mover in truth.get("movers", ()):
            x, _, z, heading_deg = mover["pose"]
            _polygon(picture, _turned(self._at(x, z), heading_deg, _MOVER, dot), _FAINT)
        for person in people:
            at = self._at(person["x"], person["z"])
            if person["name"] == patter:
                _disc(picture, at, 2.5 * dot, MODE_COLOURS["pat"], line=max(1, round(0.4 * dot)))
            colour = MODE_COLOURS.get(person["mode"], _OTHER_MODE)
            _dark_rim(picture, _turned(at, person["heading_deg"], _NOSE, dot))
            _disc(picture, at, dot + 1.2, _DARK)
            _polygon(picture, _turned(at, person["heading_deg"], _NOSE, dot), colour)
            _disc(picture, at, dot, colour)
        arrow = _turned(here, agent["heading_deg"], _ARROW, dot)
        _dark_rim(picture, arrow)
        _polygon(picture, arrow, _AGENT)
        self._label(picture, people, here)
        name = _text(str(truth["place"]["name"]), _INK, self._text_px)
        _put(picture, name, self._pad - 2, (self._pad - len(name.ink)) // 2)
        return picture

    def _at(self, x: float, z: float) -> Point:
        """The pixel of a place, never outside of the picture."""
        limit, middle = 1.05 * self._half_m, 0.5 * self._side
        x, z = min(limit, max(-limit, x)), min(limit, max(-limit, z))
        return middle + x * self._px_per_m, middle - z * self._px_per_m

    def _draw_view(self, picture: Picture, here: Point, heading_deg: float) -> None:
        """Light ahead of the agent, as far as nothing is in the way; it fades with distance."""
        reach = len(self._light) // 2
        angles = math.radians(heading_deg) + self._rays
        right, down = np.sin(angles)[:, None], -np.cos(angles)[:, None]
        away = np.arange(1, reach + 1)
        limit = self._side - 1
        columns = np.clip((here[0] + right * away).astype(np.intp), 0, limit)
        rows = np.clip((here[1] + down * away).astype(np.intp), 0, limit)
        hidden = self._hides[rows, columns] > 127
        hidden[:, -1] = True
        far = away[hidden.argmax(axis=1)][:, None] + 1.0  # the face of what is in the way is lit
        left, top = round(here[0]) - reach, round(here[1]) - reach
        eye = np.asarray([[here[0] - left, here[1] - top]])
        wedge = np.zeros_like(self._light)
        outline = np.concatenate([eye, eye + np.hstack([right, down]) * far])
        _polygon(wedge, outline, (255, 255, 255))
        lit = cv2.multiply(wedge, self._light, wedge, 1.0 / 255.0)
        part, ground = _cut(picture, left, top, *self._light.shape[:2])
        cv2.add(ground, lit[part], ground)

    def _label(self, picture: Picture, people: Sequence[Mapping[str, Any]], here: Point) -> None:
        """Names where they cover least; in the mode's colour, with dots for one who speaks."""
        gap = round(1.9 * self._dot) + 1
        taken = [_around(here, gap)]
        taken += [_around(self._at(p["x"], p["z"]), round(self._dot)) for p in people]
        for person in people:
            text = person["name"] + (" ..." if person["bubble"] else "")
            colour = MODE_COLOURS.get(person["mode"], _OTHER_MODE)
            stamp = _text(text, _lightened(colour), self._text_px)
            high, wide = stamp.ink.shape[:2]
            x, y = self._at(person["x"], person["z"])
            corners = (
                (x + gap, y - high / 2),
                (x - gap - wide, y - high / 2),
                (x - wide / 2, y - gap - high),
                (x - wide / 2, y + gap),
            )
            best, least = (0, 0, 0, 0), math.inf
            for corner in corners:
                place = self._kept_inside(*corner, wide, high)
                covered = sum(_overlap(place, each) for each in taken)
                if covered < least:
                    best, least = place, covered
                if not covered:
                    break
            taken.append(best)
            _put(picture, stamp, best[0], best[1])

    def _kept_inside(self, left: float, top: float, wide: int, high: int) -> Frame:
        x = max(1, min(self._side - 1 - wide, round(left)))
        y = max(1, min(self._side - 1 - high, round(top)))
        return x, y, x + wide, y + high

    def _draw_still(self, solids: Sequence[Solid]) -> Picture:
        fine = np.full((self._side * _FINE, self._side * _FINE, 3), _OUTSIDE, np.uint8)
        low, high = self._pad * _FINE, (self._side - self._pad) * _FINE
        scale = self._px_per_m * _FINE
        inside = fine[low:high, low:high]
        inside[:] = _FLOOR
        step_m = _round_length(12 / self._px_per_m)
        for i in range(-int(self._half_m / step_m), int(self._half_m / step_m) + 1):
            at = round((self._half_m + i * step_m) * scale)
            inside[:, max(0, at - 2) : at + 2] = inside[max(0, at - 2) : at + 2] = _GRID
        shade = np.zeros(inside.shape[:2], np.uint8)
        for solid in solids:
            _fill(shade, solid, self._half_m, scale, (255,), grown=0.5 * _FINE)
        shade = cv2.GaussianBlur(shade, (0, 0), 1.6 * _FINE)[..., None]
        inside[:] = inside * (1.0 - shade * (0.5 / 255.0))
        for solid in solids:
            rim, body = _tones(solid.colour)
            _fill(inside, solid, self._half_m, scale, rim)
            _fill(inside, solid, self._half_m, scale, body, grown=-1.0 * _FINE)
        self._hides[self._pad : -self._pad, self._pad : -self._pad] = self._hidden(solids)
        line = max(_FINE, round(0.006 * len(fine)))
        edge = line // 2
        cv2.rectangle(fine, (low - edge, low - edge), (high + edge, high + edge), _WALL, line)
        small = cv2.resize(fine, (self._side, self._side), interpolation=cv2.INTER_AREA)
        picture = np.asarray(small, np.uint8)
        self._draw_margins(picture)
        return picture

    def _hidden(self, solids: Sequence[Solid]) -> NDArray[np.uint8]:
        """255 where one cannot look through, in pixels of the floor."""
        side = self._side - 2 * self._pad
        found = np.zeros((side, side), np.uint8)
        for solid in solids:
            if getattr(solid, "top", math.inf) > _EYE_M > getattr(solid, "bottom", -math.inf):
                _fill(found, solid, self._half_m, self._px_per_m, (255,))
        return found

    def _draw_margins(self, picture: Picture) -> None:
        """Where north is, and how long a metre."""
        side, pad = self._side, self._pad
        letter = _text("N", _INK, self._text_px)
        size = 0.16 * pad
        tip = (side - pad - 1.4 * size, 0.5 * pad)
        _polygon(picture, _turned(tip, 0.0, _ARROW, size), _INK)
        left = round(tip[0] - 1.6 * size - letter.ink.shape[1])
        _put(picture, letter, left, (pad - len(letter.ink)) // 2)
        length_m = _round_length(0.16 * side / self._px_per_m)
        wide, y, tick = round(length_m * self._px_per_m), side - pad // 2, max(2, pad // 6)
        picture[y, pad : pad + wide + 1] = _FAINT
        picture[y - tick : y + tick + 1, [pad, pad + wide]] = _FAINT
        text = _text(f"{length_m:g} m", _FAINT, self._text_px)
        _put(picture, text, pad + wide + 4, y - len(text.ink) // 2)


def _area(solid: Solid) -> float:
    if isinstance(solid, Round):
        return math.pi * solid.radius**2
    return 4.0 * solid.half_x * solid.half_z


def _fill(
    picture: Picture,
    solid: Solid,
    half_m: float,
    scale: float,
    colour: tuple[int, ...],
    grown: float = 0.0,
) -> None:
    """Into a picture of the floor alone, `scale` pixels to a metre."""
    x, y = (half_m + solid.x) * scale, (half_m - solid.z) * scale
    if isinstance(solid, Round):
        _disc(picture, (x, y), max(0.4 * _FINE, solid.radius * scale + grown), colour)
        return
    reach_x = max(0.4 * _FINE, solid.half_x * scale + grown)
    reach_y = max(0.4 * _FINE, solid.half_z * scale + grown)
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    _polygon(picture, [(x + sx * reach_x, y + sy * reach_y) for sx, sy in corners], colour)


def _tones(colour: tuple[float, float, float]) -> tuple[Colour, Colour]:
    """Rim and body of a solid: its own colour, calmer than those of people."""
    grey = sum(colour) / 3.0
    calm = [255.0 * (0.10 + 0.58 * (0.75 * part + 0.25 * grey)) for part in colour]
    red, green, blue = (round(part) for part in calm)
    rim = _lightened((red, green, blue), 0.3)
    return rim, (red, green, blue)


def _lightened(colour: Colour, share: float = 0.45) -> Colour:
    red, green, blue = (round(part + share * (255 - part)) for part in colour)
    return red, green, blue


def _round_length(at_least: float) -> float:
    """The next of ... 0.5, 1, 2, 5, 10 ..."""
    ten = 10.0 ** math.floor(math.log10(at_least))
    return next(step * ten for step in (1.0, 2.0, 5.0, 10.0) if step * ten >= at_least * 0.999)


def _light(reach: int) -> Picture:
    """How bright it is around the agent: (2 reach + 1, 2 reach + 1, 3)."""
    along = np.arange(-reach, reach + 1) / reach
    away = np.sqrt(along[:, None] ** 2 + along**2)[..., None]
    return (_VIEW_LIGHT * np.clip(1.0 - away, 0.0, 1.0) ** 0.8 * _AGENT).astype(np.uint8)


def _turned(at: Point, heading_deg: float, shape: Sequence[Point], size: float) -> list[Point]:
    """Right and ahead of `at`, as pixels."""
    angle = math.radians(heading_deg)
    sine, cosine = size * math.sin(angle), size * math.cos(angle)
    return [
        (at[0] + right * cosine + ahead * sine, at[1] + right * sine - ahead * cosine)
        for right, ahead in shape
    ]


def _polygon(picture: Picture, points: Points, colour: tuple[int, ...]) -> None:
    cv2.fillPoly(picture, [_fixed(points)], colour, cv2.LINE_AA, _SHIFT)


def _dark_rim(picture: Picture, points: Sequence[Point]) -> None:
    cv2.polylines(picture, [_fixed(points)], True, _DARK, 3, cv2.LINE_AA, _SHIFT)


def _disc(
    picture: Picture, at: Point, radius: float, colour: tuple[int, ...], line: int = cv2.FILLED
) -> None:
    x, y = _fixed([at])[0].tolist()
    cv2.circle(picture, (x, y), round(radius * (1 << _SHIFT)), colour, line, cv2.LINE_AA, _SHIFT)


def _fixed(points: Points) -> NDArray[np.int32]:
    """OpenCV counts from the middle of a pixel, we from its corner."""
    return np.rint((np.asarray(points) - 0.5) * (1 << _SHIFT)).astype(np.int32)


@lru_cache(maxsize=512)
def _text(text: str, colour: Colour, height_px: int) -> _Stamp:
    """Capitals of that height, with a dark halo, so that it is read on anything. ASCII."""
    size = cv2.getFontScaleFromHeight(_FONT, height_px * _FINE, 1)
    line = max(1, round(0.16 * height_px * _FINE))
    (wide, high), below = cv2.getTextSize(text, _FONT, size, line)
    edge = 2 * _FINE
    rows, columns = -(-(high + below + 2 * edge) // _FINE), -(-(wide + 2 * edge) // _FINE)
    fine = np.zeros((rows * _FINE, columns * _FINE), np.uint8)
    cv2.putText(fine, text, (edge, edge + high), _FONT, size, 255, line, cv2.LINE_AA)
    round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge + 1, edge + 1))
    ink, halo = (
        cv2.resize(layer, (columns, rows), interpolation=cv2.INTER_AREA)[..., None] / 255.0
        for layer in (fine, cv2.dilate(fine, round_brush))
    )
    halo = np.maximum(ink, 0.75 * halo)
    mixed = 256.0 * (ink * np.asarray(colour) + (halo - ink) * np.asarray(_DARK))
    return _Stamp(mixed.astype(np.uint16), 256 - np.asarray(256.0 * halo, np.uint16))


def _put(picture: Picture, stamp: _Stamp, left: int, top: int) -> None:
    """Blend in; what lies outside is cut off."""
    part, ground = _cut(picture, left, top, *stamp.ink.shape[:2])
    ground[:] = (ground * stamp.stays[part] + stamp.ink[part]) >> 8


def _cut(
    picture: Picture, left: int, top: int, high: int, wide: int
) -> tuple[tuple[slice, slice], Picture]:
    """Which part of something so large lies in the picture, and where in the picture it does."""
    x0, x1 = max(0, left), max(0, min(picture.shape[1], left + wide))
    y0, y1 = max(0, top), max(0, min(picture.shape[0], top + high))
    part = (slice(y0 - top, max(y0, y1) - top), slice(x0 - left, max(x0, x1) - left))
    return part, picture[y0:y1, x0:x1]


def _around(at: Point, reach: int) -> Frame:
    x, y = round(at[0]), round(at[1])
    return x - reach, y - reach, x + reach, y + reach


def _overlap(one: Frame, other: Frame) -> int:
    if one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]:
        return 0
    wide = min(one[2], other[2]) - max(one[0], other[0])
    return wide * (min(one[3], other[3]) - max(one[1], other[1]))
