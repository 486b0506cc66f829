"""The true state of the stand-in as JSON: for measurements and tests, never for the agent."""

from collections.abc import Sequence
from typing import Any, Protocol

from configs.standin import FaultsConfig
from interfaces.standin.client.physics import AvatarPhysics
from interfaces.standin.client.simulated_client import SimulatedClient
from interfaces.standin.json_state import fields_of
from interfaces.standin.people import Person
from interfaces.standin.places.place import Place


class TruthSource(Protocol):
    """What the true state is made of; StandinCore has all of it."""

    client: SimulatedClient
    avatar: AvatarPhysics
    faults: FaultsConfig

    @property
    def time_s(self) -> float:
        """Simulated time, seconds."""
        ...

    @property
    def loading(self) -> bool:
        """Whether a place loads now."""
        ...

    @property
    def seed(self) -> int:
        """The seed of the stand-in."""
        ...

    @property
    def place(self) -> Place:
        """The place that is loaded now."""
        ...

    @property
    def place_loads(self) -> int:
        """How many places were loaded before this one."""
        ...

    @property
    def people(self) -> Sequence[Person]:
        """All people of the place."""
        ...

    @property
    def patted_by(self) -> str | None:
        """The name of the person patting the agent now."""
        ...

    @property
    def lost(self) -> int:
        """Datagrams that the fault `loss` dropped."""
        ...


def truth_of(core: TruthSource) -> dict[str, Any]:
    """Positions of all, contacts, and the patting person. Metres, degrees, seconds."""
    place, client, avatar = core.place, core.client, fields_of(core.avatar)
    return {
        "time_s": core.time_s,
        "place": {
            "name": place.name,
            "version": place.version,
            "seed": core.seed,
            "loads": core.place_loads,
            "half_m": place.half_m,
        },
        "loading": core.loading,
        "agent": avatar | {"eye_m": client.eye_m, "avatar": client.avatar_config.id},
        "people": [fields_of(person) for person in core.people],
        "touches": avatar["touches"],
        "contacts": dict(client.contacts.values),
        "patted_by": core.patted_by,
        "landmarks": [{"kind": mark.kind, "x": mark.x, "z": mark.z} for mark in place.landmarks],
        "movers": [{"name": each.name, "pose": each.at(core.time_s)} for each in place.movers],
        "chatbox": {
            "shown": client.chatbox.shown(core.time_s),
            "typing": client.chatbox.typing,
            "locked_s": max(0.0, client.chatbox.locked_until_s - core.time_s),
            "refused": client.chatbox.refused,
        },
        "camera": fields_of(client.camera),
        "inputs": {name: v for name, v in client.inputs.received().items() if v},
        "menu": client.menu_open or core.faults.menu,
        "received": client.received,
        "ignored": client.ignored,
        "lost": core.lost,
    }
