"""The lives that the benchmark `living` compares: one name for each set of settings.

A life is a lockstep run of `default`. Its settings are KEY=VALUE words on top of COMMON.
"""

from dataclasses import dataclass

# Pace of life: 32 replayed steps for each environment step.
COMMON = ("trainer.train_ratio=32",)
CONTACTS = ("world.contacts.mode=on",)
CAMERA = ("world.contacts.mode=off",)
PLACES = ("room", "plaza", "gallery", "garden", "maze")


@dataclass(frozen=True)
class Life:
    """Settings of one life, and what they are in words."""

    settings: tuple[str, ...]
    words: str
    preset: str = "default"

    @property
    def place(self) -> str:
        """The place of the stand-in, for its baselines."""
        prefix = "world.standin.place="
        return next((s.removeprefix(prefix) for s in self.settings if s.startswith(prefix)), "room")


def _place(place: str) -> Life:
    return Life((*CONTACTS, f"world.standin.place={place}"), f"camera and four contacts, {place}")


_EACH_EPISODE = ("world.standin.rooms.change=episode",)

LIVES: dict[str, Life] = {
    "camera": Life(CAMERA, "camera alone"),
    "contacts": Life(CONTACTS, "camera and four contacts"),
    **{place: _place(place) for place in PLACES[1:]},
    "rooms-camera": Life((*CAMERA, *_EACH_EPISODE), "camera alone, a new room each 300 ticks"),
    "rooms-contacts": Life(
        (*CONTACTS, *_EACH_EPISODE), "camera and four contacts, a new room each 300 ticks"
    ),
}
