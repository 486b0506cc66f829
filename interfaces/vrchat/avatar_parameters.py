"""Avatar parameters received by OSC, as numbers. Only the newest value of each is parsed."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interfaces.osc.message import OscError, decode

PREFIX = "/avatar/parameters/"
# VRChat's own parameters and the limits of their values. Metres and degrees per second have wide
# limits, so that one absurd number cannot spoil training. These parameters keep their values when
# the avatar changes.
RANGES: dict[str, tuple[float, float]] = (
    dict.fromkeys(("VelocityX", "VelocityY", "VelocityZ", "VelocityMagnitude"), (-1e3, 1e3))
    | {"AngularY": (-1e4, 1e4), "Viseme": (0.0, 100.0), "Voice": (0.0, 1.0)}
    | {"ScaleFactor": (0.0, 1e3), "ScaleFactorInverse": (0.0, 1e3)}
    | {"EyeHeightAsMeters": (0.0, 1e3), "EyeHeightAsPercent": (-10.0, 100.0)}
    | dict.fromkeys(("GestureLeft", "GestureRight"), (0.0, 7.0))
    | dict.fromkeys(("GestureLeftWeight", "GestureRightWeight", "Upright"), (0.0, 1.0))
    | dict.fromkeys(("TrackingType", "VRMode", "AvatarVersion", "PreviewMode"), (0.0, 255.0))
    | dict.fromkeys(("Grounded", "Seated", "InStation", "AFK", "MuteSelf", "Earmuffs"), (0.0, 1.0))
    | dict.fromkeys(("ScaleModified", "IsLocal", "IsOnFriendsList"), (0.0, 1.0))
    | {"IsAnimatorEnabled": (0.0, 1.0)}
)
_CUSTOM_RANGE = (-1.0, 255.0)  # a float is -1..1, an int 0..255, a bool 0 or 1
_Message = tuple[float, bytes | list[object]]  # time in s, and the datagram or its arguments
_MAX_UNWANTED = 4096  # addresses, some 300 kB
_PREFIX, _CHANGE, _BUNDLE = PREFIX.encode(), b"/avatar/change\0", b"#bundle\0"


class OtherParameters(Protocol):
    """Receives parameters that are not numbers of the vector, in the thread of the datagrams."""

    def receive(self, address: bytes, datagram: bytes) -> bool:
        """Store one datagram. Returns False if its address is not known, now and later."""
        ...

    def store(self, name: str, arguments: list[object]) -> None:
        """Store one parameter of a bundle, with at least one argument."""
        ...

    def change_avatar(self) -> None:
        """Note that the client has changed to another avatar."""
        ...


class AvatarParameters:
    """The newest value of each selected parameter, and its time.

    VRChat sends every parameter, also those of face tracking and physics bones. A datagram with
    another address is counted and dropped. Of the selected parameters only the newest datagram is
    parsed, when a value is read.

    `extra` names parameters that can be read but are not part of the vector. `ranges` limits the
    values of a parameter. `sense` receives the messages about other parameters.

    One thread receives, another reads. A slot is replaced as a whole, so no newest value is lost.
    """

    def __init__(
        self,
        parameters: Sequence[str],
        extra: Sequence[str] = (),
        ranges: Mapping[str, tuple[float, float]] | None = None,
        now: Callable[[], float] = float,
        sense: "OtherParameters | None" = None,
    ) -> None:
        self._sense = sense
        names = list(dict.fromkeys([*parameters, *extra]))
        self._names, self._size, self._now = names, len(parameters), now
        self._index = {name: i for i, name in enumerate(names)}
        self._slots = {_PREFIX + name.encode(): i for i, name in enumerate(names)}
        self._unwanted: set[bytes] = set()  # addresses that were ignored before
        known = RANGES | dict(ranges or {})
        self._ranges = [known.get(name, _CUSTOM_RANGE) for name in names]
        self._newest: list[_Message | None] = [None] * len(names)
        self._parsed: list[_Message | None] = [None] * len(names)
        self._values = np.zeros(len(names), np.float32)
        self._at_s = [math.nan] * len(names)
        self.newest_s = math.nan  # time of the last datagram, whatever it holds
        self.received = 0
        self.ignored = 0
        self.avatar_changes = 0
        self.avatar_id = ""

    def receive(self, datagram: bytes) -> None:
        """Store one datagram. Never raises."""
        self.received += 1
        self.newest_s = now = self._now()
        end = datagram.find(b"\0")
        address = datagram[:end]
        if address in self._unwanted:
            self.ignored += 1
            return
        i = self._slots.get(address)
        if i is not None:
            self._newest[i] = (now, datagram)
        elif self._sense is not None and self._sense.receive(address, datagram):
            pass
        elif datagram.startswith(_CHANGE) or datagram.startswith(_BUNDLE):
            try:
                for address, arguments in decode(datagram):
                    self._store(now, address, arguments)
            except OscError:  # a packet of another program must not stop the body
                self.ignored += 1
        else:
            self.ignored += 1
            # Without a NUL the address lacks its last byte, and may look like a wanted one.
            if end > 0 and len(self._unwanted) < _MAX_UNWANTED:
                self._unwanted.add(address)

    def receive_all(self, datagrams: Iterable[bytes]) -> None:
        """The same as receive() for each, but faster if most of them are unwanted."""
        unwanted, ignored = self._unwanted, 0
        for datagram in datagrams:
            if datagram[: datagram.find(b"\0")] in unwanted:
                ignored += 1
            else:
                self.receive(datagram)
        if ignored:
            self.received += ignored
            self.ignored += ignored
            self.newest_s = self._now()

    def seed(self, avatar_id: str | None, values: Mapping[str, object]) -> None:
        """Fill in values that the client returned to a query. A value already received is kept."""
        self._parse_newest()
        if avatar_id and not self.avatar_id:
            self.avatar_id = avatar_id
        for name, value in values.items():
            i = self._index.get(name)
            if i is not None and math.isnan(self._at_s[i]):
                self._set(i, self._now(), value)

    def vector(self) -> NDArray[np.float32]:
        """The newest values, float32 (num_parameters,)."""
        self._parse_newest()
        return self._values[: self._size].copy()

    def __getitem__(self, name: str) -> float:
        """The newest value of a selected parameter; 0 before the first message."""
        self._parse_newest()
        return float(self._values[self._index[name]])

    def age_s(self, name: str) -> float:
        """Seconds since the last message, NaN before the first. VRChat sends changes only."""
        self._parse_newest()
        return self._now() - self._at_s[self._index[name]]

    def snapshot(self) -> dict[str, object]:
        self._parse_newest()
        return {
            "values": self._values.tolist(),
            "at_s": [None if math.isnan(at) else at for at in self._at_s],
            "received": self.received,
            "ignored": self.ignored,
            "avatar_changes": self.avatar_changes,
            "avatar_id": self.avatar_id,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        state: dict = snapshot  # type: ignore[type-arg]
        self._newest = [None] * len(self._names)
        self._parsed = [None] * len(self._names)
        self._values = np.asarray(state["values"], np.float32)
        self._at_s = [math.nan if at is None else float(at) for at in state["at_s"]]
        self.received, self.ignored = int(state["received"]), int(state["ignored"])
        self.avatar_changes = int(state["avatar_changes"])
        self.avatar_id = str(state["avatar_id"])

    def _parse_newest(self) -> None:
        """Parse the datagrams received since the last call."""
        if self._newest == self._parsed:
            return
        for i, message in enumerate(self._newest):
            if message is None or message is self._parsed[i]:
                continue
            self._parsed[i] = message
            at_s, arguments = message
            if isinstance(arguments, bytes):
                try:
                    arguments = decode(arguments)[0][1]
                except OscError:
                    self.ignored += 1
                    continue
            if arguments:
                self._set(i, at_s, arguments[0])

    def _store(self, now: float, address: str, arguments: list[object]) -> None:
        if address == "/avatar/change":
            self._change_avatar(arguments)
            return
        name = address.removeprefix(PREFIX)
        i = self._index.get(name)
        if i is not None and arguments:
            self._newest[i] = (now, arguments)
        elif self._sense is not None and arguments:
            self._sense.store(name, arguments)

    def _set(self, i: int, at_s: float, value: object) -> None:
        if not isinstance(value, (bool, int, float)) or math.isnan(value):
            return
        low, high = self._ranges[i]
        self._values[i] = min(high, max(low, value))
        self._at_s[i] = at_s

    def _change_avatar(self, arguments: list[object]) -> None:
        """Set custom parameters to 0: VRChat then sends those that the new avatar has."""
        self.avatar_changes += 1
        if self._sense is not None:
            self._sense.change_avatar()
        if arguments and isinstance(arguments[0], str):
            self.avatar_id = arguments[0]
        for i, name in enumerate(self._names):
            if name not in RANGES:
                self._newest[i] = (math.nan, [0.0])
