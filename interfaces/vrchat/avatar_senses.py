"""The senses of the current avatar together: contacts and rays, as far as they are on."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from configs.world_settings import WorldConfig
from interfaces.vrchat.avatar_listing import Avatar
from interfaces.vrchat.avatar_parameters import OtherParameters
from interfaces.vrchat.contact_sense import ContactSense
from interfaces.vrchat.raycast_sense import RaycastSense


class Sense(OtherParameters, Protocol):
    """Parameters of the avatar that are observed as closeness, and whether each is known."""

    @property
    def avatar(self) -> int:
        """Number of avatar changes so far."""
        ...

    @property
    def listed(self) -> bool:
        """Whether the client has listed the parameters of the current avatar."""
        ...

    def vector(self, *, moves: bool, avatar_id: str) -> NDArray[np.float32]:
        """float32: each closeness, then whether each is known.

        `moves`: the avatar moves or turns now. `avatar_id`: for messages.
        """
        ...

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot."""
        ...


class AvatarSenses:
    """The senses that the settings turn on. Falsy if there is none. `tick_s`: seconds per tick."""

    def __init__(self, config: WorldConfig, tick_s: float) -> None:
        self._senses: dict[str, Sense] = {}  # in the order of the observation
        if config.contacts.names:
            self._senses["contacts"] = ContactSense(config.contacts, tick_s)
        if config.rays.names:
            self._senses["rays"] = RaycastSense(config.rays, tick_s)
        self._each = tuple(self._senses.values())

    def __bool__(self) -> bool:
        return bool(self._each)

    @property
    def avatar(self) -> int:
        """Number of avatar changes so far."""
        return self._each[0].avatar if self._each else 0

    @property
    def listed(self) -> bool:
        """Whether the client has listed the parameters of the current avatar for every sense."""
        return all(sense.listed for sense in self._each)

    def receive(self, address: bytes, datagram: bytes, now: float) -> bool:
        """Store a message with this address. Returns False if no sense wants it."""
        for sense in self._each:  # noqa: SIM110 (a generator would cost 0.5 µs per datagram)
            if sense.receive(address, datagram, now):
                return True
        return False

    def change_avatar(self, now: float) -> None:
        """All is unknown until the new avatar lists or sends it. `now`: time in seconds."""
        for sense in self._each:
            sense.change_avatar(now)

    def set_listing(self, avatar: Avatar, number: int) -> None:
        """Take what the client lists for the avatar `number`, the value of `avatar` when asked."""
        for sense in self._each:
            sense.set_listing(avatar, number)

    def vectors(self, *, moves: bool, avatar_id: str) -> list[NDArray[np.float32]]:
        """The vector of each sense, float32; see Sense.vector."""
        return [sense.vector(moves=moves, avatar_id=avatar_id) for sense in self._each]

    def snapshot(self) -> dict[str, Any]:
        """The state of each sense as JSON, by name."""
        return {name: sense.snapshot() for name, sense in self._senses.items()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot, which may hold more than the senses."""
        for name, sense in self._senses.items():
            sense.restore(snapshot[name])
