"""Finds a window of a Windows desktop by its title and gives its client area."""

import ctypes
import sys

if sys.platform == "win32":
    from ctypes import wintypes

    _user = ctypes.windll.user32
    _user.GetClientRect.argtypes = (wintypes.HWND, ctypes.POINTER(wintypes.RECT))
    _user.ClientToScreen.argtypes = (wintypes.HWND, ctypes.POINTER(wintypes.POINT))

    class Desktop:
        """The desktop in physical pixels, also when Windows scales the display."""

        def __init__(self) -> None:
            _user.SetProcessDPIAware()

        def find_window(self, title: str) -> int | None:
            """The largest visible window whose title contains `title`. Case is ignored."""
            key, sizes = title.casefold(), dict[int, int]()

            def visit(window: int, _: int) -> bool:
                text = ctypes.create_unicode_buffer(512)
                _user.GetWindowTextW(wintypes.HWND(window), text, len(text))
                if key in text.value.casefold() and (area := self.client_area(window)) is not None:
                    sizes[window] = area[2] * area[3]
                return True

            callback_type = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
            _user.EnumWindows(callback_type(visit), 0)
            return max(sizes, key=lambda window: sizes[window]) if sizes else None

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
