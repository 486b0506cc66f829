"""What the doctor finds: one line each, how bad it is, and what cures it."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it.

    Raises ValueError for what is not ok and has no remedy: a person would be left alone with it.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.remedy:
            raise ValueError(f"{self.name}: {self.level} without a remedy: {self.text}")


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warning(name: str, text: str, remedy: str) -> Finding:
    return Finding(name, "warning", text, remedy)


def problem(name: str, text: str, remedy: str) -> Finding:
    return Finding(name, "problem", text, remedy)


@dataclass(frozen=True, slots=True)
class Check:
    """A look at one thing; `section` is the heading its findings stand under."""

    section: str
    name: str
    look: Callable[[], list[Finding]]


Waiting = Callable[[Sequence[str]], None]
T = TypeVar("T")


def once(look: Callable[[], T]) -> Callable[[], T]:
    """Of several checks that ask, the first looks; the others wait for what it finds."""
    lock, found = threading.Lock(), list[T]()

    def ask() -> T:
        with lock:
            if not found:
                found.append(look())
            return found[0]

    return ask


def examine(
    checks: Sequence[Check], limit_s: float, waiting: Waiting = lambda names: None
) -> list[list[Finding]]:
    """The findings of each check. All look side by side and none is waited for beyond `limit_s`.

    `waiting` is told the names of those still looking, each time one is done.
    """
    answers: queue.Queue[tuple[int, list[Finding]]] = queue.Queue()
    for index, check in enumerate(checks):
        # Daemons: a driver that hangs must not keep the doctor from going home.
        threading.Thread(
            target=lambda i=index, c=check: answers.put((i, _looked(c))),
            name=f"doctor: {check.name}",
            daemon=True,
        ).start()
    found: dict[int, list[Finding]] = {}
    deadline = time.monotonic() + limit_s
    while len(found) < len(checks):
        waiting([check.name for i, check in enumerate(checks) if i not in found])
        try:
            index, findings = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[index] = findings
    return [found.get(i, [_late(check, limit_s)]) for i, check in enumerate(checks)]


def _looked(check: Check) -> list[Finding]:
    """A check that fails is a finding too: the others still count."""
    try:
        return check.look()
    except Exception as error:
        text = f"this check failed: {type(error).__name__}: {error}"
        return [problem(check.name, text, "please report this line: it is a fault of the doctor")]


def _late(check: Check, limit_s: float) -> Finding:
    return problem(
        check.name,
        f"no answer within {limit_s:g} s",
        "ask again; if it stays so, a driver or another program may be stuck",
    )
