"""Priorities of the processes of a run: the body before other programs, the trainer behind them.

None of these calls ends a run. What the system refuses is logged, and the process goes on as it is.

Windows slows down processes that have no window in front (power throttling, "efficiency mode"), and
since Windows 11 it ignores the timer resolution that they ask for. Body, guard and supervisor turn
both off for themselves. Python's sleep uses a timer of high resolution without it; waits for events
and sockets do not.
"""

import atexit
import ctypes
import sys
from typing import Any

import psutil
from loguru import logger

_TIMER_MS = 1
_PROCESS_POWER_THROTTLING = 4  # of PROCESS_INFORMATION_CLASS
_EXECUTION_SPEED, _IGNORE_TIMER_RESOLUTION = 0x1, 0x4  # the second one since Windows 11


class PowerThrottling(ctypes.Structure):
    """PROCESS_POWER_THROTTLING_STATE of the Windows API.

    A bit in `control_mask` and not in `state_mask` turns that kind of throttling off.
    """

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("control_mask", ctypes.c_uint32),
        ("state_mask", ctypes.c_uint32),
    )


def run_before_others() -> None:
    """For the body: above normal priority and an exact timer on Windows; elsewhere no change."""
    if sys.platform == "win32":
        _set_priority(psutil.ABOVE_NORMAL_PRIORITY_CLASS)
        run_unthrottled()
        if ask_for_exact_timer(winmm := ctypes.WinDLL("winmm")):
            atexit.register(give_timer_back, winmm)


def run_unthrottled() -> None:
    """For guard and supervisor: Windows does not slow the process down to save power."""
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        kernel.GetCurrentProcess.restype = ctypes.c_void_p  # a pseudo handle: -1
        kernel.SetProcessInformation.argtypes = (
            *(ctypes.c_void_p, ctypes.c_int),
            *(ctypes.c_void_p, ctypes.c_uint32),
        )
        if not turn_throttling_off(kernel):
            logger.debug("Windows may slow this process down: power throttling stays on")


def lower_priority() -> bool:
    """For trainer and recorder: below all other programs. Nice 19, on Windows below normal.

    Returns whether the system accepts it.
    """
    return _set_priority(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 19)


def turn_throttling_off(kernel: Any) -> bool:
    """Whether the system accepts it. `kernel`: kernel32.dll."""
    process = kernel.GetCurrentProcess()
    for mask in (_EXECUTION_SPEED | _IGNORE_TIMER_RESOLUTION, _EXECUTION_SPEED):
        state = PowerThrottling(1, mask, 0)
        pointer, size = ctypes.byref(state), ctypes.sizeof(state)
        if kernel.SetProcessInformation(process, _PROCESS_POWER_THROTTLING, pointer, size):
            return True
    return False


def ask_for_exact_timer(winmm: Any) -> bool:
    """Let waits end within a millisecond instead of 15.6. Whether the system accepts it."""
    return winmm.timeBeginPeriod(_TIMER_MS) == 0


def give_timer_back(winmm: Any) -> None:
    """End what `ask_for_exact_timer` began: an exact timer costs power."""
    winmm.timeEndPeriod(_TIMER_MS)


def _set_priority(value: int) -> bool:
    try:
        psutil.Process().nice(value)
    except (psutil.Error, OSError) as error:
        logger.warning("the priority of this process stays as it is: {}", error)
        return False
    return True
