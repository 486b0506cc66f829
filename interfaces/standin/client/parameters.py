"""Avatar parameters: those of the client, those of the avatar, and what is told of them by OSC."""

import math
from collections.abc import Mapping

from configs.standin import BUILT_IN, AvatarConfig, ParameterType
from interfaces.osc.message import encode

PREFIX = "/avatar/parameters/"
Value = bool | int | float

# What never changes in the Desktop profile of this stand-in.
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
    """The avatar's own ones, which OSC can write: VRChat keeps ints to 0..255, floats to -1..1."""

    def __init__(self, avatar: AvatarConfig) -> None:
        self._types = dict(avatar.parameters)
        self.values: dict[str, Value] = {name: _zero(kind) for name, kind in self._types.items()}
        self.writes = 0

    def receive(self, name: str, value: object) -> bool:
        """Take a value; numbers and bools are converted. False: not one that can be written."""
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
    """Remembers what was last sent for each parameter; floats are the same if float32 is."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._sent: dict[str, bytes] = {}

    @property
    def values(self) -> Mapping[str, Value]:
        """What a client would find if it asked: the newest of each."""
        return self._values

    def changes(self, values: Mapping[str, Value]) -> list[bytes]:
        """Datagrams for what differs from what was last sent, in order. A name with a slash is a
        whole address."""
        found: list[bytes] = []
        known = self._values
        for name, value in values.items():
            if name in known and known[name] == value:
                continue
            known[name] = value
            datagram = encode(name if name[0] == "/" else PREFIX + name, value)
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


def kind_of(name: str, avatar: AvatarConfig) -> ParameterType:
    """The type of any parameter of an avatar."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name in avatar.parameters:
        return avatar.parameters[name]
    return "float" if avatar.contacts[name].kind == "proximity" else "bool"


def _zero(kind: ParameterType) -> Value:
    return {"bool": False, "int": 0, "float": 0.0}[kind]
