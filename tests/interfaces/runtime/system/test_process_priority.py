"""Priorities: the calls of the Windows API, and refusals that end nothing."""

import ctypes
import subprocess
import sys

import psutil
import pytest

from interfaces.runtime.system import process_priority as priority
from tests.conftest import ROOT


class Kernel:
    """Plays kernel32.dll: accepts the given masks only, and keeps what was set."""

    def __init__(self, *accepted):
        self.accepted, self.set = accepted, []

    def GetCurrentProcess(self):
        return -1

    def SetProcessInformation(self, process, kind, pointer, size):
        state = ctypes.cast(pointer, ctypes.POINTER(priority.PowerThrottling)).contents
        assert (process, kind, size) == (-1, 4, 12)
        assert (state.version, state.state_mask) == (1, 0)
        if state.control_mask not in self.accepted:
            return 0
        self.set.append(state.control_mask)
        return 1


@pytest.mark.parametrize(
    ("accepted", "set_masks"),
    [((0x1, 0x5), [0x5]), ((0x1,), [0x1]), ((), [])],
    ids=["Windows 11", "Windows 10", "before"],
)
def test_power_throttling_is_turned_off_as_far_as_the_system_can(accepted, set_masks):
    kernel = Kernel(*accepted)
    assert priority.turn_throttling_off(kernel) is bool(set_masks)
    assert kernel.set == set_masks


def test_an_exact_timer_is_asked_for_and_given_back():
    class Winmm:
        calls = ()

        def timeBeginPeriod(self, period):
            self.calls += (("begin", period),)
            return 0

        def timeEndPeriod(self, period):
            self.calls += (("end", period),)
            return 0

    winmm = Winmm()
    assert priority.ask_for_exact_timer(winmm)
    priority.give_timer_back(winmm)
    assert winmm.calls == (("begin", 1), ("end", 1))


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), PermissionError(1, "no")])
def test_a_refused_priority_ends_nothing(monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr("psutil.Process.nice", refuse)
    assert not priority.lower_priority()


def test_the_priorities_of_a_real_process():
    code = (
        "import psutil, interfaces.runtime.system.process_priority as p\n"
        "me = psutil.Process(); first = me.nice(); p.run_before_others(); body = me.nice()\n"
        "p.run_unthrottled(); assert p.lower_priority(); print(first, body, int(me.nice()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    words = done.stdout.replace("Priority.", "").split()
    if sys.platform == "win32":
        assert words[1].startswith("ABOVE_NORMAL") or words[1] == str(
            psutil.ABOVE_NORMAL_PRIORITY_CLASS
        )
        assert words[2] == str(int(psutil.BELOW_NORMAL_PRIORITY_CLASS))
    else:
        assert words[0] == words[1]
        assert words[2] == "19"
