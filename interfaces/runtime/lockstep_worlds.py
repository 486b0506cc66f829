"""Which world to live in when time is virtual."""

from typing import Any, Protocol

from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import VirtualClock
from interfaces.core.world import World

APART = 1_000_003  # between the seeds of worlds that are lived in side by side


class LockstepWorld(World, Protocol):
    """A World on a virtual clock whose whole state can be kept and put back."""

    clock: VirtualClock

    def snapshot(self) -> dict[str, Any]: ...
    def restore(self, snapshot: dict[str, Any]) -> None: ...


def require_lockstep(config: Config) -> None:
    """Raises BadInput for a world that lives in real time only."""
    if config.world.kind == "vrchat":
        raise BadInput(
            "world.kind vrchat lives in real time only; lockstep needs standin or gymnasium"
        )


def make_lockstep_world(config: Config, seed: int) -> LockstepWorld:
    """The configured world. Raises BadInput where it cannot be made, naming what is missing."""
    require_lockstep(config)
    if config.world.kind == "standin":
        from interfaces.standin.lockstep_standin import LockstepStandin

        return LockstepStandin(config, seed)
    try:
        from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
    except ImportError as error:
        raise BadInput(
            f'world.kind gymnasium: {error}; python -m pip install -e ".[gym]" -c constraints.txt'
        ) from error
    return GymnasiumWorld(config, seed)


def make_lockstep_worlds(config: Config, seed: int) -> list[LockstepWorld]:
    """As many as the configuration has side by side, all different. Raises BadInput as one does."""
    together = config.world.gymnasium.worlds if config.world.kind == "gymnasium" else 1
    return [make_lockstep_world(config, seed + APART * i) for i in range(together)]
