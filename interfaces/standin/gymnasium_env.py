"""The stand-in as a Gymnasium environment, in which other libraries can train.

    import gymnasium, interfaces.standin.gymnasium_env
    env = gymnasium.make("Yume/Room-v3")
    envs = gymnasium.make_vec("Yume/Plaza-v2", num_envs=4, vectorization_mode="sync")

Needs the extra [gym]. World, OSC bytes, observations, actions and rewards are those of `train`.
"""

from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.load import load_config, with_overrides
from configs.schema import Config
from interfaces.core.rewards import StepRewards
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.places.build import VERSIONS

EnvObservation = dict[str, NDArray[Any]]


class StandinEnv(gymnasium.Env[Any, NDArray[np.float32]]):
    """A lockstep stand-in. An episode is truncated after `evaluate.episode_steps` ticks.

    Observation: image uint8 (height, width, 3); vector float32 (vector_size,), the avatar
    parameters and the action really sent. Action: float32 (num_actions,) in -1..1; a button is
    pressed above 0.5. Each reset makes another world from the environment's own generator. The same
    seed gives the same worlds. `info` has the reward terms; `truth()` is for measurements.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - Gymnasium requires a class attribute
        "render_modes": ["rgb_array"],
        "render_fps": 10,
    }

    def __init__(
        self,
        config: Config | str = "default",
        place: str | None = None,
        overrides: tuple[str, ...] = (),
        render_mode: str | None = None,
    ) -> None:
        """`config`: a Config, a preset or a YAML file. `place` and `overrides` replace its values.

        Raises ConfigError, and ValueError for a real-time world or an unknown render mode.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode {render_mode!r}: allowed are None and rgb_array")
        chosen = () if place is None else (f"world.standin.place={place}",)
        changes = [*chosen, *overrides]
        if isinstance(config, str):
            config = load_config(Path(config), changes)
        elif changes:
            config = with_overrides(config, changes)
        if config.world.kind != "standin":
            raise ValueError(f"world.kind {config.world.kind} runs in real time only")
        self.config, self.render_mode = config, render_mode
        self._world: LockstepStandin | None = None
        self._ticks = 0
        probe = LockstepStandin(config, 0).spaces
        self._rewards = StepRewards(config.reward, probe)
        self.observation_space = spaces.Dict(
            {
                "image": spaces.Box(0, 255, probe.image_shape, np.uint8),
                "vector": spaces.Box(-np.inf, np.inf, (probe.vector_size,), np.float32),
            }
        )
        self.action_space = spaces.Box(-1.0, 1.0, (probe.num_actions,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[EnvObservation, dict[str, Any]]:
        if options:
            raise ValueError(f"reset takes no options, but got {', '.join(options)}")
        super().reset(seed=seed)
        if self._world is not None:
            self._world.close()
        self._world = LockstepStandin(self.config, int(self.np_random.integers(2**31)))
        self._ticks = 0
        observation = self._world.observe()
        return {"image": observation.image, "vector": observation.vector}, {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[EnvObservation, SupportsFloat, bool, bool, dict[str, Any]]:
        world = self._open_world()
        requested = np.asarray(action, np.float32)
        if requested.shape != self.action_space.shape:
            raise ValueError(
                f"the action has shape {requested.shape}; required: {self.action_space.shape}"
            )
        world.act(requested)
        observation = world.observe()
        self._ticks += 1
        terms = self._rewards.weigh(self._rewards.of(observation))
        return (
            {"image": observation.image, "vector": observation.vector},
            float(terms.sum()),
            observation.is_terminal,
            self._ticks >= self.config.evaluate.episode_steps,
            {"reward_terms": terms},
        )

    def render(self) -> NDArray[np.uint8] | None:
        return self._open_world().core.frame() if self.render_mode == "rgb_array" else None

    def truth(self) -> dict[str, Any]:
        """The true state, as JSON: for measurements, never for the agent."""
        return self._open_world().truth()

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None

    def _open_world(self) -> LockstepStandin:
        if self._world is None:
            raise gymnasium.error.ResetNeeded("call reset() first")
        return self._world


for _place, _version in VERSIONS.items():
    gymnasium.register(
        f"Yume/{_place.capitalize()}-v{_version}",
        entry_point="interfaces.standin.gymnasium_env:StandinEnv",
        kwargs={"place": _place},
    )
