"""Finds a window of a Windows desktop by its program or title and gives its client area."""

import ctypes
from ctypes import wintypes
from typing import Any

from interfaces.devices.window_match import WindowMatch, program_names

_PER_MONITOR_AWARE_V2 = -4  # DPI_AWARENESS_CONTEXT, since Windows 10 1703
_PER_MONITOR_AWARE = 2  # PROCESS_DPI_AWARENESS, since Windows 8.1
# Calls of the Windows API have another calling convention on 32-bit systems only.
_CALLBACK = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(
    wintypes.BOOL, wintypes.HWND, wintypes.LPARAM
)


def see_physical_pixels(user32: Any, shcore: Any) -> bool:
    """Ask for coordinates in physical pixels, also on screens of different scaling.

    Without it Windows tells a process other coordinates than those of the captured picture. The
    newest call that the system knows is used. False if all are refused: a library has asked before.
    """
    calls = (
        lambda: user32.SetProcessDpiAwarenessContext(ctypes.c_void_p(_PER_MONITOR_AWARE_V2)),
        lambda: shcore.SetProcessDpiAwareness(_PER_MONITOR_AWARE) == 0,
        lambda: user32.SetProcessDPIAware(),
    )
    for call in calls:
        try:
            if call():
                return True
        except (AttributeError, OSError):  # an older Windows lacks the function or the library
            continue
    return False


class WindowsDesktop:
    """The desktop in physical pixels, also when Windows scales the display.

    `user32`: user32.dll; None loads it.
    """

    def __init__(self, user32: Any = None) -> None:
        self._user = user32
        if self._user is None:
            self._user = ctypes.WinDLL("user32")  # pyright: ignore[reportAttributeAccessIssue]
            shcore = ctypes.WinDLL("shcore")  # pyright: ignore[reportAttributeAccessIssue]
            see_physical_pixels(self._user, shcore)

    def find_window(self, match: WindowMatch) -> int | None:
        """The largest visible window of the highest rank of `match`."""
        orders = dict[int, tuple[int, int]]()

        def visit(window: int, _: int) -> bool:
            text = ctypes.create_unicode_buffer(512)
            self._user.GetWindowTextW(wintypes.HWND(window), text, len(text))
            pid = wintypes.DWORD()
            self._user.GetWindowThreadProcessId(wintypes.HWND(window), ctypes.byref(pid))
            if (area := self.client_area(window)) is None:
                return True
            if rank := match.rank(text.value, program_names(pid.value)):
                orders[window] = rank, area[2] * area[3]
            return True

        self._user.EnumWindows(_CALLBACK(visit), 0)
        return max(orders, key=lambda window: orders[window]) if orders else None

    def client_area(self, window: int) -> tuple[int, int, int, int] | None:
        """(left, top, width, height) in pixels; None for a closed or hidden window."""
        handle, size, corner = wintypes.HWND(window), wintypes.RECT(), wintypes.POINT()
        if not self._user.IsWindowVisible(handle) or self._user.IsIconic(handle):
            return None
        if not self._user.GetClientRect(handle, ctypes.byref(size)):
            return None
        if not self._user.ClientToScreen(handle, ctypes.byref(corner)):
            return None
        return corner.x, corner.y, size.right, size.bottom

    def close(self) -> None:
        """Nothing to free."""
