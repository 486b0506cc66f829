"""A press that writes one chat line or plays one sound, instead of an input of the client."""

from typing import Any, Protocol

from interfaces.vrchat.rate_limits import RateLimit


class SpeechOutput(Protocol):
    """The chatbox, or the voice."""

    def say(self, text_or_sound: str) -> bool:
        """Take a chat line or the name of a sound. False: not possible now."""
        ...


class SpeechTrigger:
    """A press that writes one chat line or plays one sound.

    It counts as sent for one tick, and only if the output took it.
    """

    def __init__(self, text_or_sound: str, limits: list[RateLimit], output: SpeechOutput) -> None:
        self._text_or_sound, self._output = text_or_sound, output
        self._limits = limits
        self._requested = False  # at the last tick: a button held down triggers once

    def update(self, requested: float, tick: int) -> float:
        before, self._requested = self._requested, requested > 0.5
        if not self._requested or before or not all(limit.allows(tick) for limit in self._limits):
            return 0.0
        if not self._output.say(self._text_or_sound):
            return 0.0
        for limit in self._limits:
            limit.count(tick)
        return 1.0

    def datagram(self) -> bytes | None:
        return None

    def rest(self) -> None:
        self._requested = False

    def snapshot(self) -> dict[str, Any]:
        return {"wanted": self._requested, "done": [limit.snapshot() for limit in self._limits]}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._requested = bool(snapshot["wanted"])
        for limit, done in zip(self._limits, snapshot["done"], strict=True):
            limit.restore(done)
