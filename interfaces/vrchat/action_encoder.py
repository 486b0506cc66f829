"""Encodes policy actions as OSC datagrams, and the actions as sent back into policy units.

VRChat keeps the last value of every input and starts a press at its rising edge. UDP loses packets.
So the full intended state is sent at every tick, and a press is held for two ticks.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.vrchat import LimitsConfig
from interfaces.osc.message import encode
from interfaces.vrchat.actuators import (
    ACTUATORS,
    Actuator,
    ActuatorSetup,
    press_limits,
    rest_datagram,
)
from interfaces.vrchat.chat import Chat
from interfaces.vrchat.rate_limits import RateLimit
from interfaces.vrchat.speech_trigger import SpeechOutput, SpeechTrigger

MOVED_AXES = ("LookHorizontal", "Vertical", "Horizontal")  # by doctor and calibrate


def rest_datagrams(actions: Sequence[ActionConfig]) -> list[bytes]:
    """A datagram for every input and parameter that sets it to its rest value."""
    datagrams = (rest_datagram(action) for action in actions)
    return [datagram for datagram in datagrams if datagram is not None]


def release_datagrams(actions: Sequence[ActionConfig]) -> list[bytes]:
    """Rest datagrams of the actions, and of the axes that doctor and calibrate move themselves."""
    axes = [encode(f"/input/{axis}", 0.0) for axis in MOVED_AXES]
    return list(dict.fromkeys([*rest_datagrams(actions), *axes]))


class NoVoice:
    """The speech output without a voice device: it accepts no sound."""

    def say(self, text_or_sound: str) -> bool:
        return False


class ActionEncoder:
    """Encodes the actions of each tick, and keeps the state of presses and limits between ticks.

    An action that a limit forbids is not sent. The action as sent says so, because the learner must
    learn from what was sent. `tick_s`: seconds per tick. `turn_deg_s`: the turning speed at full
    LookHorizontal, in degrees per second.
    """

    def __init__(
        self,
        actions: Sequence[ActionConfig],
        limits: LimitsConfig | None = None,
        tick_s: float = 0.1,
        voice: SpeechOutput | None = None,
        turn_deg_s: float = 200.0,
    ) -> None:
        setup = ActuatorSetup(limits or LimitsConfig(), tick_s, turn_deg_s)
        self._actions = tuple(actions)
        self._rest = rest_datagrams(actions)
        self._tick = 0
        self.chat = Chat(tick_s)
        chat_limit = RateLimit(setup.limits.chats_per_minute, tick_s)  # shared by all chat lines
        self._actuators = [
            _make_actuator(config, setup, self.chat, chat_limit, voice or NoVoice())
            for config in self._actions
        ]

    def encode(self, action: NDArray[np.float32]) -> tuple[list[bytes], NDArray[np.float32]]:
        """Encode the action of one tick, float32 (num_actions,) in policy units.

        Returns the datagrams and the action as sent, with the same shape and units. A value that is
        not finite counts as 0.
        """
        sent = np.zeros(len(self._actuators), np.float32)
        datagrams: list[bytes] = []
        requested: list[float] = action.tolist()  # NumPy scalars are ten times slower here
        self._tick += 1
        for i, actuator in enumerate(self._actuators):
            value = requested[i] if math.isfinite(requested[i]) else 0.0
            sent[i] = actuator.update(value, self._tick)
            datagram = actuator.datagram()
            if datagram is not None:
                datagrams.append(datagram)
        return datagrams + self.chat.datagrams(), sent

    def rest(self) -> list[bytes]:
        """Release every input and drop unfinished presses. Returns the datagrams to send."""
        for actuator in self._actuators:
            actuator.rest()
        return list(self._rest)

    def snapshot(self) -> dict[str, Any]:
        return {
            "beat": self._tick,
            "chat": self.chat.snapshot(),
            "fingers": [actuator.snapshot() for actuator in self._actuators],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._tick = int(snapshot["beat"])
        self.chat.restore(snapshot["chat"])
        for actuator, state in zip(self._actuators, snapshot["fingers"], strict=True):
            actuator.restore(state)


def _make_actuator(
    config: ActionConfig,
    setup: ActuatorSetup,
    chat: Chat,
    chat_limit: RateLimit,
    voice: SpeechOutput,
) -> Actuator:
    if config.target == "chat":
        return SpeechTrigger(config.text, [*press_limits(config, setup.tick_s), chat_limit], chat)
    if config.target == "voice":
        return SpeechTrigger(config.sound, press_limits(config, setup.tick_s), voice)
    return ACTUATORS[config.kind].make(config, setup)
