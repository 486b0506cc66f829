"""The stand-in as a World without sockets: the same OSC bytes, a virtual clock, bit-identical."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.schema import Config
from interfaces.clock import VirtualClock
from interfaces.spaces import Spaces
from interfaces.standin.client.input import PHYSICS_HZ
from interfaces.standin.core import StandinCore
from interfaces.vrchat.camera import prepare
from interfaces.vrchat.feelings import Feelings
from interfaces.vrchat.hands import Hands
from interfaces.vrchat.world import vrchat_spaces
from interfaces.world import Observation


class LockstepStandin:
    """Advances the stand-in by one beat of physics each time it is observed."""

    def __init__(self, config: Config, seed: int) -> None:
        self._config = config.world
        self._spaces = vrchat_spaces(config.world)
        self.core = StandinCore(config.world.standin, seed)
        self._substeps_per_beat = PHYSICS_HZ / config.beat.hz
        self.beat_s = 1.0 / config.beat.hz
        self.clock = VirtualClock()
        self._hands = Hands(config.world.actions)
        self._feelings = Feelings(config.world.parameters)
        self._last_sent = np.zeros(self._spaces.num_actions, np.float32)
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
            self._feelings.take(datagram)
        self._pending = []
        self._beats += 1
        camera = self._config.camera
        return Observation(
            image=prepare(self.core.frame(), camera.width, camera.height),
            vector=np.concatenate([self._feelings.vector(), self._last_sent]),
            is_first=self._beats == 1,
            frame_number=self._beats,
        )

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        self._pending, self._last_sent = self._hands.move(action)
        return self._last_sent

    def rest(self) -> None:
        self._pending = self._hands.rest()
        self._last_sent = np.zeros_like(self._last_sent)

    def forget(self) -> None:
        self._hands.rest()
        self._last_sent = np.zeros_like(self._last_sent)

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
            "hands": self._hands.snapshot(),
            "feelings": self._feelings.snapshot(),
            "last_sent": self._last_sent.tolist(),
            "pending": [datagram.hex() for datagram in self._pending],
            "beats": self._beats,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        state: dict = snapshot  # type: ignore[type-arg]
        self.core.restore(state["core"])
        self.clock = VirtualClock(float(state["clock_s"]))
        self._hands.restore(state["hands"])
        self._feelings.restore(state["feelings"])
        self._last_sent = np.asarray(state["last_sent"], np.float32)
        self._pending = [bytes.fromhex(datagram) for datagram in state["pending"]]
        self._beats = int(state["beats"])
