"""Window capture on Windows, with the calls and answers of user32.dll played."""

import pytest

from interfaces.devices import windows_win32
from interfaces.devices.window_match import WindowMatch
from interfaces.devices.windows_win32 import WindowsDesktop, see_physical_pixels

# Handle: title, pid, (left, top, width, height), visible, minimised.
WINDOWS = {
    10: ("VRChat guide - browser", 1, (0, 0, 2000, 1000), True, False),
    11: ("VRChat", 2, (-1920, 30, 1280, 720), True, False),
    12: ("VRChat", 2, (0, 0, 16, 16), True, False),
    13: ("VRChat", 2, (0, 0, 3000, 2000), False, False),  # hidden
    14: ("VRChat", 2, (0, 0, 3000, 2000), True, True),  # minimised
}
PROGRAMS = {1: ["browser"], 2: ["vrchat"]}


class User32:
    """Plays user32.dll with the windows above."""

    def EnumWindows(self, visit, parameter):
        for handle in WINDOWS:
            assert visit(handle, parameter)

    def GetWindowTextW(self, handle, text, size):
        text.value = WINDOWS[handle.value][0][: size - 1]

    def GetWindowThreadProcessId(self, handle, pid):
        pid._obj.value = WINDOWS[handle.value][1]

    def IsWindowVisible(self, handle):
        return handle.value in WINDOWS and WINDOWS[handle.value][3]

    def IsIconic(self, handle):
        return WINDOWS[handle.value][4]

    def GetClientRect(self, handle, size):
        size._obj.right, size._obj.bottom = WINDOWS[handle.value][2][2:]
        return 1

    def ClientToScreen(self, handle, corner):
        corner._obj.x, corner._obj.y = WINDOWS[handle.value][2][:2]
        return 1


@pytest.fixture
def desktop(monkeypatch):
    monkeypatch.setattr(windows_win32, "program_names", PROGRAMS.__getitem__)
    return WindowsDesktop(User32())


def test_the_largest_visible_window_of_the_program_is_found(desktop):
    window = desktop.find_window(WindowMatch("VRChat"))
    assert window == 11  # not the browser, whose title is the same and whose window is larger
    assert desktop.client_area(window) == (-1920, 30, 1280, 720)  # on a screen to the left


def test_a_hidden_minimised_or_closed_window_has_no_area(desktop):
    assert [desktop.client_area(handle) for handle in (13, 14, 99)] == [None, None, None]
    assert desktop.find_window(WindowMatch("Blender")) is None


class Scaling:
    """Plays the three calls for scaling; those in `missing` do not exist, others may be refused."""

    def __init__(self, missing=(), refused=()):
        self.calls, self.refused = [], refused
        for name, success in (
            ("SetProcessDpiAwarenessContext", 1),
            ("SetProcessDpiAwareness", 0),
            ("SetProcessDPIAware", 1),
        ):
            if name not in missing:
                setattr(self, name, self.played(name, success))

    def played(self, name, success):
        def call(*_):
            self.calls.append(name)
            return success if name not in self.refused else 5 if success == 0 else 0

        return call


@pytest.mark.parametrize(
    ("missing", "refused", "calls", "accepted"),
    [
        ((), (), ["SetProcessDpiAwarenessContext"], True),
        (("SetProcessDpiAwarenessContext",), (), ["SetProcessDpiAwareness"], True),
        (
            ("SetProcessDpiAwarenessContext", "SetProcessDpiAwareness"),
            (),
            ["SetProcessDPIAware"],
            True,
        ),
        (
            (),
            ("SetProcessDpiAwarenessContext", "SetProcessDpiAwareness", "SetProcessDPIAware"),
            ["SetProcessDpiAwarenessContext", "SetProcessDpiAwareness", "SetProcessDPIAware"],
            False,
        ),
    ],
    ids=["Windows 10", "Windows 8.1", "Windows 7", "asked before"],
)
def test_physical_pixels_are_asked_for_with_the_newest_call(missing, refused, calls, accepted):
    system = Scaling(missing, refused)
    assert see_physical_pixels(system, system) is accepted
    assert system.calls == calls
