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
