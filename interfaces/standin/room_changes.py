"""Changing rooms: when the stand-in leaves a room, and what the seed draws for the next one.

Room k of a seed depends on the seed and on k only, not on what happened in earlier rooms.
"""

import math
from dataclasses import replace

import numpy as np

from configs.standin import StandinConfig
from configs.world.rooms import RoomsConfig
from interfaces.standin.client.input import DT_S
from interfaces.standin.geometry.solids import Colour
from interfaces.standin.people import NAMES
from interfaces.standin.places.build import build_place
from interfaces.standin.places.place import Place

_SEED_STRIDE = 1_000_003  # between the seeds of the rooms that are loaded one after another
_STREAM = 4  # of random numbers; the others of a seed are used by the place and its people
_MORE_PEOPLE = 2  # the most people in a room are so many more than usual for the place
_DARKEST, _TINT = 0.55, 0.15  # of the light: lowest brightness, largest loss of red or blue


class RoomSchedule:
    """Says when a room is left. Times are substeps of 1/60 s since the start.

    `arrived`: when the room was entered.
    """

    def __init__(self, config: RoomsConfig, episode_s: float) -> None:
        stay_s = config.stay_s(episode_s)
        self._stay = max(1, round(stay_s / DT_S)) if math.isfinite(stay_s) else math.inf
        self._load = round(config.load_s / DT_S)
        self.arrived = 0

    def loading_until(self, substep: int, loading_until: int) -> int:
        """When the loading ends. A change of the room begins now if its time is over."""
        if substep < loading_until or substep - self.arrived < self._stay:
            return loading_until
        return substep + self._load + 1  # the substep of the arrival is the first one in the room


def room_seed(seed: int, index: int) -> int:
    """The seed of the room with this index: the first room, 0, has the seed itself."""
    return seed + _SEED_STRIDE * index


def build_room(config: StandinConfig, seed: int) -> Place:
    """The place of a room's own seed. Where rooms change, its light and people are drawn too."""
    place = build_place(config, seed)
    if not config.rooms.changes:
        return place
    rng = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    people = int(rng.integers(1, place.people + _MORE_PEOPLE, endpoint=True))
    names = tuple(NAMES[i] for i in rng.permutation(len(NAMES)).tolist())
    return replace(place, people=people, names=names, light=_random_light(rng))


def _random_light(rng: np.random.Generator) -> Colour:
    """Factors for all colours: dim to full, warm to cold."""
    level, warmth = rng.uniform(_DARKEST, 1.0), rng.uniform(-_TINT, _TINT)
    red, blue = 1.0 + min(0.0, warmth), 1.0 - max(0.0, warmth)
    return float(level * red), float(level * (1.0 - 0.4 * abs(warmth))), float(level * blue)
