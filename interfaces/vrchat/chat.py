"""Lines for VRChat's chatbox: spaced so that it never locks out, and silent while a world loads."""

import math
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from configs.actions import CHAT_CHARACTERS

SPACING_S = 1.7  # five lines in five seconds lock the chatbox for thirty
_LINES = 9


class Chat:
    """Takes one line at a time; the next one after SPACING_S. `datagrams` goes out every beat."""

    def __init__(self, beat_s: float) -> None:
        self._apart_beats = math.ceil(SPACING_S / beat_s)
        self._beat = 0
        self._free_at = 0
        self._next: str | None = None
        self.silent = False  # a world loads: what is said now would be lost, and counted

    def say(self, what: str) -> bool:
        """Whether the line is taken: not while another waits, was just said, or a world loads."""
        if self.silent or self._next is not None or self._beat < self._free_at:
            return False
        self._next = fitting(what)
        return True

    def datagrams(self) -> list[bytes]:
        """What is to be sent at this beat."""
        self._beat += 1
        if self._next is None or self.silent or self._beat <= self._free_at:
            return []
        line, self._next = self._next, None
        self._free_at = self._beat + self._apart_beats
        return [_line(line)]

    def snapshot(self) -> dict[str, Any]:
        return {
            "beat": self._beat,
            "free_at": self._free_at,
            "next": self._next,
            "silent": self.silent,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._beat, self._free_at = int(snapshot["beat"]), int(snapshot["free_at"])
        self._next, self.silent = snapshot["next"], bool(snapshot["silent"])


def fitting(text: str) -> str:
    """As much as a chat bubble holds: nine lines, 144 characters."""
    return "\n".join(text.replace("\0", "").splitlines()[:_LINES])[:CHAT_CHARACTERS]


def _line(text: str) -> bytes:
    message = OscMessageBuilder("/chatbox/input")
    message.add_arg(text, OscMessageBuilder.ARG_TYPE_STRING)
    message.add_arg(True, OscMessageBuilder.ARG_TYPE_TRUE)  # at once, without the keyboard
    return message.build().dgram
