"""The stand-in as a World in lockstep: the same OSC bytes as live, but a virtual clock."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import VirtualClock
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation
from interfaces.devices.camera import crop_and_resize
from interfaces.devices.frame_statistics import FrameStatistics
from interfaces.osc.oscquery import node_tree
from interfaces.standin.avatar_settings import standin_settings
from interfaces.standin.client.input import PHYSICS_HZ
from interfaces.standin.client_tree import client_tree
from interfaces.standin.core import StandinCore
from interfaces.vrchat.avatar_io import AvatarIO
from interfaces.vrchat.avatar_listing import avatar_of
from interfaces.vrchat.situation_detector import FrameSample
from interfaces.vrchat.vrchat_world import vrchat_spaces


class LockstepStandin:
    """A World that advances the stand-in by one tick in each observe().

    The same settings, seed and actions give bit-identical observations.
    """

    def __init__(self, config: Config, seed: int) -> None:
        """Raises BadInput for a sound input, because lockstep has no sound."""
        self._config = config.world
        if config.world.audio_input.device is not None:
            raise BadInput(
                f"world.audio_input.device {config.world.audio_input.device}: lockstep has no "
                "sound; set it to null, or use the command run"
            )
        self._spaces = vrchat_spaces(config.world)
        episode_s = config.evaluate.episode_steps / config.tick.hz
        self.core = StandinCore(standin_settings(config.world), seed, episode_s=episode_s)
        self._substeps_per_tick = PHYSICS_HZ / config.tick.hz
        self.tick_s = 1.0 / config.tick.hz
        self.clock = VirtualClock()
        self._avatar_io = AvatarIO(config.world, self._spaces, self._now, self.tick_s)
        self._frame_statistics = FrameStatistics()
        self._pending: list[bytes] = []
        self._ticks = 0

    @property
    def spaces(self) -> Spaces:
        """Actions, vector fields and image shape."""
        return self._spaces

    def observe(self) -> Observation:
        substeps = round((self._ticks + 1) * self._substeps_per_tick) - round(
            self._ticks * self._substeps_per_tick
        )
        self._avatar_io.parameters.receive_all(self.core.step(substeps, self._pending))
        self._pending = []
        self._list_avatar()
        self._ticks += 1
        camera = self._config.camera
        picture = crop_and_resize(self.core.frame(), camera.width, camera.height)
        brightness, same_since_s = self._frame_statistics.update(picture, self._now())
        sample = FrameSample(picture, 0.0, self._ticks, brightness, self._now() - same_since_s)
        return self._avatar_io.observe(sample)

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        self._pending = self._avatar_io.act(action)
        return self._avatar_io.last_sent

    def rest(self) -> None:
        self._pending = self._avatar_io.rest()

    def forget(self) -> None:
        self._avatar_io.rest()

    def close(self) -> None:
        self.rest()
        self.core.close()

    def truth(self) -> dict[str, Any]:
        """The true state, as JSON: for measurements, never for the agent."""
        return self.core.truth()

    def snapshot(self) -> dict[str, object]:
        """All state, as JSON: restore() continues bit-identically."""
        return {
            "core": self.core.snapshot(),
            "clock_s": self.clock.now(),
            "presence": self._avatar_io.snapshot(),
            "look": self._frame_statistics.snapshot(),
            "pending": [datagram.hex() for datagram in self._pending],
            "beats": self._ticks,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        """Continue from a snapshot. Raises ValueError if it does not fit; see StandinCore."""
        state: dict = snapshot  # type: ignore[type-arg]
        self.core.restore(state["core"])
        self.clock = VirtualClock(float(state["clock_s"]))
        self._avatar_io.restore(state["presence"])
        self._frame_statistics.restore(state["look"])
        self._pending = [bytes.fromhex(datagram) for datagram in state["pending"]]
        self._ticks = int(state["beats"])

    def _list_avatar(self) -> None:
        """Ask the client for its parameters after each avatar change, as a live body does."""
        parameters, core = self._avatar_io.parameters, self.core
        if not self._avatar_io.senses or parameters.listed or not core.client.avatar_loaded:
            return
        tree = node_tree(client_tree(core))
        parameters.set_listing(avatar_of(tree), parameters.avatar_changes)

    def _now(self) -> float:
        """Seconds by ticks: without a pacer, nothing advances `clock`."""
        return self._ticks * self.tick_s
