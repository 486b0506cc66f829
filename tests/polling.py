"""One place for waiting in tests: poll a condition until a deadline, then fail with a message."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
WAIT_S = 20.0  # generous: the machines are shared, and a passing test never waits so long
POLL_S = 0.01


def wait_until(
    condition: Callable[[], Result], what: str = "the condition", timeout_s: float = WAIT_S
) -> Result:
    """The first true result of `condition`, polled every 10 ms.

    Raises AssertionError that names `what` after `timeout_s` seconds.
    """
    deadline = time.perf_counter() + timeout_s
    while not (result := condition()):
        assert time.perf_counter() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(POLL_S)
    return result


def holds_for(condition: Callable[[], object], seconds: float, what: str = "the condition") -> None:
    """Asserts that `condition` stays true for `seconds`, polled every 10 ms."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        assert condition(), f"{what}: did not hold for {seconds:g} s"
        time.sleep(POLL_S)
