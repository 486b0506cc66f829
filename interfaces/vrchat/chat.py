"""Lines for VRChat's chatbox: spaced so that it does not lock, and none while a world loads."""

import math
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from configs.actions import CHAT_CHARACTERS

SPACING_S = 1.7  # five lines within five seconds lock the chatbox for thirty seconds
_MAX_LINES = 9


class Chat:
    """Takes one line at a time, the next one after SPACING_S. `datagrams` is called every tick.

    `tick_s`: seconds per tick.
    """

    def __init__(self, tick_s: float) -> None:
        self._spacing_ticks = math.ceil(SPACING_S / tick_s)
        self._tick = 0
        self._free_at_tick = 0
        self._waiting: str | None = None
        self.silent = False  # a world loads: VRChat would drop the line and count it all the same

    def say(self, text_or_sound: str) -> bool:
        """Whether the line is taken.

        False while another line waits, soon after another line, and while a world loads.
        """
        if self.silent or self._waiting is not None or self._tick < self._free_at_tick:
            return False
        self._waiting = fit_chat_bubble(text_or_sound)
        return True

    def datagrams(self) -> list[bytes]:
        """The datagrams of this tick: the waiting line, or none."""
        self._tick += 1
        if self._waiting is None or self.silent or self._tick <= self._free_at_tick:
            return []
        line, self._waiting = self._waiting, None
        self._free_at_tick = self._tick + self._spacing_ticks
        return [_datagram(line)]

    def snapshot(self) -> dict[str, Any]:
        return {
            "beat": self._tick,
            "free_at": self._free_at_tick,
            "next": self._waiting,
            "silent": self.silent,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._tick, self._free_at_tick = int(snapshot["beat"]), int(snapshot["free_at"])
        self._waiting, self.silent = snapshot["next"], bool(snapshot["silent"])


def fit_chat_bubble(text: str) -> str:
    """Cut the text to what a chat bubble shows: nine lines, 144 characters."""
    return "\n".join(text.replace("\0", "").splitlines()[:_MAX_LINES])[:CHAT_CHARACTERS]


def _datagram(text: str) -> bytes:
    message = OscMessageBuilder("/chatbox/input")
    message.add_arg(text, OscMessageBuilder.ARG_TYPE_STRING)
    message.add_arg(True, OscMessageBuilder.ARG_TYPE_TRUE)  # send now, do not open the keyboard
    return message.build().dgram
