"""Finds a window of a Windows desktop by its program or title and gives its client area."""

import ctypes
import sys

from interfaces.devices.window_match import WindowMatch, program_names

if sys.platform == "win32":
    from ctypes import wintypes

    _user = ctypes.windll.user32
    _user.GetClientRect.argtypes = (wintypes.HWND, ctypes.POINTER(wintypes.RECT))
    _user.ClientToScreen.argtypes = (wintypes.HWND, ctypes.POINTER(wintypes.POINT))

    class Desktop:
        """The desktop in physical pixels, also when Windows scales the display."""

        def __init__(self) -> None:
            _user.SetProcessDPIAware()

        def find_window(self, match: WindowMatch) -> int | None:
            """The largest visible window of the highest rank of `match`."""
            orders = dict[int, tuple[int, int]]()

            def visit(window: int, _: int) -> bool:
                text = ctypes.create_unicode_buffer(512)
                _user.GetWindowTextW(wintypes.HWND(window), text, len(text))
                pid = wintypes.DWORD()
                _user.GetWindowThreadProcessId(wintypes.HWND(window), ctypes.byref(pid))
                if (area := self.client_area(window)) is None:
                    return True
                if rank := match.rank(text.value, program_names(pid.value)):
                    orders[window] = rank, area[2] * area[3]
                return True

            callback_type = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
            _user.EnumWindows(callback_type(visit), 0)
            return max(orders, key=lambda window: orders[window]) if orders else None

        def client_area(self, window: int) -> tuple[int, int, int, int] | None:
            """(left, top, width, height) in pixels; None for a closed or hidden window."""
            handle, size, corner = wintypes.HWND(window), wintypes.RECT(), wintypes.POINT()
            if not _user.IsWindowVisible(handle) or _user.IsIconic(handle):
                return None
            if not _user.GetClientRect(handle, ctypes.byref(size)):
                return None
            if not _user.ClientToScreen(handle, ctypes.byref(corner)):
                return None
            return corner.x, corner.y, size.right, size.bottom

        def close(self) -> None:
            """Nothing to free."""
