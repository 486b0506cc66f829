"""Draws the senses of a Step from above: the avatar in the middle, its front at the top."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from interfaces.core.sense_map import SenseKind, SenseReading

Picture = NDArray[np.uint8]
_Colour = tuple[int, int, int]

# RGB
_PAPER, _SCALE, _INK, _UNKNOWN = (28, 24, 24), (92, 92, 100), (235, 235, 235), (150, 150, 160)
_CLOSENESS, _AMBER = (0.0, 0.5, 1.0), ((46, 40, 36), (190, 95, 15), (255, 225, 110))  # a contact
_HITS: dict[SenseKind, _Colour] = {"players": (255, 80, 170), "world": (80, 170, 235)}
_MISSES: dict[SenseKind, _Colour] = {"players": (92, 52, 74), "world": (44, 74, 96)}
_FINE = 2  # drawn this many times as large, then reduced: thin lines stay readable
_LABEL_FROM = 160  # pixels; smaller pictures have no words
_FULL_STRENGTH = 0.15  # closeness of a ray at which its colour is full; a prediction is rarely 0
_MISS_FROM = 0.8  # share of the length where the stroke of a miss begins
_STEPS_M = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)  # between two scale rings


def draw_senses(readings: Sequence[SenseReading], size: int) -> Picture:
    """RGB (size, size, 3).

    A contact is a wedge, the brighter the nearer a person is; beside rays it is a part of the rim.
    A ray at players is pink, one at the world blue: a line up to what it hits, with a dot there.
    One that hits nothing is a short dark stroke at its end. Unknown ones are grey and dashed. The
    rings are metres.
    """
    contacts = [each for each in readings if each.sense.kind == "contact"]
    rays = [each for each in readings if each.sense.kind != "contact"]
    shown = rays or contacts
    drawing = _Drawing(
        size, max((each.sense.end_m for each in shown), default=1.0), rim=bool(rays and contacts)
    )
    for contact in contacts:
        drawing.wedge(contact, 180.0 / len(contacts))
    drawing.scale()
    # What matters lies on top: unknown, then misses, then hits.
    for ray in sorted(rays, key=lambda each: (each.known, each.closeness)):
        drawing.ray(ray)
    drawing.avatar()
    return drawing.result()


class _Drawing:
    """A square canvas; the middle is the avatar, and `end_m` metres fit beside it.

    `rim`: leave a rim for the contacts outside.
    """

    def __init__(self, size: int, end_m: float, *, rim: bool) -> None:
        self._size, self._end_m = size, end_m
        self._side = size * _FINE
        self._middle = self._side / 2
        self._scale = (self._middle - 3 * _FINE) / end_m  # pixels for one metre
        # Metres where the wedges begin and end.
        self._wedge_m = (0.0, end_m)
        if rim:
            self._scale *= 0.88
            self._wedge_m = (1.03 * end_m, end_m / 0.88)
        self._canvas: Picture = np.full((self._side, self._side, 3), _PAPER, np.uint8)

    def wedge(self, reading: SenseReading, half_deg: float) -> None:
        """A contact as a sector around its angle."""
        middle_deg, (inner_m, outer_m) = reading.sense.angle_deg, self._wedge_m
        angles = np.linspace(middle_deg - half_deg, middle_deg + half_deg, 33).tolist()
        inner, outer = ([self._point(a, at) for a in angles] for at in (inner_m, outer_m))
        outline = np.array([*inner, *reversed(outer)], np.int32)
        if reading.known:
            parts = zip(*_AMBER, strict=True)
            colour = [float(np.interp(reading.closeness, _CLOSENESS, part)) for part in parts]
            cv2.fillPoly(self._canvas, [outline], colour, cv2.LINE_AA)
            cv2.polylines(
                self._canvas, [outline], True, _PAPER, max(1, self._side // 160), cv2.LINE_AA
            )
            return
        for edge in (inner, outer):
            for one, other in zip(edge[1::2], edge[2::2], strict=True):
                cv2.line(self._canvas, one, other, _UNKNOWN, _FINE, cv2.LINE_AA)
        if not inner_m:
            self._dashed(middle_deg, outer_m)

    def ray(self, reading: SenseReading) -> None:
        """A line of the measured length."""
        sense = reading.sense
        if not reading.known:
            self._dashed(sense.angle_deg, sense.end_m)
            return
        strength = min(1.0, reading.closeness / _FULL_STRENGTH)
        miss, hit = _MISSES[sense.kind], _HITS[sense.kind]
        colour = [m + strength * (h - m) for m, h in zip(miss, hit, strict=True)]
        end = self._point(sense.angle_deg, reading.distance_m)
        if not strength:
            begin = self._point(sense.angle_deg, _MISS_FROM * sense.end_m)
            cv2.line(self._canvas, begin, end, colour, _FINE, cv2.LINE_AA)
            return
        width = 2 * _FINE if sense.kind == "players" else _FINE
        cv2.line(self._canvas, self._point(0.0, 0.0), end, colour, width, cv2.LINE_AA)
        radius = max(round(1.3 * _FINE), self._side // 110)
        cv2.circle(self._canvas, end, radius, colour, -1, cv2.LINE_AA)

    def scale(self) -> None:
        """Rings at round distances, with their metres where there is room."""
        step_m = next((s for s in _STEPS_M if self._end_m <= 2.5 * s), self._end_m)
        middle = self._point(0.0, 0.0)
        for number in range(1, int(self._end_m / step_m) + 1):
            radius_m = number * step_m
            radius = round(radius_m * self._scale)
            cv2.circle(self._canvas, middle, radius, _SCALE, 1, cv2.LINE_AA)
            if self._size >= _LABEL_FROM:
                x, y = self._point(45.0, radius_m)
                place = (x - 18 * _FINE, y + 12 * _FINE)
                face, text = cv2.FONT_HERSHEY_SIMPLEX, f"{radius_m:g} m"
                cv2.putText(
                    self._canvas, text, place, face, 0.4 * _FINE, _PAPER, 3 * _FINE, cv2.LINE_AA
                )
                cv2.putText(self._canvas, text, place, face, 0.4 * _FINE, _INK, _FINE, cv2.LINE_AA)

    def avatar(self) -> None:
        """An arrow head that points up."""
        radius = max(0.028 * self._side, 3.0 * _FINE)
        x = y = self._middle
        corners = ((0.0, -1.5), (1.0, 1.0), (0.0, 0.5), (-1.0, 1.0))
        shape = np.array([(x + radius * u, y + radius * v) for u, v in corners], np.int32)
        cv2.fillPoly(self._canvas, [shape], _INK, cv2.LINE_AA)
        cv2.polylines(self._canvas, [shape], True, _PAPER, 1, cv2.LINE_AA)

    def result(self) -> Picture:
        """The picture in its final size."""
        reduced = cv2.resize(self._canvas, (self._size, self._size), interpolation=cv2.INTER_AREA)
        return np.asarray(reduced, np.uint8)

    def _dashed(self, angle_deg: float, end_m: float) -> None:
        """A dashed grey line from the middle outwards."""
        dash_m = 4 * _FINE / self._scale
        for i in range(1, int(end_m / dash_m), 2):
            one, other = (self._point(angle_deg, at * dash_m) for at in (i, i + 1))
            cv2.line(self._canvas, one, other, _UNKNOWN, _FINE, cv2.LINE_AA)

    def _point(self, angle_deg: float, distance_m: float) -> tuple[int, int]:
        """Pixel (x, y) of a place at this angle and distance."""
        angle, radius = math.radians(angle_deg), distance_m * self._scale
        return (
            round(self._middle + radius * math.sin(angle)),
            round(self._middle - radius * math.cos(angle)),
        )
