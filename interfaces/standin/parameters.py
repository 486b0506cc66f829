"""Avatar parameters as VRChat sends them: on change only, one message in a datagram."""

from collections.abc import Mapping

from interfaces.vrchat.osc import encode

PREFIX = "/avatar/parameters/"
Value = bool | int | float


class Outbox:
    """Remembers what was last sent for each parameter; floats are the same if float32 is."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._sent: dict[str, bytes] = {}

    def changes(self, values: Mapping[str, Value]) -> list[bytes]:
        """Datagrams for the parameters that differ from what was last sent, in order."""
        found: list[bytes] = []
        for name, value in values.items():
            if self._values.get(name) == value:
                continue
            self._values[name] = value
            datagram = encode(PREFIX + name, value)
            if self._sent.get(name) != datagram:
                self._sent[name] = datagram
                found.append(datagram)
        return found

    def forget(self) -> None:
        """A new avatar: everything is news again."""
        self._values.clear()
        self._sent.clear()

    def snapshot(self) -> dict[str, object]:
        return {
            "values": dict(self._values),
            "sent": {name: datagram.hex() for name, datagram in self._sent.items()},
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        values: dict[str, Value] = snapshot["values"]  # type: ignore[assignment]
        sent: dict[str, str] = snapshot["sent"]  # type: ignore[assignment]
        self._values = dict(values)
        self._sent = {name: bytes.fromhex(datagram) for name, datagram in sent.items()}
