"""Avatar parameters: constants of the client, the avatar's own, and which values were sent."""

import math
from collections.abc import Mapping

from configs.standin import BUILT_IN, AvatarConfig, ParameterType
from interfaces.osc.message import encode

PREFIX = "/avatar/parameters/"
Value = bool | int | float

# Parameters that never change in the Desktop profile of this stand-in.
CONSTANT: dict[str, Value] = {
    "GestureLeft": 0,
    "GestureRight": 0,
    "GestureLeftWeight": 0.0,
    "GestureRightWeight": 0.0,
    "TrackingType": 3,
    "VRMode": 0,
    "AvatarVersion": 3,
    "PreviewMode": 0,
    "Earmuffs": False,
    "IsLocal": True,
    "IsOnFriendsList": False,
    "IsAnimatorEnabled": True,
}
_INT_MAX = 255


class OwnParameters:
    """The avatar's own parameters. OSC can write them: int 0..255, float -1..1, as in VRChat."""

    def __init__(self, avatar: AvatarConfig) -> None:
        self._types = dict(avatar.parameters)
        self.values: dict[str, Value] = {name: _zero(kind) for name, kind in self._types.items()}
        self.writes = 0

    def receive(self, name: str, value: object) -> bool:
        """Convert and store a number or bool. Returns False for any other name or value."""
        kind = self._types.get(name)
        if kind is None or not isinstance(value, (bool, int, float)) or not math.isfinite(value):
            return False
        self.writes += 1
        if kind == "bool":
            self.values[name] = bool(value)
        elif kind == "int":
            self.values[name] = int(min(_INT_MAX, max(0, value)))
        else:
            self.values[name] = min(1.0, max(-1.0, float(value)))
        return True

    def restore(self, values: Mapping[str, Value]) -> None:
        self.values = {name: values[name] for name in self.values}


class Outbox:
    """The last value sent for each parameter. Two floats are equal if they are as float32."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._sent: dict[str, bytes] = {}
        self.changed: set[str] = set()  # the names that have changed since clear()

    @property
    def values(self) -> Mapping[str, Value]:
        """The newest value of each parameter that was sent."""
        return self._values

    def changes(self, values: Mapping[str, Value]) -> list[bytes]:
        """Datagrams, in order, for the values that differ from those last sent.

        A name that begins with a slash is a whole address.
        """
        datagrams: list[bytes] = []
        known = self._values
        for name, value in values.items():
            if name in known:
                if known[name] == value:
                    continue
                self.changed.add(name)
            known[name] = value
            datagram = encode(name if name[0] == "/" else PREFIX + name, value)
            if self._sent.get(name) != datagram:
                self._sent[name] = datagram
                datagrams.append(datagram)
        return datagrams

    def assume_known(self, values: Mapping[str, Value]) -> None:
        """Treat these values as sent: only a change of them leaves."""
        self._values.update(values)

    def clear(self) -> None:
        """Forget what was sent: the next changes() sends every value."""
        self._values.clear()
        self._sent.clear()
        self.changed.clear()

    def snapshot(self) -> dict[str, object]:
        return {
            "values": dict(self._values),
            "sent": {name: datagram.hex() for name, datagram in self._sent.items()},
            "changed": sorted(self.changed),
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        values: dict[str, Value] = snapshot["values"]  # type: ignore[assignment]
        sent: dict[str, str] = snapshot["sent"]  # type: ignore[assignment]
        changed: list[str] = snapshot.get("changed", [*values])  # type: ignore[assignment]
        self._values, self.changed = dict(values), set(changed)
        self._sent = {name: bytes.fromhex(datagram) for name, datagram in sent.items()}


def type_of(name: str, avatar: AvatarConfig) -> ParameterType:
    """The type of a built-in, own or contact parameter. Raises KeyError for an unknown name."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name in avatar.parameters:
        return avatar.parameters[name]
    return "float" if avatar.contacts[name].kind == "proximity" else "bool"


def _zero(kind: ParameterType) -> Value:
    return {"bool": False, "int": 0, "float": 0.0}[kind]
