"""What is asked of the world from outside, between two of its beats: faults and events."""

import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from pydantic import ValidationError

from configs.standin import FaultsConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.faults import EVENTS

_ANSWER_S = 2.0
_LASTING = ("port_taken", "advertised_port")  # of the start only


@dataclass
class _Request:
    faults: dict[str, Any] | None = None
    event: str = ""
    argument: str | None = None
    done: threading.Event = field(default_factory=threading.Event)
    error: ValueError | None = None


class Requests:
    """Asked in any thread, done in the world's. Raises ValueError for what cannot be, and
    TimeoutError when the world does not answer."""

    def __init__(self, core: StandinCore) -> None:
        self._core = core
        self._queue = SimpleQueue[_Request]()

    @property
    def faults(self) -> FaultsConfig:
        return self._core.faults

    def change_faults(self, changes: object) -> dict[str, Any]:
        """Set the faults that are named, keep the others. Returns all of them."""
        if not isinstance(changes, dict):
            raise ValueError('the body is an object such as {"loss": 0.1}')
        for name in _LASTING:
            if name in changes:
                raise ValueError(f"{name} can be asked for at the start only")
        merged(self.faults, changes)  # refuses what cannot be before anything is done
        self._ask(_Request(faults=changes))
        return self.faults.model_dump()

    def ask_event(self, body: object) -> None:
        """Bring an event about: {"event": NAME, "argument": TEXT}."""
        event = body.get("event") if isinstance(body, dict) else None
        argument = body.get("argument") if isinstance(body, dict) else None
        if event not in EVENTS or not isinstance(argument, (str, type(None))):
            raise ValueError(f'the body is {{"event": NAME}}, NAME one of {", ".join(EVENTS)}')
        self._ask(_Request(event=str(event), argument=argument))

    def fulfil(self) -> None:
        """Do what was asked. The world's thread calls this between two steps."""
        while True:
            try:
                request = self._queue.get_nowait()
            except Empty:
                return
            try:
                if request.faults is not None:
                    self._core.faults = merged(self._core.faults, request.faults)
                else:
                    self._core.happen(request.event, request.argument)  # type: ignore[arg-type]
            except ValueError as error:
                request.error = error
            request.done.set()

    def _ask(self, request: _Request) -> None:
        self._queue.put(request)
        if not request.done.wait(_ANSWER_S):
            raise TimeoutError("the world does not answer")
        if request.error is not None:
            raise request.error


def merged(faults: FaultsConfig, changes: dict[str, Any]) -> FaultsConfig:
    """`faults` with `changes`. Raises ValueError that says what is allowed."""
    try:
        return FaultsConfig.model_validate(faults.model_dump() | changes, strict=True)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors()
        )
        raise ValueError(said) from error
