"""The stand-in as a World without sockets: the same OSC bytes, a virtual clock, bit-identical."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import VirtualClock
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation
from interfaces.devices.camera import prepare
from interfaces.devices.frame_statistics import Look
from interfaces.standin.client.input import PHYSICS_HZ
from interfaces.standin.core import StandinCore
from interfaces.vrchat.avatar_io import Presence
from interfaces.vrchat.situation_detector import Sight
from interfaces.vrchat.vrchat_world import vrchat_spaces


class LockstepStandin:
    """Advances the stand-in by one beat of physics each time it is observed.

    Raises BadInput for ears: nothing sounds here.
    """

    def __init__(self, config: Config, seed: int) -> None:
        self._config = config.world
        if config.world.ears.device is not None:
            raise BadInput(
                f"world.ears.device {config.world.ears.device}: there is no sound in lockstep; "
                "null, or live by run"
            )
        self._spaces = vrchat_spaces(config.world)
        self.core = StandinCore(config.world.standin, seed)
        self._substeps_per_beat = PHYSICS_HZ / config.beat.hz
        self.beat_s = 1.0 / config.beat.hz
        self.clock = VirtualClock()
        self._presence = Presence(config.world, self._spaces, self._now, self.beat_s)
        self._look = Look()
        self._pending: list[bytes] = []
        self._beats = 0

    @property
    def spaces(self) -> Spaces:
        return self._spaces

    def observe(self) -> Observation:
        substeps = round((self._beats + 1) * self._substeps_per_beat) - round(
            self._beats * self._substeps_per_beat
        )
        for datagram in self.core.step(substeps, self._pending):
            self._presence.feelings.take(datagram)
        self._pending = []
        self._beats += 1
        camera = self._config.camera
        picture = prepare(self.core.frame(), camera.width, camera.height)
        brightness, same_since_s = self._look.at(picture, self._now())
        sight = Sight(picture, 0.0, self._beats, brightness, self._now() - same_since_s)
        return self._presence.observe(sight)

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        self._pending = self._presence.act(action)
        return self._presence.last_sent

    def rest(self) -> None:
        self._pending = self._presence.rest()

    def forget(self) -> None:
        self._presence.rest()

    def close(self) -> None:
        self.rest()
        self.core.close()

    def truth(self) -> dict[str, Any]:
        """Where everybody is; for measurements, never for the agent."""
        return self.core.truth()

    def snapshot(self) -> dict[str, object]:
        """Everything needed to go on bit-identically, as JSON."""
        return {
            "core": self.core.snapshot(),
            "clock_s": self.clock.now(),
            "presence": self._presence.snapshot(),
            "look": self._look.snapshot(),
            "pending": [datagram.hex() for datagram in self._pending],
            "beats": self._beats,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        state: dict = snapshot  # type: ignore[type-arg]
        self.core.restore(state["core"])
        self.clock = VirtualClock(float(state["clock_s"]))
        self._presence.restore(state["presence"])
        self._look.restore(state["look"])
        self._pending = [bytes.fromhex(datagram) for datagram in state["pending"]]
        self._beats = int(state["beats"])

    def _now(self) -> float:
        """By beats: who steps it without a pacer does not turn the clock."""
        return self._beats * self.beat_s
