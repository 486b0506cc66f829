"""Training from sessions observes the contacts and rays that the sessions have."""

import itertools
from collections.abc import Sequence

from configs.schema import Config
from configs.world.ray_sense import RaysConfig
from configs.world.senses import (
    MAX_CONTACTS,
    MIN_CONTACTS,
    ContactsConfig,
    numbered_names,
    with_known_flags,
)
from interfaces.core.sense_map import PlacedSense, sense_map
from interfaces.session.format.session import Session

_PLACING = {"angle_deg": "°", "reach_m": " m", "centre_m": " m"}


def with_recorded_senses(config: Config, features: Sequence[str]) -> tuple[Config, list[str]]:
    """The configuration with the senses that are among `features`, and a line for each change.

    Names are those of the configuration. The modes and the numbers of contacts and rays change; a
    number that the settings do not allow stays, and the check of the spaces then names the
    difference. A world with features of its own stays as it is.
    """
    world, lines = config.world, list[str]()
    if world.has_own_reward:
        return config, lines
    contacts = _recorded_contacts(world.contacts, features)
    rays = _recorded_rays(world.rays, features)
    for name, before, after in (("contacts", world.contacts, contacts), ("rays", world.rays, rays)):
        if before.features != after.features:
            has = f"{len(after.names)} {name}" if after.names else f"no {name}"
            lines.append(f"the sessions have {has}: world.{name}.mode is {after.mode}")
    world = world.model_copy(update={"contacts": contacts, "rays": rays})
    return config.model_copy(update={"world": world}), lines


def sense_differences(config: Config, sessions: Sequence[Session]) -> list[str]:
    """A line for each session whose contacts or rays of the same name have another place or reach.

    The same closeness then means different distances. Training is possible, but it mixes them. A
    session of a version that did not record the places is left out.
    """
    lines: list[str] = []
    known: dict[str, tuple[str, PlacedSense]] = {
        sense.name: ("the configuration", sense)
        for sense in sense_map(config.world, sessions[0].spaces.features).senses
    }
    for session in sessions:
        own = {sense.name: sense for info in session.infos for sense in info.codec.senses.senses}
        for name, sense in own.items():
            owner, other = known.setdefault(name, (str(session.path), sense))
            if difference := _first_difference(sense, other):
                lines.append(f"{session.path} has {name} with {difference} in {owner}")
                break
    return lines


def _first_difference(sense: PlacedSense, other: PlacedSense) -> str:
    for field, unit in _PLACING.items():
        here, there = getattr(sense, field), getattr(other, field)
        if abs(here - there) > 1e-6:
            return f"{field} {here:g}{unit}, not {there:g}{unit} as"
    return ""


def _recorded_contacts(contacts: ContactsConfig, features: Sequence[str]) -> ContactsConfig:
    count = _count(contacts.name, features)
    if not count:
        return contacts.model_copy(update={"mode": "off"})
    if not MIN_CONTACTS <= count <= MAX_CONTACTS:
        return contacts
    return contacts.model_copy(update={"mode": _turned_on(contacts.mode), "count": count})


def _recorded_rays(rays: RaysConfig, features: Sequence[str]) -> RaysConfig:
    players, world = (_count(fan.name, features) for fan in (rays.players, rays.world))
    if not players + world:
        return rays.model_copy(update={"mode": "off"})
    return rays.model_copy(
        update={
            "mode": _turned_on(rays.mode),
            "players": rays.players.model_copy(update={"count": players}),
            "world": rays.world.model_copy(update={"count": world}),
        }
    )


def _turned_on(mode: str) -> str:
    return "auto" if mode == "off" else mode


def _count(pattern: str, features: Sequence[str]) -> int:
    """How many senses of the pattern are among the features with their flags, from number 0 on.

    A parameter of the same name has no flag: it belongs to world.parameters.
    """
    known = set(features)
    all_named = (with_known_flags(numbered_names(pattern, n + 1)) for n in itertools.count())
    return next(n for n, names in enumerate(all_named) if not set(names) <= known)
