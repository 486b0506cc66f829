"""The chatbox and its limits: 144 characters, nine lines, five messages in five seconds.

Too many messages lock the chatbox for half a minute.
"""

from dataclasses import dataclass

MAX_CHARACTERS = 144
MAX_LINES = 9
BURST = 5.0  # messages
REFILL_S = 1.0  # after so long, one more message is allowed
LOCKOUT_S = 30.0
SHOWN_S = 5.0  # in VRChat a setting of each viewer, 2 to 60 s


@dataclass(slots=True)
class Chatbox:
    """The text above the avatar's head. Times in seconds of the world."""

    text: str = ""
    shown_until_s: float = 0.0
    typing: bool = False
    tokens: float = BURST  # of the rate limit: messages that may be sent now
    counted_s: float = 0.0  # when `tokens` was updated
    locked_until_s: float = 0.0
    refused: int = 0

    def receive(self, now_s: float, address: str, arguments: list[object]) -> bool:
        """Take /chatbox/input (text, immediate, [sound]) or /chatbox/typing.

        Returns False for another address or wrong arguments.
        """
        if address == "/chatbox/typing":
            if len(arguments) != 1 or not isinstance(arguments[0], (bool, int)):
                return False
            self.typing = bool(arguments[0])
            return True
        if address != "/chatbox/input" or not 1 <= len(arguments) <= 3:
            return False
        text, flags = arguments[0], arguments[1:]
        if not isinstance(text, str) or not all(isinstance(flag, (bool, int)) for flag in flags):
            return False
        if flags and not flags[0]:  # opens the keyboard with the text in it, and sends nothing
            self.typing = True
            return True
        self._send(now_s, text)
        return True

    def shown(self, now_s: float) -> str:
        """The text that others see now; empty if none."""
        return self.text if now_s < self.shown_until_s else ""

    def _send(self, now_s: float, text: str) -> None:
        if now_s < self.locked_until_s:
            self.refused += 1
            return
        self.tokens = min(BURST, self.tokens + (now_s - self.counted_s) / REFILL_S)
        self.counted_s = now_s
        if self.tokens < 1.0:
            self.refused += 1
            self.locked_until_s = now_s + LOCKOUT_S
            return
        self.tokens -= 1.0
        self.typing = False
        self.text = "\n".join(text[:MAX_CHARACTERS].split("\n")[:MAX_LINES])
        self.shown_until_s = now_s + SHOWN_S if self.text else 0.0
