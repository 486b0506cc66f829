"""An example of a camera plugin: a test picture with a white bar that moves to the right.

python main.py run examples/plugins/moving_bar.yaml
"""

import numpy as np

from configs.devices import CameraConfig
from interfaces.core.clock import Clock
from interfaces.devices.video_types import Shot

WIDTH, HEIGHT, BAR = 120, 120, 10
PIXELS_PER_S = 40


class MovingBar:
    """A video source: what the thread of the camera opens, reads and closes.

    `period_s`: seconds between two pictures. 0 where `read` itself waits for the next picture.
    """

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self.period_s = 1.0 / config.fps
        self._clock = clock

    def read(self) -> Shot | None:
        """The next picture, BGR uint8, and the time of its capture. None: the source is lost."""
        at_s = self._clock.now()
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        left = int(at_s * PIXELS_PER_S) % (WIDTH - BAR)
        picture[:, left : left + BAR] = 255
        return Shot(picture, at_s)

    def close(self) -> None:
        """Free the device. This source has none."""


def open_bar(config: CameraConfig, clock: Clock) -> MovingBar:
    """The function that `world.camera.source` names."""
    return MovingBar(config, clock)
