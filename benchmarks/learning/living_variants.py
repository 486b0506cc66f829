"""The variants that the benchmark `living` compares: a name for each set of settings.

Each is a lockstep run of `default`. Its settings are KEY=VALUE words on top of COMMON.
"""

from dataclasses import dataclass

# 32 replayed steps for each environment step.
COMMON = ("trainer.train_ratio=32",)
CONTACTS = ("world.contacts.mode=on",)
CAMERA = ("world.contacts.mode=off",)
RAYS = ("world.rays.mode=on",)
PLACES = ("room", "plaza", "gallery", "garden", "maze")


@dataclass(frozen=True)
class Variant:
    """Settings of one variant, and what they are in words."""

    settings: tuple[str, ...]
    words: str
    preset: str = "default"

    @property
    def place(self) -> str:
        """The place of the stand-in, for its baselines."""
        prefix = "world.standin.place="
        return next((s.removeprefix(prefix) for s in self.settings if s.startswith(prefix)), "room")


def _place(place: str) -> Variant:
    return Variant(
        (*CONTACTS, f"world.standin.place={place}"), f"camera and four contacts, {place}"
    )


def _place_with_rays(place: str) -> Variant:
    settings = (*CONTACTS, *RAYS, f"world.standin.place={place}")
    return Variant(settings, f"camera, four contacts and 64 rays, {place}")


_EACH_EPISODE = ("world.standin.rooms.change=episode",)


def _new_place_each_episode(place: str) -> Variant:
    settings = (*CONTACTS, f"world.standin.place={place}", *_EACH_EPISODE)
    return Variant(settings, f"camera and four contacts, a new {place} each 300 ticks")


VARIANTS: dict[str, Variant] = {
    "camera": Variant(CAMERA, "camera alone"),
    "contacts": Variant(CONTACTS, "camera and four contacts"),
    "rays": Variant((*CAMERA, *RAYS), "camera and 64 rays"),
    "both": Variant((*CONTACTS, *RAYS), "camera, four contacts and 64 rays"),
    **{place: _place(place) for place in PLACES[1:]},
    **{f"{place}-both": _place_with_rays(place) for place in PLACES[1:]},
    "advantage": Variant(
        (*CONTACTS, "actor.cloning_by=advantage"), "camera and four contacts, cloning by advantage"
    ),
    "smooth": Variant(
        (*CONTACTS, "actor.smoothness=0.1"), "camera and four contacts, action smoothing 0.1"
    ),
    "rooms-camera": Variant((*CAMERA, *_EACH_EPISODE), "camera alone, a new room each 300 ticks"),
    "rooms-contacts": Variant(
        (*CONTACTS, *_EACH_EPISODE), "camera and four contacts, a new room each 300 ticks"
    ),
    **{f"{place}-rooms": _new_place_each_episode(place) for place in PLACES[1:]},
}
