"""Avatar parameters heard by OSC, as a vector. Newest value wins; the rest is dropped unparsed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interfaces.vrchat.osc import OscError, decode

MOST = 1e6  # VRChat's floats end at 1, its ints at 255; metres and degrees a second stay far below
_PREFIX = b"/avatar/parameters/"
_CHANGE = b"/avatar/change\0"
_BUNDLE = b"#bundle\0"


class Feelings:
    """The newest value of each chosen avatar parameter.

    VRChat sends the whole subtree, face tracking and physics bones included: a datagram whose raw
    address is not wanted is counted and dropped before anything is parsed.
    """

    def __init__(self, parameters: Sequence[str]) -> None:
        self._index = {name: i for i, name in enumerate(parameters)}
        self._wanted = {_PREFIX + name.encode() for name in parameters}
        self._values = np.zeros(len(parameters), np.float32)
        self.received = 0
        self.ignored = 0
        self.avatar_changes = 0

    def take(self, datagram: bytes) -> None:
        """Take in one datagram; never raises."""
        self.received += 1
        address = datagram[: datagram.find(b"\0")]
        if address in self._wanted or datagram.startswith(_CHANGE) or datagram.startswith(_BUNDLE):
            try:
                for name, arguments in decode(datagram):
                    self._message(name, arguments)
                return
            except OscError:
                pass  # counted below: a stranger's packet must not stop the body
        self.ignored += 1

    def vector(self) -> NDArray[np.float32]:
        """The newest values, float32 (num_parameters,)."""
        return self._values.copy()

    def snapshot(self) -> dict[str, object]:
        return {
            "values": self._values.tolist(),
            "received": self.received,
            "ignored": self.ignored,
            "avatar_changes": self.avatar_changes,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        self._values = np.asarray(snapshot["values"], np.float32)
        self.received = int(snapshot["received"])  # type: ignore[call-overload]
        self.ignored = int(snapshot["ignored"])  # type: ignore[call-overload]
        self.avatar_changes = int(snapshot["avatar_changes"])  # type: ignore[call-overload]

    def _message(self, address: str, arguments: list[object]) -> None:
        if address == "/avatar/change":
            self.avatar_changes += 1
            return
        i = self._index.get(address.removeprefix("/avatar/parameters/"))
        if i is None or not arguments:
            return
        value = arguments[0]
        if isinstance(value, (bool, int, float)) and abs(value) <= MOST:  # NaN is not either
            self._values[i] = float(value)
