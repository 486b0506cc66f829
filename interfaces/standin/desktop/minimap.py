"""A place from above: solids, people, the agent and its field of view. North is up.

Metres, x to the east and z to the north; headings in degrees, clockwise from north.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interfaces.standin.desktop.map_drawing import (
    DARK,
    FINE,
    Colour,
    MapSolid,
    Picture,
    Point,
    Rectangle,
    area_of,
    common_area,
    draw_dark_outline,
    draw_disc,
    fill_polygon,
    fill_solid,
    lightened,
    overlap_with,
    put_label,
    rim_and_body,
    square_around,
    text_label,
    turned,
)

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
_VIEW_SHARE = 0.36  # length of the drawn field of view, as a share of the map's side
_VIEW_LIGHT = 0.42
_VIEW_RAYS = 96
_EYE_M = 1.3  # lower solids hide nothing

# Shapes that point north: (right, ahead) in units of a dot's radius.
_NOSE = ((-0.8, 0.6), (0.0, 1.95), (0.8, 0.6))
_ARROW = ((0.0, 2.1), (1.4, -1.4), (0.0, -0.7), (-1.4, -1.4))
_MOVER = ((0.0, 1.3), (0.8, -0.8), (-0.8, -0.8))


class Minimap:
    """Draws one place from above: its static parts once, the moving parts on each call."""

    def __init__(
        self, half_m: float, solids: Iterable[MapSolid], side_px: int = 256, fov_deg: float = 75.0
    ) -> None:
        """The place spans -half_m..half_m; `fov_deg` is the agent's horizontal field of view.

        A solid may also have `top` and `bottom` in metres; without them it is endlessly high.
        Raises ValueError for fewer than MIN_SIDE_PX pixels.
        """
        if side_px < MIN_SIDE_PX:
            raise ValueError(f"side_px {side_px}: a minimap needs at least {MIN_SIDE_PX}")
        self._side, self._half_m = side_px, half_m
        self._pad = max(14, round(0.07 * side_px))
        self._px_per_m = (side_px - 2 * self._pad) / (2.0 * half_m)
        self._text_px = max(8, min(15, round(0.018 * side_px + 4.5)))
        self._dot = max(3.0, min(0.25 * self._px_per_m, 0.025 * side_px))
        half_fov = math.radians(0.5 * min(fov_deg, 350.0))
        self._rays = np.linspace(-half_fov, half_fov, _VIEW_RAYS)
        self._light = _light(round(_VIEW_SHARE * side_px))
        self._hides = np.full((side_px, side_px), 255, np.uint8)
        self._static = self._draw_static(sorted(solids, key=area_of, reverse=True))

    def draw(self, truth: Mapping[str, Any]) -> Picture:
        """The map now: uint8 (side_px, side_px, 3), RGB.

        Uses these keys of the stand-in's truth. "agent" and "people": x, z and heading_deg; people
        also name, mode and bubble. "patted_by"; the name in "place"; "movers", if any.
        """
        picture, dot = self._static.copy(), self._dot
        agent, people, patter = truth["agent"], truth["people"], truth["patted_by"]
        here = self._pixel(agent["x"], agent["z"])
        self._draw_view(picture, here, agent["heading_deg"])
        for mover in truth.get("movers", ()):
            x, _, z, heading_deg = mover["pose"]
            fill_polygon(picture, turned(self._pixel(x, z), heading_deg, _MOVER, dot), _FAINT)
        for person in people:
            at = self._pixel(person["x"], person["z"])
            if person["name"] == patter:
                line = max(1, round(0.4 * dot))
                draw_disc(picture, at, 2.5 * dot, MODE_COLOURS["pat"], line=line)
            colour = MODE_COLOURS.get(person["mode"], _OTHER_MODE)
            draw_dark_outline(picture, turned(at, person["heading_deg"], _NOSE, dot))
            draw_disc(picture, at, dot + 1.2, DARK)
            fill_polygon(picture, turned(at, person["heading_deg"], _NOSE, dot), colour)
            draw_disc(picture, at, dot, colour)
        arrow = turned(here, agent["heading_deg"], _ARROW, dot)
        draw_dark_outline(picture, arrow)
        fill_polygon(picture, arrow, _AGENT)
        self._draw_names(picture, people, here)
        name = text_label(str(truth["place"]["name"]), _INK, self._text_px)
        put_label(picture, name, self._pad - 2, (self._pad - len(name.ink)) // 2)
        return picture

    def _pixel(self, x: float, z: float) -> Point:
        """The pixel of a point; a point outside is moved to the edge."""
        limit, middle = 1.05 * self._half_m, 0.5 * self._side
        x, z = min(limit, max(-limit, x)), min(limit, max(-limit, z))
        return middle + x * self._px_per_m, middle - z * self._px_per_m

    def _draw_view(self, picture: Picture, here: Point, heading_deg: float) -> None:
        """Light ahead of the agent, up to the first high solid; it fades with distance."""
        reach = len(self._light) // 2
        angles = math.radians(heading_deg) + self._rays
        right, down = np.sin(angles)[:, None], -np.cos(angles)[:, None]
        away = np.arange(1, reach + 1)
        limit = self._side - 1
        columns = np.clip((here[0] + right * away).astype(np.intp), 0, limit)
        rows = np.clip((here[1] + down * away).astype(np.intp), 0, limit)
        hidden = self._hides[rows, columns] > 127
        hidden[:, -1] = True
        far = away[hidden.argmax(axis=1)][:, None] + 1.0  # the face of the solid is lit, too
        left, top = round(here[0]) - reach, round(here[1]) - reach
        eye = np.asarray([[here[0] - left, here[1] - top]])
        wedge = np.zeros_like(self._light)
        outline = np.concatenate([eye, eye + np.hstack([right, down]) * far])
        fill_polygon(wedge, outline, (255, 255, 255))
        lit = cv2.multiply(wedge, self._light, wedge, 1.0 / 255.0)
        part, ground = overlap_with(picture, left, top, *self._light.shape[:2])
        cv2.add(ground, lit[part], ground)

    def _draw_names(
        self, picture: Picture, people: Sequence[Mapping[str, Any]], here: Point
    ) -> None:
        """Names in the mode's colour, where they cover least; dots mark a person who speaks."""
        gap = round(1.9 * self._dot) + 1
        taken = [square_around(here, gap)]
        taken += [square_around(self._pixel(p["x"], p["z"]), round(self._dot)) for p in people]
        for person in people:
            text = person["name"] + (" ..." if person["bubble"] else "")
            colour = MODE_COLOURS.get(person["mode"], _OTHER_MODE)
            label = text_label(text, lightened(colour), self._text_px)
            height, width = label.ink.shape[:2]
            x, y = self._pixel(person["x"], person["z"])
            corners = (
                (x + gap, y - height / 2),
                (x - gap - width, y - height / 2),
                (x - width / 2, y - gap - height),
                (x - width / 2, y + gap),
            )
            best, least = (0, 0, 0, 0), math.inf
            for corner in corners:
                rectangle = self._moved_inside(*corner, width, height)
                covered = sum(common_area(rectangle, each) for each in taken)
                if covered < least:
                    best, least = rectangle, covered
                if not covered:
                    break
            taken.append(best)
            put_label(picture, label, best[0], best[1])

    def _moved_inside(self, left: float, top: float, width: int, height: int) -> Rectangle:
        x = max(1, min(self._side - 1 - width, round(left)))
        y = max(1, min(self._side - 1 - height, round(top)))
        return x, y, x + width, y + height

    def _draw_static(self, solids: Sequence[MapSolid]) -> Picture:
        """Floor, grid, solids, walls and margins; also fills `_hides`."""
        fine = np.full((self._side * FINE, self._side * FINE, 3), _OUTSIDE, np.uint8)
        low, high = self._pad * FINE, (self._side - self._pad) * FINE
        scale = self._px_per_m * FINE
        inside = fine[low:high, low:high]
        inside[:] = _FLOOR
        step_m = _round_length(12 / self._px_per_m)
        for i in range(-int(self._half_m / step_m), int(self._half_m / step_m) + 1):
            at = round((self._half_m + i * step_m) * scale)
            inside[:, max(0, at - 2) : at + 2] = inside[max(0, at - 2) : at + 2] = _GRID
        shade = np.zeros(inside.shape[:2], np.uint8)
        for solid in solids:
            fill_solid(shade, solid, self._half_m, scale, (255,), grown=0.5 * FINE)
        shade = cv2.GaussianBlur(shade, (0, 0), 1.6 * FINE)[..., None]
        inside[:] = inside * (1.0 - shade * (0.5 / 255.0))
        for solid in solids:
            rim, body = rim_and_body(solid.colour)
            fill_solid(inside, solid, self._half_m, scale, rim)
            fill_solid(inside, solid, self._half_m, scale, body, grown=-1.0 * FINE)
        self._hides[self._pad : -self._pad, self._pad : -self._pad] = self._hidden(solids)
        line = max(FINE, round(0.006 * len(fine)))
        edge = line // 2
        cv2.rectangle(fine, (low - edge, low - edge), (high + edge, high + edge), _WALL, line)
        small = cv2.resize(fine, (self._side, self._side), interpolation=cv2.INTER_AREA)
        picture = np.asarray(small, np.uint8)
        self._draw_margins(picture)
        return picture

    def _hidden(self, solids: Sequence[MapSolid]) -> NDArray[np.uint8]:
        """255 where a solid blocks the view, in pixels of the floor."""
        side = self._side - 2 * self._pad
        mask = np.zeros((side, side), np.uint8)
        for solid in solids:
            if getattr(solid, "top", math.inf) > _EYE_M > getattr(solid, "bottom", -math.inf):
                fill_solid(mask, solid, self._half_m, self._px_per_m, (255,))
        return mask

    def _draw_margins(self, picture: Picture) -> None:
        """The north arrow and the scale bar."""
        side, pad = self._side, self._pad
        letter = text_label("N", _INK, self._text_px)
        size = 0.16 * pad
        tip = (side - pad - 1.4 * size, 0.5 * pad)
        fill_polygon(picture, turned(tip, 0.0, _ARROW, size), _INK)
        left = round(tip[0] - 1.6 * size - letter.ink.shape[1])
        put_label(picture, letter, left, (pad - len(letter.ink)) // 2)
        length_m = _round_length(0.16 * side / self._px_per_m)
        width, y, tick = round(length_m * self._px_per_m), side - pad // 2, max(2, pad // 6)
        picture[y, pad : pad + width + 1] = _FAINT
        picture[y - tick : y + tick + 1, [pad, pad + width]] = _FAINT
        text = text_label(f"{length_m:g} m", _FAINT, self._text_px)
        put_label(picture, text, pad + width + 4, y - len(text.ink) // 2)


def _round_length(at_least: float) -> float:
    """The next of ... 0.5, 1, 2, 5, 10 ..."""
    ten = 10.0 ** math.floor(math.log10(at_least))
    return next(step * ten for step in (1.0, 2.0, 5.0, 10.0) if step * ten >= at_least * 0.999)


def _light(reach: int) -> Picture:
    """The brightness around the agent: (2 reach + 1, 2 reach + 1, 3)."""
    along = np.arange(-reach, reach + 1) / reach
    away = np.sqrt(along[:, None] ** 2 + along**2)[..., None]
    return (_VIEW_LIGHT * np.clip(1.0 - away, 0.0, 1.0) ** 0.8 * _AGENT).astype(np.uint8)
