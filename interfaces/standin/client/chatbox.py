"""The chatbox: 144 characters and nine lines, five messages in five seconds, then half a minute
of silence."""

from dataclasses import dataclass

LONGEST = 144
LINES = 9
BURST = 5.0
REFILL_S = 1.0  # a message is forgiven after so long
LOCKOUT_S = 30.0
SHOWN_S = 5.0  # a setting of whoever looks: 2 to 60 s


@dataclass(slots=True)
class Chatbox:
    """What is written above one's head. Times in seconds of the world."""

    text: str = ""
    shown_until_s: float = 0.0
    typing: bool = False
    tokens: float = BURST
    counted_s: float = 0.0
    locked_until_s: float = 0.0
    refused: int = 0

    def receive(self, now_s: float, address: str, arguments: list[object]) -> bool:
        """Take /chatbox/input (text, at once?, [sound?]) or /chatbox/typing. False: neither."""
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
        self._say(now_s, text)
        return True

    def shown(self, now_s: float) -> str:
        return self.text if now_s < self.shown_until_s else ""

    def _say(self, now_s: float, text: str) -> None:
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
        self.text = "\n".join(text[:LONGEST].split("\n")[:LINES])
        self.shown_until_s = now_s + SHOWN_S if self.text else 0.0
