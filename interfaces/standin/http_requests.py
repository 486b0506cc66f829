"""Requests from other threads, fault changes and events, handled between two ticks of the world."""

import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from pydantic import ValidationError

from configs.standin import FaultsConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.faults import EVENTS

_ANSWER_S = 2.0
_START_ONLY = ("port_taken", "advertised_port", "lan_only")  # faults that cannot change later


@dataclass
class _Request:
    faults: dict[str, Any] | None = None
    event: str = ""
    argument: str | None = None
    done: threading.Event = field(default_factory=threading.Event)
    error: ValueError | None = None


class RequestQueue:
    """Any thread requests; the world's thread processes.

    A request raises ValueError if it is not possible, and TimeoutError if the world does not
    process it in time.
    """

    def __init__(self, core: StandinCore) -> None:
        self._core = core
        self._queue = SimpleQueue[_Request]()

    @property
    def faults(self) -> FaultsConfig:
        """The faults in effect."""
        return self._core.faults

    def change_faults(self, changes: object) -> dict[str, Any]:
        """Set the named faults and keep the others. Returns all of them."""
        if not isinstance(changes, dict):
            raise ValueError('the body must be an object such as {"loss": 0.1}')
        for name in _START_ONLY:
            if name in changes:
                raise ValueError(f"{name} can be set at the start only")
        merge_faults(self.faults, changes)  # refuses wrong values before anything is changed
        self._wait_for(_Request(faults=changes))
        return self.faults.model_dump()

    def trigger_event(self, body: object) -> None:
        """Cause the event of {"event": NAME, "argument": TEXT}."""
        event = body.get("event") if isinstance(body, dict) else None
        argument = body.get("argument") if isinstance(body, dict) else None
        if event not in EVENTS or not isinstance(argument, (str, type(None))):
            raise ValueError(f'the body must be {{"event": NAME}}, NAME one of {", ".join(EVENTS)}')
        self._wait_for(_Request(event=str(event), argument=argument))

    def process(self) -> None:
        """Handle all requests. The world's thread calls this between two steps."""
        while True:
            try:
                request = self._queue.get_nowait()
            except Empty:
                return
            try:
                if request.faults is not None:
                    self._core.faults = merge_faults(self._core.faults, request.faults)
                else:
                    self._core.trigger_event(request.event, request.argument)  # type: ignore[arg-type]
            except ValueError as error:
                request.error = error
            request.done.set()

    def _wait_for(self, request: _Request) -> None:
        self._queue.put(request)
        if not request.done.wait(_ANSWER_S):
            raise TimeoutError("the world did not process the request in time")
        if request.error is not None:
            raise request.error


def merge_faults(faults: FaultsConfig, changes: dict[str, Any]) -> FaultsConfig:
    """`faults` with `changes`. Raises ValueError, which names each wrong field."""
    try:
        return FaultsConfig.model_validate(faults.model_dump() | changes, strict=True)
    except ValidationError as error:
        message = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors()
        )
        raise ValueError(message) from error
