"""The light of sun and sky by the hour."""

import math

from interfaces.standin.geometry.solids import Colour
from interfaces.standin.geometry.textures import SKY

_STEPS = 24  # of brightness: for each new value the renderer prepares its geometry again
_NIGHT: Colour = (0.27, 0.31, 0.48)
_DAY: Colour = (1.0, 1.0, 1.0)
_DUSK: Colour = (1.0, 0.62, 0.42)


def daylight(hour: float) -> Colour:
    """The factors for all colours: 1 at noon, blue and dim at midnight, reddish between.

    The sun rises at 6 h and sets at 18 h. The light changes from 5.4 h to 7.2 h and from 16.8 h to
    18.6 h.
    """
    height = math.sin((hour - 6.0) / 12.0 * math.pi)
    day = min(1.0, max(0.0, (height + 0.15) / 0.45))
    day = round(day * _STEPS) / _STEPS
    red = 1.0 - abs(2.0 * day - 1.0)
    plain = [n + day * (d - n) for n, d in zip(_NIGHT, _DAY, strict=True)]
    r, g, b = (p * (1.0 + 0.35 * red * (c - 1.0)) for p, c in zip(plain, _DUSK, strict=True))
    return r, g, b


def sky_colour(light: Colour) -> Colour:
    """The colour of the sky in a given light, 0..1."""
    r, g, b = (s / 255.0 * part for s, part in zip(SKY, light, strict=True))
    return r, g, b
