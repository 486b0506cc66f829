"""Policy actions into what VRChat is told, and what was really sent back into policy units.

VRChat holds the last value of every input, acts on a press at its rising edge, and loses packets:
so the full intended state is sent every beat, and a press is held for two beats.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.vrchat import MannersConfig
from interfaces.vrchat.actuators import Axis, Button, Finger, Sayer, Utterance, rest_datagram
from interfaces.vrchat.chat import Chat
from interfaces.vrchat.rate_limits import PerMinute, Spins


def rest_datagrams(actions: Sequence[ActionConfig]) -> list[bytes]:
    """Every input and parameter at its own rest value."""
    found = (rest_datagram(action) for action in actions)
    return [datagram for datagram in found if datagram is not None]


class Mute:
    """No voice: nothing is said."""

    def say(self, what: str) -> bool:
        return False


class Hands:
    """Turns actions into the full state of one beat, and remembers what is under way.

    What the manners forbid is not sent, and said so: one learns from what was sent.
    """

    def __init__(
        self,
        actions: Sequence[ActionConfig],
        manners: MannersConfig | None = None,
        beat_s: float = 0.1,
        voice: Sayer | None = None,
        turn_deg_s: float = 200.0,
    ) -> None:
        """`turn_deg_s`: how fast it turns at full LookHorizontal."""
        manners = manners or MannersConfig()
        self._actions = tuple(actions)
        self._rest = rest_datagrams(actions)
        self._beat = 0
        self.chat = Chat(beat_s)
        chats = PerMinute(manners.chats_per_minute, beat_s)  # one measure for all lines together
        self._fingers = [
            _finger(config, manners, beat_s, self.chat, chats, voice or Mute(), turn_deg_s)
            for config in self._actions
        ]

    def move(self, action: NDArray[np.float32]) -> tuple[list[bytes], NDArray[np.float32]]:
        """Datagrams for one beat, and the action as really sent, float32 (num_actions,)."""
        sent = np.zeros(len(self._fingers), np.float32)
        datagrams: list[bytes] = []
        wanted: list[float] = action.tolist()  # plain floats: NumPy's cost ten times as much here
        self._beat += 1
        for i, finger in enumerate(self._fingers):
            sent[i] = finger.move(wanted[i] if math.isfinite(wanted[i]) else 0.0, self._beat)
            datagram = finger.datagram()
            if datagram is not None:
                datagrams.append(datagram)
        return datagrams + self.chat.datagrams(), sent

    def rest(self) -> list[bytes]:
        """Let go of everything and forget what is under way."""
        for finger in self._fingers:
            finger.rest()
        return list(self._rest)

    def snapshot(self) -> dict[str, Any]:
        return {
            "beat": self._beat,
            "chat": self.chat.snapshot(),
            "fingers": [finger.snapshot() for finger in self._fingers],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._beat = int(snapshot["beat"])
        self.chat.restore(snapshot["chat"])
        for finger, state in zip(self._fingers, snapshot["fingers"], strict=True):
            finger.restore(state)


def _finger(
    config: ActionConfig,
    manners: MannersConfig,
    beat_s: float,
    chat: Chat,
    chats: PerMinute,
    voice: Sayer,
    turn_deg_s: float,
) -> Finger:
    limits = [PerMinute(config.per_minute, beat_s)] if config.per_minute else []
    if config.target == "chat":
        return Utterance(config.text, [*limits, chats], chat)
    if config.target == "voice":
        return Utterance(config.sound, limits, voice)
    if config.kind == "axis":
        turns = config.target == "input" and config.name == "LookHorizontal"
        most = manners.spins_per_minute if turns else None
        return Axis(config, beat_s, None if most is None else Spins(most, beat_s, turn_deg_s))
    jumps = config.target == "input" and config.name == "Jump"
    if jumps and manners.jumps_per_minute is not None:
        limits.append(PerMinute(manners.jumps_per_minute, beat_s))
    return Button(config, limits)
