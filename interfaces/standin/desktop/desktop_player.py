"""Somebody sits before the stand-in: a window with picture and map, and the keys that drive."""

import math

import numpy as np
from numpy.typing import NDArray

from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.keyboard import Keyboard
from interfaces.standin.desktop.minimap import Minimap
from interfaces.standin.desktop.window import Window
from interfaces.standin.places.place import Place

HEIGHT_PX = 480
MAP_PX = 300


class Desk:
    """Shows every picture and the map beside it; what keys say goes the way of every OSC packet.

    Without the map the window is the picture and nothing else, each pixel a square: a capture of it
    sees what the agent may see, and not who is where.
    """

    def __init__(self, config: StandinConfig, title: str, *, with_map: bool = True) -> None:
        """Raises NoDisplay."""
        self._with_map = with_map
        if with_map:
            wide = round(HEIGHT_PX * config.width / config.height)
            self._window = Window(wide + MAP_PX + 20, HEIGHT_PX, title)
        else:
            times = max(1, round(HEIGHT_PX / config.height))
            self._window = Window(times * config.width, times * config.height, title)
        half = math.tan(math.radians(0.5 * config.fov_deg)) * config.width / config.height
        self._fov_deg = 2.0 * math.degrees(math.atan(half))
        self._keyboard = Keyboard()
        self._place: Place | None = None
        self._map: Minimap | None = None

    @property
    def closed(self) -> bool:
        return self._window.closed

    def show(self, picture: NDArray[np.uint8], core: StandinCore) -> None:
        if not self._with_map:
            self._window.show(picture)
            return
        place = core.place
        if self._map is None or place is not self._place:  # another world was loaded
            self._place = place
            self._map = Minimap(place.half_m, place.solids, MAP_PX, self._fov_deg)
        self._window.show(picture, self._map.draw(core.truth()))

    def messages(self) -> list[bytes]:
        return self._keyboard.messages(self._window.keys())

    def close(self) -> None:
        self._window.close()
