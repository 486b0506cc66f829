"""Windows of an X11 desktop: found by title, and where their insides lie."""

import importlib
from typing import Any

from interfaces.devices.video_source import NoVideo


class Desktop:
    """One connection to the X server. Raises NoVideo where there is none."""

    def __init__(self) -> None:
        self._x = importlib.import_module("Xlib.X")
        self._errors = importlib.import_module("Xlib.error")
        try:
            self._display: Any = importlib.import_module("Xlib.display").Display()
        except (self._errors.DisplayError, OSError) as error:
            raise NoVideo(f"no X11 desktop ({error})") from error
        self._root = self._display.screen().root
        self._name = self._display.intern_atom("_NET_WM_NAME")

    def find(self, title: str) -> Any | None:
        """The largest window on show whose title contains `title`, in any case."""
        key, best, best_size = title.casefold(), None, 0
        waiting = [self._root]
        while waiting:
            window = waiting.pop()
            try:
                waiting += window.query_tree().children
                if key not in self._title(window).casefold():
                    continue
                inside = self.inside(window)
            except self._errors.BadWindow:
                continue  # closed while it was looked at
            if inside is not None and inside[2] * inside[3] > best_size:
                best, best_size = window, inside[2] * inside[3]
        return best

    def inside(self, window: Any) -> tuple[int, int, int, int] | None:
        """Left, top, width, height; None: closed, or not on show."""
        try:
            if window.get_attributes().map_state != self._x.IsViewable:
                return None
            size = window.get_geometry()
            # The other way round in Xlib: where the root's corner lies, seen from the window.
            corner = window.translate_coords(self._root, 0, 0)
        except (self._errors.BadWindow, self._errors.BadDrawable):
            return None
        return -int(corner.x), -int(corner.y), int(size.width), int(size.height)

    def close(self) -> None:
        self._display.close()

    def _title(self, window: Any) -> str:
        told = window.get_full_property(self._name, self._x.AnyPropertyType)
        if told is not None and isinstance(told.value, bytes):
            return told.value.decode("utf-8", "replace")
        name = window.get_wm_name()
        return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""
