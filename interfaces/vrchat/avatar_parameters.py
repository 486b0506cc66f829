"""Avatar parameters heard by OSC, as numbers. Newest value wins; the rest is dropped unparsed."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from interfaces.osc.message import OscError, decode

PREFIX = "/avatar/parameters/"
# VRChat's own parameters and where their values end: metres and degrees a second are bounded here
# only so that one absurd number cannot spoil what is learned. They outlive a change of avatar.
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
_CUSTOM = (-1.0, 255.0)  # a float is -1..1, an int 0..255, a bool 0 or 1
_Heard = tuple[float, bytes | list[object]]  # when, and what
_PREFIX, _CHANGE, _BUNDLE = PREFIX.encode(), b"/avatar/change\0", b"#bundle\0"


class Feelings:
    """The newest value of each parameter that is wanted, and since when.

    VRChat sends the whole subtree, face tracking and physics bones included: a datagram whose raw
    address is not wanted is counted and dropped, and of the others only the newest is parsed, once
    somebody asks. `also` names those that are watched but are not part of the vector. `ranges`
    cuts values, name by name.

    One thread takes, another asks: a slot is written whole, and nothing heard is ever lost.
    """

    def __init__(
        self,
        parameters: Sequence[str],
        also: Sequence[str] = (),
        ranges: Mapping[str, tuple[float, float]] | None = None,
        now: Callable[[], float] = float,
    ) -> None:
        names = list(dict.fromkeys([*parameters, *also]))
        self._names, self._size, self._now = names, len(parameters), now
        self._index = {name: i for i, name in enumerate(names)}
        self._wanted = {_PREFIX + name.encode(): i for i, name in enumerate(names)}
        known = RANGES | dict(ranges or {})
        self._ranges = [known.get(name, _CUSTOM) for name in names]
        self._heard: list[_Heard | None] = [None] * len(names)
        self._settled: list[_Heard | None] = [None] * len(names)
        self._values = np.zeros(len(names), np.float32)
        self._at_s = [math.nan] * len(names)
        self.newest_s = math.nan  # when anything at all was heard
        self.received = 0
        self.ignored = 0
        self.avatar_changes = 0
        self.avatar_id = ""

    def take(self, datagram: bytes) -> None:
        """Take in one datagram; never raises."""
        self.received += 1
        self.newest_s = now = self._now()
        i = self._wanted.get(datagram[: datagram.find(b"\0")])
        if i is not None:
            self._heard[i] = (now, datagram)
        elif datagram.startswith(_CHANGE) or datagram.startswith(_BUNDLE):
            try:
                for name, arguments in decode(datagram):
                    self._message(now, name, arguments)
            except OscError:  # a stranger's packet must not stop the body
                self.ignored += 1
        else:
            self.ignored += 1

    def seed(self, avatar_id: str | None, values: Mapping[str, object]) -> None:
        """What a client that replays nothing says when it is asked; what was heard is newer."""
        self._settle()
        if avatar_id and not self.avatar_id:
            self.avatar_id = avatar_id
        for name, value in values.items():
            i = self._index.get(name)
            if i is not None and math.isnan(self._at_s[i]):
                self._set(i, self._now(), value)

    def vector(self) -> NDArray[np.float32]:
        """The newest values, float32 (num_parameters,)."""
        self._settle()
        return self._values[: self._size].copy()

    def __getitem__(self, name: str) -> float:
        """The newest value of any parameter that is wanted; 0 while it has not been heard."""
        self._settle()
        return float(self._values[self._index[name]])

    def age_s(self, name: str) -> float:
        """Seconds since it was told, which VRChat does on change only; NaN: never."""
        self._settle()
        return self._now() - self._at_s[self._index[name]]

    def snapshot(self) -> dict[str, object]:
        self._settle()
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
        self._heard = [None] * len(self._names)
        self._settled = [None] * len(self._names)
        self._values = np.asarray(state["values"], np.float32)
        self._at_s = [math.nan if at is None else float(at) for at in state["at_s"]]
        self.received, self.ignored = int(state["received"]), int(state["ignored"])
        self.avatar_changes = int(state["avatar_changes"])
        self.avatar_id = str(state["avatar_id"])

    def _settle(self) -> None:
        """Parse what is new since it was last asked."""
        if self._heard == self._settled:
            return
        for i, heard in enumerate(self._heard):
            if heard is None or heard is self._settled[i]:
                continue
            self._settled[i] = heard
            at_s, said = heard
            if isinstance(said, bytes):
                try:
                    said = decode(said)[0][1]
                except OscError:
                    self.ignored += 1
                    continue
            if said:
                self._set(i, at_s, said[0])

    def _message(self, now: float, address: str, arguments: list[object]) -> None:
        if address == "/avatar/change":
            self._change(arguments)
            return
        i = self._index.get(address.removeprefix(PREFIX))
        if i is not None and arguments:
            self._heard[i] = (now, arguments)

    def _set(self, i: int, at_s: float, value: object) -> None:
        if not isinstance(value, (bool, int, float)) or math.isnan(value):
            return
        low, high = self._ranges[i]
        self._values[i] = min(high, max(low, value))
        self._at_s[i] = at_s

    def _change(self, arguments: list[object]) -> None:
        """What the last avatar had of its own is gone; VRChat tells what this one has."""
        self.avatar_changes += 1
        if arguments and isinstance(arguments[0], str):
            self.avatar_id = arguments[0]
        for i, name in enumerate(self._names):
            if name not in RANGES:
                self._heard[i] = (math.nan, [0.0])
