"""The pictures of the agent's window: rendered, or black or frozen because of a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from configs.standin import StandinConfig
from interfaces.standin.picture.scene import View
from interfaces.standin.places.place import Place

if TYPE_CHECKING:  # Panda3D is loaded with the first picture, not with the physics
    from interfaces.standin.picture.renderer import Renderer


class PictureFeed:
    """Renders a place when a picture is requested; a frozen feed repeats the last one."""

    def __init__(self, config: StandinConfig) -> None:
        self._config = config
        self._renderer: Renderer | None = None
        self.drawn: View | None = None  # of the last picture: what a frozen feed shows
        self._picture: NDArray[np.uint8] | None = None

    def frame(
        self, place: Place, view: Callable[[], View], *, black: bool, frozen: bool
    ) -> NDArray[np.uint8]:
        """The picture now: uint8 (height, width, 3), RGB. `view` is called if it is rendered."""
        if black:
            return np.zeros((self._config.height, self._config.width, 3), np.uint8)
        repeats = frozen and self.drawn is not None
        if repeats and self._picture is not None:
            return self._picture
        if self._renderer is None:
            from interfaces.standin.picture.renderer import Renderer

            self._renderer = Renderer(self._config, place)
        self.drawn = self.drawn if repeats and self.drawn is not None else view()
        self._picture = self._renderer.render(self.drawn)
        return self._picture

    def show_again(self, drawn: View | None) -> None:
        """Continue from a snapshot: `drawn` is the view of its last picture."""
        self._picture, self.drawn = None, drawn

    def reset(self) -> None:
        """Start with another place."""
        self.close()
        self._picture = self.drawn = None

    def close(self) -> None:
        """Free the renderer. The next picture makes a new one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
