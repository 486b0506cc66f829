"""Finds a window of an X11 desktop by its program or title and gives its client area."""

import importlib
from typing import Any

from interfaces.devices.video_types import NoVideo
from interfaces.devices.window_match import WindowMatch, program_names


class Desktop:
    """One connection to the X server. Raises NoVideo without one."""

    def __init__(self) -> None:
        self._x = importlib.import_module("Xlib.X")
        self._errors = importlib.import_module("Xlib.error")
        try:
            self._display: Any = importlib.import_module("Xlib.display").Display()
        except (self._errors.DisplayError, OSError) as error:
            raise NoVideo(f"no X11 desktop ({error})") from error
        self._root = self._display.screen().root
        self._name = self._display.intern_atom("_NET_WM_NAME")
        self._pid = self._display.intern_atom("_NET_WM_PID")

    def find_window(self, match: WindowMatch) -> Any | None:
        """The largest visible window of the highest rank of `match`."""
        best, best_order = None, (0, 0)
        waiting = [self._root]
        while waiting:
            window = waiting.pop()
            try:
                waiting += window.query_tree().children
                rank = match.rank(self._title(window), self._programs(window))
                area = self.client_area(window) if rank else None
            except self._errors.BadWindow:
                continue  # closed during the search
            if area is not None and (rank, area[2] * area[3]) > best_order:
                best, best_order = window, (rank, area[2] * area[3])
        return best

    def client_area(self, window: Any) -> tuple[int, int, int, int] | None:
        """(left, top, width, height) in pixels; None for a closed or hidden window."""
        try:
            if window.get_attributes().map_state != self._x.IsViewable:
                return None
            size = window.get_geometry()
            # Xlib gives the reverse: the corner of the root in coordinates of the window.
            corner = window.translate_coords(self._root, 0, 0)
        except (self._errors.BadWindow, self._errors.BadDrawable):
            return None
        return -int(corner.x), -int(corner.y), int(size.width), int(size.height)

    def close(self) -> None:
        self._display.close()

    def _programs(self, window: Any) -> tuple[str, ...]:
        """The names of its process and the two of its WM_CLASS. A child window has none."""
        pid = window.get_full_property(self._pid, self._x.AnyPropertyType)
        names = program_names(int(pid.value[0])) if pid is not None and len(pid.value) else ()
        return (*names, *(str(name) for name in window.get_wm_class() or ()))

    def _title(self, window: Any) -> str:
        utf8_name = window.get_full_property(self._name, self._x.AnyPropertyType)
        if utf8_name is not None and isinstance(utf8_name.value, bytes):
            return utf8_name.value.decode("utf-8", "replace")
        name = window.get_wm_name()
        return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""
