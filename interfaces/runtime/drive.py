"""Take over: a person drives the avatar by keys, and the agent learns from it.

What is held is written to the Board fifty times a second; the body takes it at its beat in place
of what the policy wants, and labels the Step. Who stops writing has let go.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from configs.actions import ActionConfig
from configs.errors import BadInput
from interfaces.ipc.board import MOST_DRIVEN, Board
from interfaces.runtime.run_control import is_heard_of

# A terminal tells when a key goes down and then repeats it, never when it goes up: a key counts as
# held for so long after its last sign of life. The first repeat takes about half a second to come.
HELD_S, REPEATED_S = 0.55, 0.15
_AGAIN_S = 0.02
_QUIT = ("q", "\x03", "\x1b")
KEYS: dict[str, tuple[str, float]] = {
    "w": ("Vertical", 1.0),
    "s": ("Vertical", -1.0),
    "a": ("Horizontal", -1.0),
    "d": ("Horizontal", 1.0),
    "left": ("LookHorizontal", -0.6),
    "right": ("LookHorizontal", 0.6),
    "up": ("LookVertical", 0.5),
    "down": ("LookVertical", -0.5),
    " ": ("Jump", 1.0),
    "r": ("Run", 1.0),
    "v": ("Voice", 1.0),
}
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
_WINDOWS_ARROWS = {"H": "up", "P": "down", "M": "right", "K": "left"}


class Held:
    """Which keys are down, from a terminal that only tells of presses and repeats."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def press(self, key: str, now: float) -> None:
        repeats = now - self._last.get(key, -1.0) < HELD_S
        self._until[key] = now + (REPEATED_S if repeats else HELD_S)
        self._last[key] = now

    def release_all(self) -> None:
        self._until.clear()

    def action(self, actions: Sequence[ActionConfig], now: float) -> NDArray[np.float64]:
        """float64 (num_actions,), in policy units."""
        wanted = np.zeros(len(actions))
        index = {action.name: i for i, action in enumerate(actions) if action.target == "input"}
        for key, until in self._until.items():
            name, value = KEYS[key]
            if now < until and name in index:
                wanted[index[name]] += value
        return np.clip(wanted, -1.0, 1.0)


def drive(
    board: Board, actions: Sequence[ActionConfig], stopped: threading.Event, console: Console
) -> None:
    """Until q, Escape, Ctrl-C, `stopped` or the end of the life. Raises BadInput where there is no
    terminal."""
    if not sys.stdin.isatty():
        raise BadInput("drive reads keys: run it in a terminal")
    held = Held()
    with _keys() as read, Live(console=console, auto_refresh=False) as live:
        try:
            while not stopped.is_set():
                if board["stop"] or not is_heard_of(board):
                    live.console.print("the life has ended: nobody there to drive")
                    return
                now = time.perf_counter()
                for key in read():
                    if key in _QUIT:
                        return
                    if key == "x":
                        held.release_all()
                    elif key in KEYS:
                        held.press(key, now)
                action = held.action(actions, now)
                board["human_action"] = np.pad(action, (0, MOST_DRIVEN - len(action)))
                board.beat("human")
                live.update(_screen(actions, action), refresh=True)
                time.sleep(_AGAIN_S)
        finally:
            board["human_heartbeat_ns"] = 0


def _screen(actions: Sequence[ActionConfig], action: NDArray[np.float64]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_row(
        Text("You drive.", "bold green"), "w s a d move, arrows look, space jumps, r runs"
    )
    table.add_row("", Text("x lets go, q gives it back to the policy", "dim"))
    for config, value in zip(actions, action, strict=True):
        table.add_row(Text(config.name, "dim"), f"{value:+.2f}" if value else "")
    return table


@contextmanager
def _keys() -> Generator[Callable[[], list[str]]]:
    """A function that returns the keys pressed since it was last called, and never waits."""
    if sys.platform == "win32":
        import msvcrt

        def read() -> list[str]:
            found: list[str] = []
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                found.append(_WINDOWS_ARROWS.get(msvcrt.getwch(), "") if key in "\x00à" else key)
            return [key.lower() for key in found]

        yield read
        return
    import os
    import select
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield lambda: keys_in(
            os.read(number, 1024).decode(errors="ignore")
            if select.select([number], [], [], 0)[0]
            else ""
        )
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(number, termios.TCSADRAIN, before)


def keys_in(text: str) -> list[str]:
    """Keys in what a terminal sent: arrows come as an escape sequence, Escape alone as itself."""
    found: list[str] = []
    i = 0
    while i < len(text):
        if text[i] == "\x1b" and text[i + 1 : i + 2] in ("[", "O") and i + 2 < len(text):
            found.append(_ARROWS.get(text[i + 2], ""))
            i += 3
        else:
            found.append(text[i].lower())
            i += 1
    return [key for key in found if key]
