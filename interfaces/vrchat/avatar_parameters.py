"""Avatar parameters received by OSC, as numbers. Only the newest value of each is parsed.

The order of a change of avatar is not fixed: VRChat may send the parameters of the new avatar just
before /avatar/change. So messages shortly before it belong to the new avatar.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from interfaces.osc.bundles import BundleReader
from interfaces.osc.message import BUNDLE
from interfaces.osc.values import clipped, first_value
from interfaces.vrchat.avatar_listing import PREFIX, Avatar

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
# Told at most so long before or after /avatar/change: by the client that loads the avatar.
LOADING_S = 1.0
_MAX_UNWANTED = 4096  # addresses, some 300 kB
_PREFIX, _CHANGE, _AVATAR = PREFIX.encode(), b"/avatar/change\0", b"/avatar/"


# A datagram and its time in seconds; or b"" and the number of the avatar that has sent nothing.
_Message = tuple[float, bytes] | tuple[float, bytes, int]


class _Listing(NamedTuple):
    """The values that the client lists for the avatar with this number, by parameter."""

    avatar: int
    values: dict[int, object]


class OtherParameters(Protocol):
    """Receives parameters that are not numbers of the vector, in the thread of the datagrams."""

    def receive(self, address: bytes, datagram: bytes, now: float) -> bool:
        """Store one message. Returns False if its address is not known, now and later."""
        ...

    def change_avatar(self, now: float) -> None:
        """Note that the client has changed to another avatar. Times are in seconds."""
        ...

    def set_listing(self, avatar: Avatar, number: int) -> None:
        """Take what the client lists for the avatar with this number, counted by its changes."""
        ...


class AvatarParameters:
    """The newest value of each selected parameter, and its time.

    VRChat sends every parameter, also those of face tracking and physics bones. A datagram with
    another address is counted and dropped. Of the selected parameters only the newest datagram is
    parsed, when a value is read.

    `extra` names parameters that can be read but are not part of the vector. `ranges` limits the
    values of a parameter. `sense` receives the messages about other parameters.

    One thread receives, another reads, a third may list. Each replaces whole objects, so none of
    them locks and no newest value is lost.
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
        self._custom = [i for i, name in enumerate(names) if name not in RANGES]
        addresses = [_PREFIX + name.encode() for name in names]
        self._slots = {address: i for i, address in enumerate(addresses)}
        self._address_lengths = [len(address) for address in addresses]
        self._unwanted: set[bytes] = set()  # addresses that were ignored before
        self._bundles = BundleReader(_AVATAR, now)
        known = RANGES | dict(ranges or {})
        self._ranges = [known.get(name, _CUSTOM_RANGE) for name in names]
        self._newest: list[_Message | None] = [None] * len(names)
        self._parsed: list[_Message | None] = [None] * len(names)
        self._values = np.zeros(len(names), np.float32)
        self._at_s = [math.nan] * len(names)  # of the newest value, sent or listed
        self._message_s = [math.nan] * len(names)  # of the newest message
        self._listing: _Listing | None = None
        self._applied_listing: _Listing | None = None
        self.newest_s = math.nan  # time of the last datagram, whatever it holds
        self.received = 0
        self.ignored = 0
        self.avatar_changes = 0
        self.changed_s = math.nan  # time of the last change of avatar
        self.avatar_id = ""

    @property
    def listed(self) -> bool:
        """Whether the client has listed the parameters of the current avatar."""
        listing = self._listing
        return listing is not None and listing.avatar == self.avatar_changes

    def receive(self, datagram: bytes) -> None:
        """Store one datagram. Never raises."""
        self.received += 1
        self.newest_s = now = self._now()
        address = datagram[: datagram.find(b"\0")]
        if address in self._unwanted:
            self.ignored += 1
        elif not self._receive_message(address, datagram, now):
            if datagram.startswith(BUNDLE):
                self._receive_bundle(datagram, now)
                return
            self.ignored += 1
            # Without a NUL the address lacks its last byte, and may look like a wanted one.
            if len(self._unwanted) < _MAX_UNWANTED and b"\0" in datagram and address:
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
        """Fill in values that the client returned to a query. A value already received is kept.

        0 and false say nothing: VRChat may list them before the first change of a parameter.
        """
        self._parse_newest()
        if avatar_id and not self.avatar_id:
            self.avatar_id = avatar_id
        for name, value in values.items():
            i = self._index.get(name)
            if i is not None and value and math.isnan(self._at_s[i]):
                self._set(i, self._now(), value)

    def set_listing(self, avatar: Avatar, number: int) -> None:
        """Take what the client lists for the avatar `number`, the `avatar_changes` when asked.

        What this avatar has sent counts more than its listing. A value sent just before the change
        stays too, unless the avatar lacks the parameter or lists another value than 0. A listed 0
        says little: VRChat may list it before the first change of a parameter.
        """
        names = ((i, self._names[i]) for i in self._custom)
        values = {i: avatar.values[name] for i, name in names if name in avatar.values}
        self._listing = _Listing(number, values)
        self.ignored += avatar.ignored
        if self._sense is not None:
            self._sense.set_listing(avatar, number)

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

    def message_s(self, name: str) -> float:
        """Time of the last message, in seconds; NaN if the avatar in use has sent none."""
        self._parse_newest()
        return self._message_s[self._index[name]]

    def snapshot(self) -> dict[str, object]:
        self._parse_newest()
        return {
            "values": self._values.tolist(),
            "at_s": [_or_none(at) for at in self._at_s],
            "message_s": [_or_none(at) for at in self._message_s],
            "changed_s": _or_none(self.changed_s),
            "listed": None if self._listing is None else self._listing.avatar,
            "received": self.received,
            "ignored": self.ignored,
            "avatar_changes": self.avatar_changes,
            "avatar_id": self.avatar_id,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        state: dict = snapshot  # type: ignore[type-arg]
        self._values = np.asarray(state["values"], np.float32)
        self._at_s = [_or_nan(at) for at in state["at_s"]]
        # Older snapshots have no times of messages and of the change.
        self._message_s = [_or_nan(at) for at in state.get("message_s", state["at_s"])]
        self.changed_s = _or_nan(state.get("changed_s"))
        self._newest = [(at, b"") for at in self._message_s]
        self._parsed = list(self._newest)
        listed = state.get("listed")
        self._listing = None if listed is None else _Listing(int(listed), {})
        self._applied_listing = self._listing  # its values are among the others
        self.received, self.ignored = int(state["received"]), int(state["ignored"])
        self.avatar_changes = int(state["avatar_changes"])
        self.avatar_id = str(state["avatar_id"])

    def _receive_message(self, address: bytes, message: bytes, now: float) -> bool:
        """Store one message, if it is wanted."""
        i = self._slots.get(address)
        if i is not None:
            self._newest[i] = (now, message)
            return True
        if self._sense is not None and self._sense.receive(address, message, now):
            return True
        if message.startswith(_CHANGE):
            self._change_avatar(message, now)
            return True
        return False

    def _receive_bundle(self, bundle: bytes, now: float) -> None:
        """Store the wanted messages of a bundle. Counts it as ignored if it has none."""
        wanted = [
            self._receive_message(message[: message.find(b"\0")], message, now)
            for message in self._bundles.messages(bundle)
        ]
        self.ignored += not any(wanted)

    def _parse_newest(self) -> None:
        """Parse the datagrams received since the last call, and take a new listing."""
        if self._newest != self._parsed:
            for i, message in enumerate(self._newest):
                if message is None or message is self._parsed[i]:
                    continue
                self._parsed[i] = message
                if message[1]:
                    value = first_value(message[1], self._address_lengths[i])
                    self._set(i, message[0], value, from_message=True)
                else:
                    self._forget(i)
        listing = self._listing
        if listing is not self._applied_listing:
            self._applied_listing = listing
            if listing is not None and listing.avatar == self.avatar_changes:
                self._apply(listing)

    def _apply(self, listing: _Listing) -> None:
        for i in self._custom:
            sent_before = self._message_s[i] < self.changed_s
            if not math.isnan(self._message_s[i]) and not sent_before:
                continue
            if i not in listing.values:
                self._forget(i)
            elif listing.values[i] or not sent_before:
                self._set(i, self._now(), listing.values[i])

    def _set(self, i: int, at_s: float, value: object, *, from_message: bool = False) -> None:
        number = clipped(value, *self._ranges[i])
        if number is None:
            self.ignored += from_message
            return
        self._values[i] = number
        self._at_s[i] = at_s
        if from_message:
            self._message_s[i] = at_s

    def _forget(self, i: int) -> None:
        """The parameter has its value at rest until the avatar tells or lists another."""
        low, high = self._ranges[i]
        self._values[i] = min(high, max(low, 0.0))
        self._at_s[i] = self._message_s[i] = math.nan

    def _change_avatar(self, message: bytes, now: float) -> None:
        """Forget the custom parameters, except those sent while the new avatar was loading."""
        avatar_id = first_value(message, len(_CHANGE) - 1)
        if not isinstance(avatar_id, str):
            self.ignored += 1
            return
        self.avatar_id = avatar_id
        number = self.avatar_changes + 1
        for i in self._custom:
            newest = self._newest[i]
            if newest is None or not now - newest[0] <= LOADING_S:
                self._newest[i] = (-math.inf, b"", number)
        self.changed_s = now
        self.avatar_changes = number
        if self._sense is not None:
            self._sense.change_avatar(now)


def _or_none(seconds: float) -> float | None:
    return None if math.isnan(seconds) else seconds


def _or_nan(seconds: float | None) -> float:
    return math.nan if seconds is None else float(seconds)
