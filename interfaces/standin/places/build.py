"""Builds the place that a configuration names."""

from configs.standin import StandinConfig
from interfaces.standin.places.gallery import gallery
from interfaces.standin.places.garden import garden
from interfaces.standin.places.maze import maze
from interfaces.standin.places.place import Place
from interfaces.standin.places.plaza import plaza
from interfaces.standin.places.room import room

# Raise the version with every change of a place that could change a result measured in it.
VERSIONS = {"room": 3, "gallery": 2, "plaza": 2, "garden": 2, "maze": 2}
_MAKERS = {"gallery": gallery, "garden": garden, "maze": maze, "plaza": plaza}


def build_place(config: StandinConfig, seed: int) -> Place:
    """The same settings and seed make the same place."""
    version = VERSIONS[config.place]
    if config.place == "room":
        return room(version, seed, config.size_m, varied=config.rooms.changes)
    return _MAKERS[config.place](version, seed)
