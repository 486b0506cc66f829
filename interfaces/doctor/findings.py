"""Findings of the doctor: one line each, with a level and a remedy. Checks run in parallel."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, the result, and what to do about it.

    The field names are the keys of `doctor --json`. Raises ValueError for a warning or a problem
    without a remedy.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.remedy:
            raise ValueError(f"{self.name}: {self.level} without a remedy: {self.text}")


def ok(name: str, text: str) -> Finding:
    """A finding that needs no action."""
    return Finding(name, "ok", text)


def warning(name: str, text: str, remedy: str) -> Finding:
    """A finding that lets a run work, but not well; `remedy` says what helps."""
    return Finding(name, "warning", text, remedy)


def problem(name: str, text: str, remedy: str) -> Finding:
    """A finding that stops a run; `remedy` says what cures it."""
    return Finding(name, "problem", text, remedy)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `section` is the heading of its findings in the report."""

    section: str
    name: str
    run: Callable[[], list[Finding]]


OnWaiting = Callable[[Sequence[str]], None]
T = TypeVar("T")


def once(function: Callable[[], T]) -> Callable[[], T]:
    """Share one result between checks: the first caller computes it, the others wait for it."""
    lock, results = threading.Lock(), list[T]()

    def get() -> T:
        with lock:
            if not results:
                results.append(function())
            return results[0]

    return get


def examine(
    checks: Sequence[Check], limit_s: float, on_waiting: OnWaiting = lambda names: None
) -> list[list[Finding]]:
    """Run all checks in parallel; return the findings of each.

    A check that takes longer than `limit_s` becomes a problem. `on_waiting` gets the names of the
    running checks, at the start and each time one is done.
    """
    done: queue.Queue[tuple[int, list[Finding]]] = queue.Queue()
    for index, check in enumerate(checks):
        # Daemon threads: a driver that hangs must not keep this process alive.
        threading.Thread(
            target=lambda i=index, c=check: done.put((i, run_check(c))),
            name=f"doctor: {check.name}",
            daemon=True,
        ).start()
    findings: dict[int, list[Finding]] = {}
    deadline = time.perf_counter() + limit_s
    while len(findings) < len(checks):
        on_waiting([check.name for i, check in enumerate(checks) if i not in findings])
        try:
            index, result = done.get(timeout=max(0.0, deadline - time.perf_counter()))
        except queue.Empty:
            break
        findings[index] = result
    return [findings.get(i, [_late(check, limit_s)]) for i, check in enumerate(checks)]


def run_check(check: Check) -> list[Finding]:
    """The findings of a check; an error in it becomes a problem, and the other checks go on."""
    try:
        return check.run()
    except Exception as error:
        text = f"this check failed: {type(error).__name__}: {error}"
        return [problem(check.name, text, "please report this line: it is a fault of the doctor")]


def _late(check: Check, limit_s: float) -> Finding:
    return problem(
        check.name,
        f"no answer within {limit_s:g} s",
        "try again; if it happens again, a driver or another program may hang",
    )
