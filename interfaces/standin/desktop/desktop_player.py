"""A person at the desktop: a window with the picture and the minimap, and keys that drive."""

import math

import numpy as np
from numpy.typing import NDArray

from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.keyboard import Keyboard
from interfaces.standin.desktop.minimap import Minimap
from interfaces.standin.desktop.picture_window import PictureWindow
from interfaces.standin.places.place import Place

HEIGHT_PX = 480
MAP_PX = 300


class DesktopPlayer:
    """Shows every picture and the minimap beside it; turns keys into OSC datagrams.

    Without the minimap, the window shows only the picture, with each pixel as a square. A screen
    capture of it then contains nothing that the agent cannot see.
    """

    def __init__(self, config: StandinConfig, title: str, *, with_map: bool = True) -> None:
        """Open the window. Raises NoDisplay."""
        self._with_map = with_map
        if with_map:
            width = round(HEIGHT_PX * config.width / config.height)
            self._window = PictureWindow(width + MAP_PX + 20, HEIGHT_PX, title)
        else:
            scale = max(1, round(HEIGHT_PX / config.height))
            self._window = PictureWindow(scale * config.width, scale * config.height, title)
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
        if self._map is None or place is not self._place:  # another place was loaded
            self._place = place
            self._map = Minimap(place.half_m, place.solids, MAP_PX, self._fov_deg)
        self._window.show(picture, self._map.draw(core.truth()))

    def messages(self) -> list[bytes]:
        """The OSC datagrams for keys pressed and released since the last call."""
        return self._keyboard.messages(self._window.keys())

    def close(self) -> None:
        self._window.close()
