"""Any Gymnasium environment as a World in lockstep: worlds that nobody here wrote.

Needs the extra [gym]; ids `dmc/DOMAIN_TASK` need [dmc].
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import cv2
import gymnasium
import numpy as np
from gymnasium import spaces as gym_spaces
from loguru import logger
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.errors import BadInput
from configs.schema import Config, WorldConfig
from interfaces.core.clock import VirtualClock
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation
from interfaces.devices.camera import prepare
from interfaces.gymnasium.action_space import Leaf, leaves

DMC = "dmc/"


class GymnasiumWorld:
    """One environment, episode after episode, on a virtual clock.

    Pictures (uint8, height x width x 3) are seen, everything else is felt as one flat vector. A box
    of actions becomes axes scaled to its bounds, a discrete one a group of which one is down. The
    first episode begins as `reset(seed=seed)` begins, each later one at a seed drawn from it.

    Raises BadInput for an id that is not known, spaces that cannot be mapped, a reward that names
    what is not there; and, now or later, for an environment that fails or does not keep to what it
    declared.
    """

    def __init__(self, config: Config, seed: int) -> None:
        self._config = config.world
        with self._answers("make"):
            self._env = make_env(config.world)
        self._pixels = config.world.gymnasium.pixels
        with self._answers("its action space"):
            self._leaves: tuple[Leaf, ...] = leaves(self._env.action_space)
        with self._answers("its observation space"):
            self.spaces = self._spaces(config)
        self._feels = len(self.spaces.features)
        self.beat_s = 1.0 / config.beat.hz
        self.clock = VirtualClock()
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._last_sent = np.zeros(self.spaces.num_actions, np.float32)
        self._history: list[list[float]] = []
        self._frames = 0
        self._begin(seed)

    def observe(self) -> Observation:
        seen, felt = self._image, self._felt
        return Observation(
            image=seen,
            vector=np.concatenate([felt, self._last_sent]).astype(np.float32),
            reward=self._reward,
            is_first=self._first,
            is_last=self._ended,
            is_terminal=self._terminal,
            frame_number=self._frames,
        )

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._ended:  # the cut: the action is masked, a new episode begins
            drawn = self._random.bit_generator.state
            try:
                self._begin(int(self._random.integers(2**31)))
            except BadInput:
                self._random.bit_generator.state = drawn  # it has not begun
                raise
            return np.zeros_like(self._last_sent)
        self._last_sent = self._do(np.asarray(action, np.float32))
        self._history.append(self._last_sent.tolist())
        return self._last_sent

    def rest(self) -> None:
        self._last_sent = np.zeros_like(self._last_sent)

    def forget(self) -> None:
        self.rest()

    def close(self) -> None:
        self.rest()
        try:
            self._env.close()
        except Exception as error:  # where it failed before, that is the error to be told
            logger.warning("world.id {}: close failed ({})", self._config.id, error)

    def snapshot(self) -> dict[str, Any]:
        """The episode's seed and its actions: replayed, they lead here again. JSON-able."""
        return {
            "seed": self._seed,
            "actions": self._history,
            "last_sent": self._last_sent.tolist(),
            "frames": self._frames,
            "random": self._random.bit_generator.state,
            "clock_s": self.clock.now(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._begin(int(snapshot["seed"]))
        for action in snapshot["actions"]:
            self.act(np.asarray(action, np.float32))
        self._last_sent = np.asarray(snapshot["last_sent"], np.float32)
        self._frames = int(snapshot["frames"])
        self._random.bit_generator.state = snapshot["random"]
        self.clock = VirtualClock(float(snapshot["clock_s"]))

    def _begin(self, seed: int) -> None:
        with self._answers("reset"):
            observed, _ = self._env.reset(seed=seed)
        self._see(observed)
        self._seed, self._history = seed, []
        self._last_sent = np.zeros_like(self._last_sent)
        self._first, self._ended, self._terminal, self._reward = True, False, False, 0.0

    def _do(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        sent = np.zeros_like(self._last_sent)
        at, flat = 0, np.zeros(len(sent))
        for leaf in self._leaves:
            part = slice(at, at := at + leaf.size)
            flat[part], sent[part] = leaf.take(action[part])
        told: Any = gym_spaces.unflatten(self._env.action_space, flat)
        total, terminated, truncated, observed = 0.0, False, False, None
        with self._answers("step"):
            for _ in range(self._config.gymnasium.repeat):
                observed, reward, terminated, truncated, _ = self._env.step(told)
                total += float(reward)
                if terminated or truncated:
                    break
        self._see(observed)
        self._first, self._reward = False, total
        self._terminal, self._ended = bool(terminated), bool(terminated or truncated)
        return sent

    def _see(self, observed: Any) -> None:
        felt = np.zeros(0, np.float32)
        image = np.zeros((0, 0, 3), np.uint8)
        if self._pixels:
            with self._answers("render"):
                image = self._small(self._env.render())
        else:
            with self._answers("its observation"):
                if _is_picture(self._env.observation_space):
                    image = self._small(observed)
                else:
                    flat: Any = gym_spaces.flatten(self._env.observation_space, observed)
                    felt = np.asarray(flat, np.float32)
        if felt.shape != (self._feels,):
            raise BadInput(
                f"world.id {self._config.id}: an observation of {felt.size} numbers, and "
                f"{self._feels} were declared"
            )
        self._image, self._felt = image, felt
        self._frames += 1

    @contextmanager
    def _answers(self, what: str) -> Generator[None]:
        """Whatever an environment raises, SystemExit too, is named as its own."""
        try:
            yield
        except BadInput:
            raise
        except (Exception, SystemExit) as error:
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            raise BadInput(f"world.id {self._config.id}: {what} failed ({told})") from error

    def _small(self, picture: Any) -> NDArray[np.uint8]:
        camera = self._config.camera
        shown = np.asarray(picture, np.uint8)
        if shown.ndim == 3 and shown.shape[2] == 1:
            shown = np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB), np.uint8)
        return prepare(shown, camera.width, camera.height)

    def _spaces(self, config: Config) -> Spaces:
        camera, space = config.world.camera, self._env.observation_space
        seen = self._pixels or _is_picture(space)
        size = 0 if seen else gym_spaces.flatdim(space)
        features = tuple(f"observation{i}" for i in range(size))
        for name in config.reward.parameters:
            if name not in features:
                known = f"observation0 to observation{size - 1}" if features else "none"
                raise BadInput(
                    f"reward.parameters.{name}: {config.world.id} has no such ({known}); "
                    f"reward.parameters.{name}=null takes it out"
                )
        actions: list[ActionConfig] = []
        for i, leaf in enumerate(self._leaves):
            actions += leaf.actions(f"action{i}")
        if not actions:
            raise BadInput(f"world.id {config.world.id}: there is nothing to do in it")
        image = (camera.height, camera.width, 3) if seen else (0, 0, 3)
        return Spaces(image, features, tuple(actions))


def make_env(config: WorldConfig) -> gymnasium.Env[Any, Any]:
    """Raises BadInput where there is no such environment, or what it needs is not installed."""
    name = config.id or ""
    mode: dict[str, Any] = {"render_mode": "rgb_array"} if config.gymnasium.pixels else {}
    if name.startswith(DMC):
        from interfaces.gymnasium.dm_control import ControlSuite

        shape = (config.camera.height, config.camera.width)
        return ControlSuite(name.removeprefix(DMC), shape if config.gymnasium.pixels else None)
    try:
        return gymnasium.make(name, **mode)
    except gymnasium.error.Error as error:
        raise BadInput(f"world.id {name}: {error}") from error
    except ImportError as error:
        raise BadInput(f"world.id {name} needs a package that is missing: {error}") from error


def _is_picture(space: gym_spaces.Space[Any]) -> bool:
    """uint8 (height, width, 1 or 3)."""
    shape = space.shape or ()
    return (
        isinstance(space, gym_spaces.Box)
        and space.dtype == np.uint8
        and len(shape) == 3
        and shape[2] in (1, 3)
    )
