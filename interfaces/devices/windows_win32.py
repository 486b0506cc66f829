"""Windows of a Windows desktop: found by title, and where their insides lie."""

import ctypes
import sys

if sys.platform == "win32":
    from ctypes import wintypes

    _user = ctypes.windll.user32
    _user.GetClientRect.argtypes = (wintypes.HWND, ctypes.POINTER(wintypes.RECT))
    _user.ClientToScreen.argtypes = (wintypes.HWND, ctypes.POINTER(wintypes.POINT))

    class Desktop:
        """The desktop, in real pixels also where Windows enlarges everything."""

        def __init__(self) -> None:
            _user.SetProcessDPIAware()

        def find(self, title: str) -> int | None:
            """The largest window on show whose title contains `title`, in any case."""
            key, sizes = title.casefold(), dict[int, int]()

            def look(window: int, _: int) -> bool:
                text = ctypes.create_unicode_buffer(512)
                _user.GetWindowTextW(wintypes.HWND(window), text, len(text))
                if key in text.value.casefold() and (inside := self.inside(window)) is not None:
                    sizes[window] = inside[2] * inside[3]
                return True

            visitor = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
            _user.EnumWindows(visitor(look), 0)
            return max(sizes, key=lambda window: sizes[window]) if sizes else None

        def inside(self, window: int) -> tuple[int, int, int, int] | None:
            """Left, top, width, height; None: closed, hidden or minimised."""
            handle, size, corner = wintypes.HWND(window), wintypes.RECT(), wintypes.POINT()
            if not _user.IsWindowVisible(handle) or _user.IsIconic(handle):
                return None
            if not _user.GetClientRect(handle, ctypes.byref(size)):
                return None
            if not _user.ClientToScreen(handle, ctypes.byref(corner)):
                return None
            return corner.x, corner.y, size.right, size.bottom

        def close(self) -> None:
            """Nothing is held."""
