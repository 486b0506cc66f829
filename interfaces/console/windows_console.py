"""Ends a command as Ctrl-C does when its Windows console is closed, or the user logs off."""

import ctypes
import sys
import threading
from collections.abc import Callable

_CLOSE_EVENTS = (2, 5, 6)  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT
_WINDOWS_WAITS_S = 30.0  # Windows ends the process earlier, by default after 5 s
_kept: list[object] = []  # Windows calls the handlers until the end of the process


def close_handler(stopped: threading.Event) -> Callable[[int], bool]:
    """The handler for one event. It does not return before the process ends: that would end it."""

    def handle(event: int) -> bool:
        if event not in _CLOSE_EVENTS:
            return False  # Ctrl-C and Ctrl-Break are signals
        stopped.set()
        threading.Event().wait(_WINDOWS_WAITS_S)
        return True

    return handle


def stop_on_closed_console(stopped: threading.Event) -> None:
    """Set `stopped` when the console is closed. Does nothing on other systems."""
    if sys.platform == "win32":
        handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(close_handler(stopped))
        if ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, True):
            _kept.append(handler)
