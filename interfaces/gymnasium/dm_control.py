"""DeepMind Control as a Gymnasium environment: `dmc/DOMAIN_TASK`. Needs the extra [dmc].

Every episode is truncated after 1,000 steps and never terminates. Actions are boxes of -1..1.
"""

import os
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import BadInput


class DmControlEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """One task. The observation is a flat float32 vector of all its parts, in the task's order.

    `image_shape`: (height, width) of the images of render(); None if render() is not used.

    Raises BadInput for a task that is not in the suite, and if dm_control is missing.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - Gymnasium's form
    render_mode = "rgb_array"

    def __init__(self, name: str, image_shape: tuple[int, int] | None) -> None:
        if image_shape is None:  # otherwise MuJoCo looks for a display
            os.environ.setdefault("MUJOCO_GL", "disable")
        try:
            from dm_control import suite  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise BadInput(
                f"world.id dmc/{name}: {error}; "
                'python -m pip install -e ".[dmc]" -c constraints.txt'
            ) from error
        known = {f"{domain}_{task}": (domain, task) for domain, task in suite.ALL_TASKS}
        if name not in known:
            raise BadInput(f"world.id dmc/{name}: no such task; {', '.join(sorted(known))}")
        self._load, (self._domain, self._task) = suite.load, known[name]
        self._image_shape = image_shape
        self._load_task(0)
        action = self._suite.action_spec()
        self.action_space = spaces.Box(
            action.minimum.astype(np.float32), action.maximum.astype(np.float32), dtype=np.float32
        )
        size = sum(int(np.prod(spec.shape)) for spec in self._suite.observation_spec().values())
        self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:  # the suite takes a seed only when it loads a task
            self._load_task(seed)
        return _flat(self._suite.reset().observation), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        result = self._suite.step(action)
        ended = bool(result.last())
        terminated = ended and result.discount == 0.0
        return (
            _flat(result.observation),
            float(result.reward or 0.0),
            terminated,
            ended and not terminated,
            {},
        )

    def render(self) -> NDArray[np.uint8]:
        height, width = self._image_shape or (64, 64)
        return self._suite.physics.render(height, width, camera_id=0)

    def close(self) -> None:
        self._suite.close()

    def _load_task(self, seed: int) -> None:
        self._suite: Any = self._load(
            self._domain, self._task, task_kwargs={"random": seed}, visualize_reward=False
        )


def _flat(observation: Any) -> NDArray[np.float32]:
    """All parts of an observation, float32 (numbers,)."""
    parts = [np.asarray(part, np.float32).reshape(-1) for part in observation.values()]
    return np.concatenate(parts)
