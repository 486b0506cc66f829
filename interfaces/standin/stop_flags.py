"""When a server loop ends: a flag that something else sets, a time limit, or any of several."""

import time
from typing import Protocol


class StopFlag(Protocol):
    """Set once the loop has to end, like threading.Event."""

    def is_set(self) -> bool:
        """Whether the loop has to end."""
        ...


class StopAfter:
    """Set once `seconds` have passed since it was made; never set if `seconds` is None."""

    def __init__(self, seconds: float | None) -> None:
        self._deadline = None if seconds is None else time.perf_counter() + seconds

    def is_set(self) -> bool:
        return self._deadline is not None and time.perf_counter() >= self._deadline


class StopWhenAny:
    """Set once one of several flags is set."""

    def __init__(self, *flags: StopFlag) -> None:
        self._flags = flags

    def is_set(self) -> bool:
        return any(flag.is_set() for flag in self._flags)
