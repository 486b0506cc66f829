"""One frame of the film of a run: its parts side by side, each with picture, map and head-pats."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from interfaces.standin.desktop.map_drawing import (
    Colour,
    draw_disc,
    fill_polygon,
    put_label,
    text_label,
    turned,
)

SIDE = 224  # pixels of the picture, and of the map
_EDGE, _GAP = 12, 8
_HEAD, _CAPTION, _FOOT = 46, 22, 26
_BACKGROUND: Colour = (16, 18, 26)
_EMPTY: Colour = (30, 34, 44)
_INK: Colour = (228, 233, 242)
_FAINT: Colour = (152, 162, 180)
_PAT: Colour = (255, 121, 176)  # as the ring of a head-pat on the map

Picture = NDArray[np.uint8]  # (H, W, 3), RGB


@dataclass(frozen=True)
class FilmPanel:
    """One part of a run at one moment.

    `seen`: what the agent saw. `head_pats`: since the part began, `seconds` ago. `patted`: whether
    there is a head-pat now. `above`: the place from above, if known. `contacts`: closeness 0..1 of
    each contact, the first one ahead, then clockwise.
    """

    label: str
    seen: Picture
    head_pats: int
    patted: bool
    seconds: float
    above: Picture | None
    contacts: Sequence[float] = ()


def draw_frame(panels: Sequence[FilmPanel], title: str) -> Picture:
    """All panels side by side above the title, uint8 (H, W, 3)."""
    width = 2 * SIDE + _GAP
    canvas = np.empty((_HEAD + SIDE + _CAPTION + _FOOT, _EDGE, 3), np.uint8)
    canvas[:] = _BACKGROUND
    columns = [canvas]
    for panel in panels:
        columns += [_draw_panel(panel, width, len(canvas)), canvas]
    frame = np.concatenate(columns, axis=1)
    legend = "arrow: the agent, dot: a person, ring: a head-pat"
    top = len(frame) - _FOOT
    _put_text(frame, title, _EDGE, top, 10, _INK)
    _put_text(frame, legend, frame.shape[1] - _EDGE, top, 10, _FAINT, from_right=True)
    return frame


def _draw_panel(panel: FilmPanel, width: int, height: int) -> Picture:
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = _BACKGROUND
    _put_text(canvas, f"{panel.label}: {math.floor(panel.seconds):2d} s", 0, 12, 15, _INK)
    count = f"{panel.head_pats} head-pats"
    _put_text(canvas, count, width, 12, 15, _PAT if panel.patted else _INK, from_right=True)
    _put_picture(canvas, panel.seen, 0, "what the agent sees")
    _put_picture(canvas, panel.above, SIDE + _GAP, "from above (hidden from the agent)")
    if panel.contacts:
        _draw_contacts(canvas, (SIDE + _GAP + 18, 0.5 * _HEAD), 0.42 * _HEAD, panel.contacts)
        _put_text(canvas, "contacts", SIDE + _GAP + 40, 15, 9, _FAINT)
    return canvas


def _put_picture(canvas: Picture, picture: Picture | None, left: int, caption: str) -> None:
    place = canvas[_HEAD : _HEAD + SIDE, left : left + SIDE]
    if picture is None:
        place[:] = _EMPTY
        _put_text(canvas, "not recorded", left + SIDE // 3, _HEAD + SIDE // 2, 9, _FAINT)
    else:
        shrinks = len(picture) >= SIDE
        kind = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC  # smooth: squares cost more bytes
        place[:] = cv2.resize(picture, (SIDE, SIDE), interpolation=kind)
    _put_text(canvas, caption, left, _HEAD + SIDE + 3, 10, _FAINT)


def _draw_contacts(
    canvas: Picture, at: tuple[float, float], radius: float, closeness: Sequence[float]
) -> None:
    """A dial: one wedge for each contact, longer if a person is nearer. Ahead is up."""
    draw_disc(canvas, at, radius, _EMPTY)
    half = math.pi / len(closeness)
    arc = np.linspace(-0.8 * half, 0.8 * half, 9)
    wedge = [(0.0, 0.0), *((math.sin(angle), math.cos(angle)) for angle in arc)]
    for i, near in enumerate(closeness):
        heading_deg = 360.0 * i / len(closeness)
        fill_polygon(
            canvas, turned(at, heading_deg, wedge, radius * min(1.0, max(0.0, near))), _PAT
        )


def _put_text(
    canvas: Picture,
    text: str,
    x: int,
    top: int,
    height: int,
    colour: Colour,
    *,
    from_right: bool = False,
) -> None:
    """ASCII text with capitals of `height` pixels. `x`: its left edge, or its right one."""
    label = text_label(text, colour, height)
    put_label(canvas, label, x - label.ink.shape[1] if from_right else x, top)
