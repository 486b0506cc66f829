"""Settings of changing rooms: when the stand-in goes to another room, and how long that takes."""

import math
from typing import Literal

from pydantic import Field

from configs.strict import StrictModel

_LOADING_TICKS = 2  # fewer black pictures could be missed, and with them the change of the world


class RoomsConfig(StrictModel):
    """Whether the stand-in changes the room while a run goes on; see docs/standin.md."""

    change: Literal["never", "episode", "minutes"] = Field(
        default="never",
        description="When the next room is drawn from the seed: its furniture, light and people. "
        "`never`: one room. `episode`: after evaluate.episode_steps ticks. `minutes`: after "
        "world.standin.rooms.minutes.",
    )
    minutes: float = Field(
        default=5.0,
        ge=0.1,
        le=1440,
        description="Time in a room, in minutes. Needs change: minutes.",
    )
    load_s: float = Field(
        default=1.0,
        ge=0.1,
        le=60,
        description="Time without messages and with a black picture before the next room, in "
        "seconds. At least two ticks.",
    )

    @property
    def changes(self) -> bool:
        """Whether there is more than one room."""
        return self.change != "never"

    def stay_s(self, episode_s: float) -> float:
        """Seconds in each room, if an episode lasts `episode_s`; infinite without changes."""
        return {"never": math.inf, "episode": episode_s, "minutes": 60.0 * self.minutes}[
            self.change
        ]

    def check_ticks(self, hz: float) -> None:
        """Raises ValueError if a room loads in less than two ticks of 1 / `hz` seconds."""
        shortest_s = _LOADING_TICKS / hz
        if self.changes and self.load_s < shortest_s:
            raise ValueError(
                f"world.standin.rooms.load_s {self.load_s:g}: at {hz:g} ticks per second it must "
                f"be at least {shortest_s:g}, two ticks; otherwise the agent can miss the change"
            )
