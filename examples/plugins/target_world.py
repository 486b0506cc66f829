"""An example of a world plugin: a point in a square that must reach a target.

python main.py train examples/plugins/target.yaml
"""

from typing import Any

import numpy as np

from configs.actions import ActionConfig
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation

EPISODE_STEPS = 50
STRIDE = 0.1  # distance of one step at full action; the square is -1..1
REACHED = 0.2  # distance at which the episode ends


class TargetWorld:
    """The point is white and the target red. The reward is minus the distance, per step."""

    def __init__(self, config: Config, seed: int) -> None:
        camera = config.world.camera
        self.spaces = Spaces(
            image_shape=(camera.height, camera.width, 3),
            features=("PointX", "PointY"),
            actions=(ActionConfig(name="Right"), ActionConfig(name="Up")),
        )
        self._random = np.random.default_rng(seed)
        self._start_episode()

    def observe(self) -> Observation:
        """The newest observation. The last entries of the vector are the action really sent."""
        reached = self._distance() < REACHED
        return Observation(
            image=self._picture(),
            vector=np.concatenate([self._point, self._last_sent]).astype(np.float32),
            reward=0.0 if self._step == 0 else -self._distance(),
            is_first=self._step == 0,
            is_last=reached or self._step == EPISODE_STEPS,
            is_terminal=reached,
            frame_number=self._step,
        )

    def act(self, action: np.ndarray) -> np.ndarray:
        """Move the point. At the end of an episode a new one starts, and nothing is sent."""
        if self._distance() < REACHED or self._step == EPISODE_STEPS:
            self._start_episode()
            return self._last_sent
        self._last_sent = np.clip(action, -1, 1).astype(np.float32)
        self._point = np.clip(self._point + STRIDE * self._last_sent, -1, 1)
        self._step += 1
        return self._last_sent

    def rest(self) -> None:
        """Release every input."""
        self._last_sent = np.zeros(2, np.float32)

    def forget(self) -> None:
        """Reset the last action, because something else released the inputs."""
        self.rest()

    def close(self) -> None:
        """Free resources. This world has none."""
        self.rest()

    # With the next two functions a run can be resumed; without them it cannot.

    def snapshot(self) -> dict[str, Any]:
        """The whole state, as JSON."""
        return {
            "point": self._point.tolist(),
            "target": self._target.tolist(),
            "sent": self._last_sent.tolist(),
            "step": self._step,
            "random": self._random.bit_generator.state,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot."""
        self._point, self._target = np.array(snapshot["point"]), np.array(snapshot["target"])
        self._last_sent = np.array(snapshot["sent"], np.float32)
        self._step = snapshot["step"]
        self._random.bit_generator.state = snapshot["random"]

    def _start_episode(self) -> None:
        self._point, self._target = self._random.uniform(-1, 1, (2, 2))
        while self._distance() < REACHED:
            self._target = self._random.uniform(-1, 1, 2)
        self._last_sent, self._step = np.zeros(2, np.float32), 0

    def _distance(self) -> float:
        return float(np.linalg.norm(self._point - self._target))

    def _picture(self) -> np.ndarray:
        """RGB uint8 (height, width, 3)."""
        height, width, _ = self.spaces.image_shape
        picture = np.zeros((height, width, 3), np.uint8)
        for (x, y), color in ((self._target, (255, 0, 0)), (self._point, (255, 255, 255))):
            row = round((1 - y) / 2 * (height - 3))
            column = round((x + 1) / 2 * (width - 3))
            picture[row : row + 3, column : column + 3] = color
        return picture


def make(config: Config, seed: int) -> TargetWorld:
    """The function that `world.plugin` names. Different seeds give different worlds."""
    return TargetWorld(config, seed)
