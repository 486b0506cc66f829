"""A person drives the avatar by keys, and the agent learns from the Steps.

The action of the pressed keys is written to the Board fifty times per second. At each tick the body
uses it in place of the policy's action, and marks the Step. When the writes stop, the policy acts.
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
from interfaces.ipc.board import MAX_HUMAN_ACTIONS, Board
from interfaces.runtime.live_control.run_control import has_recent_heartbeat

# A terminal reports presses and repeats of a key, but not its release. A key counts as pressed for
# this many seconds after the last report. The first repeat comes after about half a second.
FIRST_HOLD_S, REPEAT_HOLD_S = 0.55, 0.15
_WRITE_EVERY_S = 0.02
_QUIT_KEYS = ("q", "\x03", "\x1b")
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


class PressedKeys:
    """Estimates which keys are down. A terminal reports presses and repeats only."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def press(self, key: str, now: float) -> None:
        """Count a press or a repeat at time `now`, in seconds."""
        repeats = now - self._last.get(key, -1.0) < FIRST_HOLD_S
        self._until[key] = now + (REPEAT_HOLD_S if repeats else FIRST_HOLD_S)
        self._last[key] = now

    def release_all(self) -> None:
        """Release every key."""
        self._until.clear()

    def action(self, actions: Sequence[ActionConfig], now: float) -> NDArray[np.float64]:
        """The action of the pressed keys, float64 (num_actions,) in policy units."""
        action = np.zeros(len(actions))
        index = {each.name: i for i, each in enumerate(actions) if each.target == "input"}
        for key, until in self._until.items():
            name, value = KEYS[key]
            if now < until and name in index:
                action[index[name]] += value
        return np.clip(action, -1.0, 1.0)


def drive(
    board: Board, actions: Sequence[ActionConfig], stopped: threading.Event, console: Console
) -> None:
    """Drive until q, Escape, Ctrl-C, `stopped` or the end of the run.

    Raises BadInput without a terminal.
    """
    if not sys.stdin.isatty():
        raise BadInput("drive reads keys: use it in a terminal")
    pressed = PressedKeys()
    with _keys() as read, Live(console=console, auto_refresh=False) as live:
        try:
            while not stopped.is_set():
                if board["stop"] or not has_recent_heartbeat(board):
                    live.console.print("the run has ended")
                    return
                now = time.perf_counter()
                for key in read():
                    if key in _QUIT_KEYS:
                        return
                    if key == "x":
                        pressed.release_all()
                    elif key in KEYS:
                        pressed.press(key, now)
                action = pressed.action(actions, now)
                board["human_action"] = np.pad(action, (0, MAX_HUMAN_ACTIONS - len(action)))
                board.heartbeat("human")
                live.update(_help_table(actions, action), refresh=True)
                time.sleep(_WRITE_EVERY_S)
        finally:
            board["human_heartbeat_ns"] = 0


def _help_table(actions: Sequence[ActionConfig], action: NDArray[np.float64]) -> Table:
    """The keys and the current action."""
    table = Table.grid(padding=(0, 3))
    table.add_row(
        Text("You drive.", "bold green"), "w s a d move, arrows look, space jumps, r runs"
    )
    table.add_row("", Text("x releases all keys, q returns control to the policy", "dim"))
    for config, value in zip(actions, action, strict=True):
        table.add_row(Text(config.name, "dim"), f"{value:+.2f}" if value else "")
    return table


@contextmanager
def _keys() -> Generator[Callable[[], list[str]]]:
    """A function that returns the keys pressed since its last call. It never waits."""
    if sys.platform == "win32":
        import msvcrt

        def read() -> list[str]:
            keys: list[str] = []
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                keys.append(_WINDOWS_ARROWS.get(msvcrt.getwch(), "") if key in "\x00à" else key)
            return [key.lower() for key in keys]

        yield read
        return
    import os
    import select
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    settings = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield lambda: parse_keys(
            os.read(descriptor, 1024).decode(errors="ignore")
            if select.select([descriptor], [], [], 0)[0]
            else ""
        )
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, settings)


def parse_keys(text: str) -> list[str]:
    """The keys in the text from a terminal. An arrow key is an escape sequence."""
    keys: list[str] = []
    i = 0
    while i < len(text):
        if text[i] == "\x1b" and text[i + 1 : i + 2] in ("[", "O") and i + 2 < len(text):
            keys.append(_ARROWS.get(text[i + 2], ""))
            i += 3
        else:
            keys.append(text[i].lower())
            i += 1
    return [key for key in keys if key]
