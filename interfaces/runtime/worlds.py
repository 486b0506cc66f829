"""Which world a configuration asks for, so that agent and trainer need not know VRChat."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.schema import Config
from configs.world.rooms import RoomsConfig
from configs.world_settings import WorldConfig
from interfaces.core.clock import VirtualClock
from interfaces.core.spaces import Spaces
from interfaces.core.world import World
from interfaces.runtime.plugin_world import PluginWorld

APART = 1_000_003  # between the seeds of worlds that run side by side
BaselinePolicy = Callable[[], NDArray[np.float32]]  # the next action, (num_actions,)


class LockstepWorld(World, Protocol):
    """A World on a virtual clock whose whole state can be saved and restored."""

    clock: VirtualClock

    def snapshot(self) -> dict[str, Any]: ...
    def restore(self, snapshot: dict[str, Any]) -> None: ...


def live_spaces(config: WorldConfig) -> Spaces:
    """Shapes and names of a world in real time: VRChat, or the stand-in that speaks its OSC."""
    from interfaces.vrchat.vrchat_world import vrchat_spaces

    return vrchat_spaces(config)


def require_lockstep(config: Config) -> None:
    """Raises BadInput for a world that runs in real time only."""
    if config.world.kind == "vrchat":
        raise BadInput(
            "world.kind vrchat runs in real time only; lockstep needs standin, gymnasium or plugin"
        )


def make_lockstep_world(config: Config, seed: int) -> LockstepWorld:
    """The configured world on a virtual clock.

    Raises BadInput where it cannot be made, and names what is missing.
    """
    require_lockstep(config)
    if config.world.kind == "standin":
        from interfaces.standin.lockstep_standin import LockstepStandin

        return LockstepStandin(config, seed)
    if config.world.kind == "plugin":
        return PluginWorld(config, seed)
    try:
        from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
    except ImportError as error:
        raise BadInput(
            f'world.kind gymnasium: {error}; python -m pip install -e ".[gym]" -c constraints.txt'
        ) from error
    return GymnasiumWorld(config, seed)


def make_evaluation_world(config: Config, seed: int) -> LockstepWorld:
    """The world of one evaluation episode: as make_lockstep_world, but the room never changes.

    So the rooms of a seed, and the scores in them, do not depend on `world.standin.rooms`.
    """
    standin = config.world.standin.model_copy(update={"rooms": RoomsConfig()})
    world = config.world.model_copy(update={"standin": standin})
    return make_lockstep_world(config.model_copy(update={"world": world}), seed)


def make_lockstep_worlds(config: Config, seed: int) -> list[LockstepWorld]:
    """As many worlds as the configuration runs side by side, each with its own seed.

    Raises BadInput as make_lockstep_world does.
    """
    count = config.world.gymnasium.worlds if config.world.kind == "gymnasium" else 1
    return [make_lockstep_world(config, seed + APART * i) for i in range(count)]


def require_resumable(worlds: Sequence[LockstepWorld]) -> None:
    """Raises BadInput for a world that cannot restore its state, so that no run can be resumed."""
    for world in worlds:
        if isinstance(world, PluginWorld) and not world.resumable:
            raise BadInput(
                f"{world.place}: its world has no snapshot() and restore(snapshot), so its runs "
                "cannot be resumed; add both, or start a new run"
            )


def make_baseline(name: str, world: World, seed: int) -> BaselinePolicy:
    """A policy without networks: random, sticky, still or oracle.

    random: uniform over the actions, drawn at every step. sticky: keeps an action for a while.
    still: every input at rest. oracle: reads the true state of the stand-in. Raises BadInput for
    an oracle in another world.
    """
    if name == "sticky":
        from interfaces.standin.baselines import StickyRandom

        return StickyRandom(world.spaces, seed).act
    if name == "still":
        return lambda: np.zeros(world.spaces.num_actions, np.float32)
    if name == "oracle":
        from interfaces.standin.baselines import Oracle
        from interfaces.standin.lockstep_standin import LockstepStandin

        if not isinstance(world, LockstepStandin):
            raise BadInput("--policy oracle: only the stand-in can report its true state")
        return Oracle(world).act
    random = np.random.Generator(np.random.Philox(key=seed))
    return lambda: world.spaces.sample_actions(random, 1)[0]
