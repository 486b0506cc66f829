"""The World protocol: observe, act, rest, close. Every world keeps it, lived or in lockstep."""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces


class Situation(IntFlag):
    """What is unusual about a Step; a bit mask in the journal."""

    NONE = 0
    NO_FRAME = 1  # the camera has not delivered yet, or has stopped
    FENCED = 2  # the guard holds every input at rest; nothing was sent
    AVATAR_CHANGE = 4  # the avatar was swapped since the last Step
    BLACK = 8  # the picture is black: a world loads
    FROZEN = 16  # the picture stands still while the avatar moves
    MENU = 32  # inputs move nothing: the menu is open, or OSC is off
    AFK = 64  # the avatar is away from the keyboard
    STUCK = 128  # it pushes, and does not get on
    MUTED = 256  # the microphone is off
    WORLD_CHANGE = 512  # another world has loaded since the last Step
    RESPAWN = 1024  # it is suddenly elsewhere
    PAUSED = 2048  # a person has paused it
    STOPPED = 4096  # a person has stopped it, by a parameter, a key or a command
    FORBIDDEN = 8192  # an avatar or a world in which it is not to act
    NO_CLIENT = 16384  # nobody listens where VRChat should
    FORGOTTEN = 32768  # blanked afterwards, because somebody asked for it
    AFTER_GAP = 65536  # a beginning as what was before it is missing or forgotten; the body knew it


@dataclass(slots=True)
class Observation:
    """What the world shows at one beat.

    image: uint8 (height, width, 3) RGB. vector: float32 (vector_size,), see `spaces`.
    reward: what the world itself pays for the last action (VRChat pays nothing).
    frame_age_s: seconds since the frame was grabbed; frame_number counts grabbed frames.
    resting: in this situation the inputs stay at rest, whatever the policy wants.
    sound: float32 sound_shape of -1..1, and sound_raw int16 raw_shape, for a world with ears.
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
    """Where a body lives."""

    @property
    def spaces(self) -> Spaces: ...

    def observe(self) -> Observation:
        """The newest observation; never waits for one."""
        ...

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """Send an action, float32 (num_actions,); returns it as really sent, in policy units.

        In a Step with is_last the action is masked: nothing is sent, zeros are returned.
        """
        ...

    def rest(self) -> None:
        """Let go of every input. Safe to call at any time, and more than once."""
        ...

    def forget(self) -> None:
        """Somebody else has let go of every input: forget what was sent, and send nothing."""
        ...

    def close(self) -> None:
        """Rest, then free sockets, threads and devices. Safe to call more than once."""
        ...
