"""The ring of proximity contacts that the stand-in's avatar has for `world.contacts`."""

import math

from configs.standin import ContactConfig
from configs.world.senses import ContactsConfig
from interfaces.standin.client.contact_senders import CHEST


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
