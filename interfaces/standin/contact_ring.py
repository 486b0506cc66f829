"""The ring of proximity contacts that the stand-in's avatar has for `world.contacts`."""

import math

from configs.standin import ContactConfig, StandinConfig
from configs.world.senses import ContactsConfig, without_prefix
from configs.world_settings import WorldConfig
from interfaces.standin.client.contact_senders import CHEST


def standin_settings(world: WorldConfig) -> StandinConfig:
    """The stand-in of a world. With contacts `on`, its first avatar has the ring.

    An avatar that names one of the contacts itself stays as it is. Further avatars have no ring.
    """
    standin, first = world.standin, world.standin.avatars[0]
    own = {without_prefix(name) for name in (*first.contacts, *first.parameters)}
    if world.contacts.mode != "on" or own & set(world.contacts.names):
        return standin
    ring = contact_ring(world.contacts, first.eye_height_m)
    first = first.model_copy(update={"contacts": {**first.contacts, **ring}})
    return standin.model_copy(update={"avatars": (first, *standin.avatars[1:])})


def contact_ring(contacts: ContactsConfig, eye_height_m: float) -> dict[str, ContactConfig]:
    """The receivers by name: at chest height, number 0 ahead, then clockwise seen from above."""
    ring: dict[str, ContactConfig] = {}
    for i, name in enumerate(contacts.names):
        angle = 2.0 * math.pi * i / contacts.count
        right, ahead = contacts.ring_m * math.sin(angle), contacts.ring_m * math.cos(angle)
        ring[name] = ContactConfig(
            kind="proximity",
            position_m=(right, CHEST * eye_height_m, ahead),
            by=("head", "torso"),
            radius_m=contacts.radius_m,
        )
    return ring
