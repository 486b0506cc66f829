"""A person's keys as the OSC a desktop player's would be: what they press and let go of."""

from interfaces.osc.message import encode

# Key names as Panda3D has them: those of the letters, wherever the layout puts them.
KEYS: dict[str, str] = {
    "w": "MoveForward",
    "arrow_up": "MoveForward",
    "s": "MoveBackward",
    "arrow_down": "MoveBackward",
    "a": "MoveLeft",
    "d": "MoveRight",
    "q": "LookLeft",
    "arrow_left": "LookLeft",
    "e": "LookRight",
    "arrow_right": "LookRight",
    "r": "LookUp",
    "f": "LookDown",
    "shift": "Run",
    "lshift": "Run",
    "rshift": "Run",
    "space": "Jump",
    "v": "Voice",
    "tab": "QuickMenuToggleLeft",
    "m": "QuickMenuToggleLeft",
    "end": "AFKToggle",
}
HELP = (
    "WASD or up/down move, Shift runs, Q/E or left/right turn, R/F look up/down, "
    "Space jumps, V voice, Tab or M menu, End AFK"
)
_INPUTS = tuple(dict.fromkeys(KEYS.values()))


class Keyboard:
    """Remembers what is down; says only what changes. Two keys of one input are one."""

    def __init__(self) -> None:
        self._down = frozenset[str]()

    def messages(self, keys: frozenset[str]) -> list[bytes]:
        """One datagram for each input that changed: 1 pressed, 0 let go. No keys: all let go."""
        down = frozenset(KEYS[key] for key in keys if key in KEYS)
        changed, self._down = down ^ self._down, down
        return [encode(f"/input/{name}", int(name in down)) for name in _INPUTS if name in changed]
