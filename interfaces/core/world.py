"""The World protocol that every live world and every lockstep world implements."""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces


class Situation(IntFlag):
    """What is unusual about a Step. The journal stores it as a bit mask."""

    NONE = 0
    NO_FRAME = 1  # The camera has delivered no frame yet, or none for too long.
    FENCED = 2  # The guard keeps every input released; nothing was sent.
    AVATAR_CHANGE = 4  # Another avatar since the last Step.
    BLACK = 8  # The image is black: a world is loading.
    FROZEN = 16  # The image does not change while the avatar moves.
    MENU = 32  # Inputs have no effect: the menu is open, or OSC is off.
    AFK = 64  # The avatar is away from the keyboard.
    STUCK = 128  # The avatar walks but does not move.
    MUTED = 256  # The microphone is off.
    WORLD_CHANGE = 512  # Another world has loaded since the last Step.
    RESPAWN = 1024  # The avatar was moved to another place.
    PAUSED = 2048  # A person paused the agent.
    STOPPED = 4096  # A person stopped the agent by a parameter, a key or a command.
    FORBIDDEN = 8192  # The agent must not act with this avatar or in this world.
    NO_CLIENT = 16384  # No program listens on the port of VRChat.
    FORGOTTEN = 32768  # Erased later on request.
    # is_first is set only because the Steps before it are missing or erased. The recurrent state of
    # the body continued from them.
    AFTER_GAP = 65536


@dataclass(slots=True)
class Observation:
    """What the world shows at one tick.

    `image`: uint8 (height, width, 3), RGB.
    `vector`: float32 (vector_size,); `interfaces.core.spaces` says what it holds.
    `reward`: the world's own reward for the last action (0 in VRChat).
    `frame_age_s`: seconds since the frame was captured. `frame_number` counts captured frames.
    `resting`: True where the inputs must stay released, whatever the policy chooses.
    `sound` and `sound_raw`: float32 sound_shape in -1..1 and int16 raw_shape, or None.
    """

    image: NDArray[np.uint8]
    vector: NDArray[np.float32]
    reward: float = 0.0
    is_first: bool = False
    is_last: bool = False
    is_terminal: bool = False
    frame_age_s: float = 0.0
    frame_number: int = 0
    situation: Situation = field(default=Situation.NONE)
    resting: bool = False
    sound: NDArray[np.float32] | None = None
    sound_raw: NDArray[np.int16] | None = None


class World(Protocol):
    """The environment of a body. Live worlds run in real time, lockstep worlds step by step."""

    @property
    def spaces(self) -> Spaces: ...

    def observe(self) -> Observation:
        """Return the newest observation without waiting for one."""
        ...

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """Send an action, float32 (num_actions,). Return the action as sent, in policy units.

        In a Step with is_last nothing is sent and the result is zeros.
        """
        ...

    def rest(self) -> None:
        """Release every input. Safe to call at any time and more than once."""
        ...

    def forget(self) -> None:
        """Note that another process released every input: reset the last action, send nothing."""
        ...

    def close(self) -> None:
        """Release inputs, then free sockets, threads and devices. Safe to call more than once."""
        ...
