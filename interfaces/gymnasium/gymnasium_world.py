"""Any Gymnasium environment as a World in lockstep.

Needs the extra [gym]; ids `dmc/DOMAIN_TASK` need [dmc].
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces as gym_spaces
from loguru import logger
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.errors import BadInput
from configs.schema import Config
from configs.world_settings import WorldConfig
from interfaces.core.clock import VirtualClock
from interfaces.core.limited_log import LimitedLog
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation
from interfaces.devices.camera import crop_and_resize
from interfaces.gymnasium.action_space import LeafSpace, leaf_spaces
from interfaces.gymnasium.env_numbers import EnvNumbers, flag, reward_number, unpacked
from interfaces.gymnasium.env_pictures import EnvPictures, is_picture_space

DMC_PREFIX = "dmc/"
_warnings = LimitedLog(time.perf_counter)  # hundreds of worlds in parallel warn of the same
_STEP_PARTS = "observation, reward, terminated, truncated, info"


class GymnasiumWorld:
    """One environment, episode after episode, on a virtual clock.

    Pictures become the image of the observation; EnvPictures converts them. All other observations
    become one flat vector; EnvNumbers checks it. A box of actions becomes axes scaled to its
    bounds, a discrete action a group of which one button is down. The first episode starts with
    `reset(seed=seed)`, each later one with a seed drawn from a generator that `seed` starts.

    Raises BadInput for an unknown id, for spaces that cannot be mapped and for a reward that names
    a missing feature. The methods raise it for an environment that fails, or whose observation,
    reward or flag is not as declared or is not finite.
    """

    def __init__(self, config: Config, seed: int) -> None:
        self._config, self._name = config.world, f"world.id {config.world.id}"
        with self._name_errors("make"):
            self._env = make_env(config.world)
        self._pixels = config.world.gymnasium.pixels
        with self._name_errors("its action space"):
            self._leaf_spaces: tuple[LeafSpace, ...] = leaf_spaces(self._env.action_space)
        with self._name_errors("its observation space"):
            self._pictures, self._numbers = self._converters()
            self.spaces = self._make_spaces(config)
        self.clock = VirtualClock()
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._last_sent = np.zeros(self.spaces.num_actions, np.float32)
        self._history: list[list[float]] = []
        self._frames = 0
        self._start_episode(seed)

    def observe(self) -> Observation:
        return Observation(
            image=self._image,
            vector=np.concatenate([self._features, self._last_sent]).astype(np.float32),
            reward=self._reward,
            is_first=self._first,
            is_last=self._ended,
            is_terminal=self._terminal,
            frame_number=self._frames,
        )

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._ended:  # a new episode starts, and this action is not sent
            random_state = self._random.bit_generator.state
            try:
                self._start_episode(int(self._random.integers(2**31)))
            except BadInput:
                self._random.bit_generator.state = random_state  # the episode did not start
                raise
            return np.zeros_like(self._last_sent)
        self._last_sent = self._step(np.asarray(action, np.float32))
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
        except Exception as error:  # an error before this one is the one to report
            logger.warning("world.id {}: close failed ({})", self._config.id, error)

    def snapshot(self) -> dict[str, Any]:
        """The episode's seed and actions, as JSON: replaying them leads to the same state."""
        return {
            "seed": self._seed,
            "actions": self._history,
            "last_sent": self._last_sent.tolist(),
            "frames": self._frames,
            "random": self._random.bit_generator.state,
            "clock_s": self.clock.now(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._start_episode(int(snapshot["seed"]))
        for action in snapshot["actions"]:
            self.act(np.asarray(action, np.float32))
        self._last_sent = np.asarray(snapshot["last_sent"], np.float32)
        self._frames = int(snapshot["frames"])
        self._random.bit_generator.state = snapshot["random"]
        self.clock = VirtualClock(float(snapshot["clock_s"]))

    def _start_episode(self, seed: int) -> None:
        with self._name_errors("reset"):
            result = self._env.reset(seed=seed)
        observed, _ = unpacked(self._name, "reset", result, "observation, info")
        self._set_observation(observed)
        self._seed, self._history = seed, []
        self._last_sent = np.zeros_like(self._last_sent)
        self._first, self._ended, self._terminal, self._reward = True, False, False, 0.0

    def _step(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """Step the environment. Returns the action as sent, float32 (num_actions,)."""
        sent = np.zeros_like(self._last_sent)
        at, flat = 0, np.zeros(len(sent))
        for leaf in self._leaf_spaces:
            part = slice(at, at := at + leaf.size)
            flat[part], sent[part] = leaf.convert(action[part])
        env_action: Any = gym_spaces.unflatten(self._env.action_space, flat)
        total, terminated, truncated, observed = 0.0, False, False, None
        for _ in range(self._config.gymnasium.repeat):
            with self._name_errors("step"):
                result = self._env.step(env_action)
            observed, reward, *flags, _ = unpacked(self._name, "step", result, _STEP_PARTS)
            total += reward_number(self._name, reward)
            terminated = flag(self._name, "terminated", flags[0])
            truncated = flag(self._name, "truncated", flags[1])
            if terminated or truncated:
                break
        self._set_observation(observed)
        self._first, self._reward = False, total
        self._terminal, self._ended = terminated, terminated or truncated
        return sent

    def _set_observation(self, observed: Any) -> None:
        """Convert an observation of the environment. Raises BadInput if it is not as declared."""
        features, image = np.zeros(0, np.float32), np.zeros((0, 0, 3), np.uint8)
        if self._pixels:
            with self._name_errors("render"):
                observed = self._env.render()
        with self._name_errors("its observation"):
            if self._pictures is not None:
                camera, picture = self._config.camera, self._pictures.convert(observed)
                image = crop_and_resize(picture, camera.width, camera.height)
            if self._numbers is not None:
                features = self._numbers.convert(observed)
        self._image, self._features = image, features
        self._frames += 1

    @contextmanager
    def _name_errors(self, what: str) -> Generator[None]:
        """Turn any error of the environment, SystemExit too, into a BadInput that names it."""
        try:
            yield
        except BadInput:
            raise
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise BadInput(f"{self._name}: {what} failed ({reason})") from error

    def _converters(self) -> tuple[EnvPictures | None, EnvNumbers | None]:
        """One of both: for the picture, or for the numbers of an observation."""
        space = self._env.observation_space
        if self._pixels:
            return EnvPictures(self._name, None, _warnings.warn), None
        if isinstance(space, gym_spaces.Box) and is_picture_space(space):
            return EnvPictures(self._name, space, _warnings.warn), None
        return None, EnvNumbers(self._name, space, _warnings.warn)

    def _make_spaces(self, config: Config) -> Spaces:
        camera, size = config.world.camera, 0 if self._numbers is None else self._numbers.size
        features = tuple(f"observation{i}" for i in range(size))
        for name in config.reward.parameters:
            if name not in features:
                known = f"observation0 to observation{size - 1}" if features else "none"
                raise BadInput(
                    f"reward.parameters.{name}: {config.world.id} has no such feature (known: "
                    f"{known}); reward.parameters.{name}=null removes it"
                )
        actions: list[ActionConfig] = []
        for i, leaf in enumerate(self._leaf_spaces):
            actions += leaf.actions(f"action{i}")
        if not actions:
            raise BadInput(f"world.id {config.world.id}: it has no actions")
        image = (0, 0, 3) if self._pictures is None else (camera.height, camera.width, 3)
        return Spaces(image, features, tuple(actions))


def make_env(config: WorldConfig) -> gymnasium.Env[Any, Any]:
    """The configured environment. Raises BadInput if it is unknown or a package is missing."""
    name = config.id or ""
    mode: dict[str, Any] = {"render_mode": "rgb_array"} if config.gymnasium.pixels else {}
    if name.startswith(DMC_PREFIX):
        from interfaces.gymnasium.dm_control import DmControlEnv

        shape = (config.camera.height, config.camera.width) if config.gymnasium.pixels else None
        return DmControlEnv(name.removeprefix(DMC_PREFIX), shape)
    try:
        # the checks here replace Gymnasium's, which refuse what can be used, such as info None
        return gymnasium.make(name, disable_env_checker=True, **mode)
    except gymnasium.error.Error as error:
        raise BadInput(f"world.id {name}: {error}") from error
    except ImportError as error:
        raise BadInput(f"world.id {name} needs a package that is missing: {error}") from error
