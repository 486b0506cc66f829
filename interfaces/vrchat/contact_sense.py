"""Proximity contacts as part of the observation: the closeness of each, and whether it is known.

Unknown is not clear. A contact that the avatar lists and that was never heard means that no person
is near: VRChat sends a value only when it changes. A contact that the avatar lacks is unknown.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.world.senses import ContactsConfig, without_prefix
from interfaces.osc.values import first_value
from interfaces.vrchat.avatar_listing import TYPE_WORDS, Avatar
from interfaces.vrchat.avatar_parameters import LOADING_S
from interfaces.vrchat.sense_addresses import SenseAddresses
from interfaces.vrchat.sense_report import STUCK_S, SenseReport, log_once

_STUCK = (
    f"kept one value above 0 while the avatar moved for {STUCK_S:.0f} s; check in Unity that only "
    "the contact receiver writes its parameter"
)


class _Reading(NamedTuple):
    """The newest value of a contact, 0..1, or what is wrong with it."""

    value: float
    problem: str = ""


# The newest message of a contact: its time in seconds, the length of its address, the datagram.
_Message = tuple[float, int, bytes]


class _Change(NamedTuple):
    """The number of the avatar, which counts the changes, and the time of its change."""

    avatar: int = 0
    at_s: float = -math.inf


class _Listing(NamedTuple):
    """The contacts that a client listed for the avatar number `avatar`."""

    avatar: int
    contacts: dict[str, _Reading]


class ContactSense:
    """The contacts of the current avatar.

    One thread receives datagrams, one asks the client by OSCQuery, and one reads the vector at each
    tick. Each stores whole objects, so none of them locks or waits. `tick_s`: seconds per tick.
    """

    def __init__(self, config: ContactsConfig, tick_s: float) -> None:
        self._names, self._tick_s = config.names, tick_s
        count = len(self._names)
        self._addresses = SenseAddresses(self._names)
        self._report = SenseReport(
            "contacts",
            config.mode,
            self._names,
            tick_s,
            "with world.osc.oscquery a contact without a person is known too",
        )
        self._change = _Change()
        self._newest: list[_Message | None] = [None] * count
        self._parsed = list(self._newest)
        self._heard: list[_Reading | None] = [None] * count
        self._heard_s = [-math.inf] * count  # time of the message
        self._listing: _Listing | None = None
        self._seen = self._change  # the avatar that the fields `heard` and `same_s` belong to
        self._same_s = [0.0] * count  # of movement since the last new value

    @property
    def avatar(self) -> int:
        """Number of avatar changes so far."""
        return self._change.avatar

    @property
    def listed(self) -> bool:
        """Whether the client has listed the parameters of the current avatar."""
        listing = self._listing
        return listing is not None and listing.avatar == self.avatar

    def receive(self, address: bytes, datagram: bytes, now: float) -> bool:
        """Store a message with this address. Returns False for one that is no contact."""
        i = self._addresses.find(address)
        if i is None:
            return False
        self._newest[i] = (now, len(address), datagram)
        return True

    def change_avatar(self, now: float) -> None:
        """Every contact is unknown until the new avatar lists or sends it.

        What was sent while it loaded, just before the change at `now`, belongs to it.
        """
        self._change = _Change(self._change.avatar + 1, now)

    def set_listing(self, avatar: Avatar, number: int) -> None:
        """Take what the client lists for the avatar `number`, the value of `avatar` when asked."""
        contacts = {
            without_prefix(name): _listed(kind, avatar.values.get(name))
            for name, kind in avatar.types.items()
            if self._addresses.number(name) is not None
        }
        self._listing = _Listing(number, contacts)

    def vector(self, *, moves: bool, avatar_id: str) -> NDArray[np.float32]:
        """float32 (2 * count,): the closeness of each contact, then whether it is known.

        `moves`: the avatar moves or turns now. `avatar_id`: for messages.
        """
        count = len(self._names)
        result = np.zeros(2 * count, np.float32)
        if not count:
            return result
        avatar, changed_s = self._update()
        listing = self._listing
        if listing is not None and listing.avatar != avatar:
            listing = None
        found: list[str] = []
        for i, name in enumerate(self._names):
            reading = self._heard[i]
            if listing is not None and (reading is None or self._heard_s[i] < changed_s):
                listed = listing.contacts.get(name)
                # A listed 0 may mean that it has not changed since the avatar loaded.
                if reading is None or listed is None or listed.value or listed.problem:
                    reading = listed
            if reading is None:
                continue
            found.append(name)
            if not reading.problem and self._is_stuck(i, reading.value, moves):
                reading = _Reading(0.0, _STUCK)
            if reading.problem:
                text = f"world.contacts: {name} {reading.problem}; it is unknown to the agent"
                log_once("WARNING", text)
            else:
                result[i], result[count + i] = reading.value, 1.0
        if self._report.is_due(listed=listing is not None):
            self._report.log(found, listed=listing is not None, avatar_id=avatar_id)
        return result

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON."""
        self._update()
        listing = self._listing
        return {
            "avatar": self.avatar,
            "seen_avatar": self._seen.avatar,
            "changed_s": None if self._change.avatar == 0 else self._change.at_s,
            "heard_s": [None if each == -math.inf else each for each in self._heard_s],
            "heard": [None if each is None else list(each) for each in self._heard],
            "listing": None
            if listing is None
            else [listing.avatar, {name: list(each) for name, each in listing.contacts.items()}],
            "same_s": list(self._same_s),
            "silent_s": self._report.silent_s,
            "reported": self._report.reported,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot."""
        count = len(self._names)
        changed_s = snapshot.get("changed_s")  # older snapshots have no times
        at_s = -math.inf if changed_s is None else float(changed_s)
        self._change = _Change(int(snapshot["avatar"]), at_s)
        self._seen = _Change(int(snapshot["seen_avatar"]), at_s)
        times = snapshot.get("heard_s", [None] * count)
        self._heard_s = [-math.inf if each is None else float(each) for each in times]
        self._newest = [(each, 0, b"") for each in self._heard_s]
        self._parsed = list(self._newest)
        self._heard = [None if each is None else _Reading(*each) for each in snapshot["heard"]]
        listing = snapshot["listing"]
        if listing is not None:
            contacts = {name: _Reading(*each) for name, each in listing[1].items()}
            listing = _Listing(int(listing[0]), contacts)
        self._listing = listing
        self._same_s = list(snapshot["same_s"])
        self._report.silent_s = float(snapshot["silent_s"])
        self._report.reported = bool(snapshot["reported"])

    def _update(self) -> _Change:
        """Read what arrived since the last call. Returns the newest change of avatar."""
        change = self._change
        if change.avatar != self._seen.avatar:
            self._seen, self._same_s = change, [0.0] * len(self._names)
            self._report.restart()
            for i, message in enumerate(self._newest):
                if message is None or message[0] < change.at_s - LOADING_S:
                    self._parsed[i] = message
                    self._heard[i], self._heard_s[i] = None, -math.inf
        for i, message in enumerate(self._newest):
            if message is None or message is self._parsed[i]:
                continue
            self._parsed[i] = message
            at_s, address_length, datagram = message
            value = first_value(datagram, address_length)
            if value is not None:
                reading = _reading(value)
                if reading != self._heard[i]:
                    self._same_s[i] = 0.0
                self._heard[i], self._heard_s[i] = reading, at_s
        return change

    def _is_stuck(self, i: int, value: float, moves: bool) -> bool:
        """A value above 0 that stays the same while the avatar moves for STUCK_S in total."""
        if value > 0.0 and moves:
            self._same_s[i] += self._tick_s
        return value > 0.0 and self._same_s[i] >= STUCK_S


def _reading(argument: object) -> _Reading:
    if type(argument) is not float:
        kind = type(argument).__name__
        return _Reading(0.0, f"sends {kind}; make it a contact receiver of type Proximity (float)")
    if not math.isfinite(argument):
        return _Reading(0.0, f"sends {argument}; check the animations that drive it")
    return _Reading(min(1.0, max(0.0, argument)))


def _listed(kind: str, value: object) -> _Reading:
    """A contact that the client lists with this type tag and value. It may not have changed yet."""
    if kind != "f":
        text = TYPE_WORDS.get(kind, kind)
        return _Reading(0.0, f"is of type {text}; make it a contact receiver of type Proximity")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _Reading(0.0)
    return _reading(float(value))
