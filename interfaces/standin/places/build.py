"""Which place a configuration names."""

from configs.standin import StandinConfig
from interfaces.standin.places.gallery import gallery
from interfaces.standin.places.garden import garden
from interfaces.standin.places.maze import maze
from interfaces.standin.places.place import Place
from interfaces.standin.places.plaza import plaza
from interfaces.standin.places.room import room

_MAKERS = {"gallery": gallery, "garden": garden, "maze": maze, "plaza": plaza}


def build_place(config: StandinConfig, seed: int) -> Place:
    """The same settings and seed make the same place."""
    if config.place == "room":
        return room(config.size_m, seed)
    return _MAKERS[config.place](seed)
