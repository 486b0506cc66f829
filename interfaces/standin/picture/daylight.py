"""How light it is: colours of sun and sky by the hour."""

import math

from interfaces.standin.picture.textures import SKY
from interfaces.standin.places.solids import Colour

_STEPS = 24  # of brightness: every one costs the renderer its prepared geometry
_NIGHT: Colour = (0.27, 0.31, 0.48)
_DAY: Colour = (1.0, 1.0, 1.0)
_DUSK: Colour = (1.0, 0.62, 0.42)


def daylight(hour: float) -> Colour:
    """What everything's colour is multiplied by: 1 at noon, blue and dim at midnight, red between.

    The sun rises at six and sets at eighteen; dusk is half an hour long on either side.
    """
    height = math.sin((hour - 6.0) / 12.0 * math.pi)
    day = min(1.0, max(0.0, (height + 0.15) / 0.45))
    day = round(day * _STEPS) / _STEPS
    red = 1.0 - abs(2.0 * day - 1.0)
    plain = [n + day * (d - n) for n, d in zip(_NIGHT, _DAY, strict=True)]
    r, g, b = (p * (1.0 + 0.35 * red * (c - 1.0)) for p, c in zip(plain, _DUSK, strict=True))
    return r, g, b


def sky_colour(light: Colour) -> Colour:
    r, g, b = (s / 255.0 * part for s, part in zip(SKY, light, strict=True))
    return r, g, b
