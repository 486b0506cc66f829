"""Keys of a person as VRChat's OSC inputs: one message when pressed, one when released."""

from interfaces.osc.message import encode

# Panda3D's key names. They name the letter, wherever the keyboard layout puts it.
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
    """Remembers which inputs are held; sends changes only. Two keys of one input count as one."""

    def __init__(self) -> None:
        self._down = frozenset[str]()

    def messages(self, keys: frozenset[str]) -> list[bytes]:
        """One datagram for each changed input: 1 pressed, 0 released. `keys`: all that are held."""
        down = frozenset(KEYS[key] for key in keys if key in KEYS)
        changed, self._down = down ^ self._down, down
        return [encode(f"/input/{name}", int(name in down)) for name in _INPUTS if name in changed]
