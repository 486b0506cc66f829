"""Every datagram that releases an input of a run."""

from configs.world_settings import WorldConfig
from interfaces.vrchat.action_encoder import release_datagrams
from interfaces.vrchat.voice import voice_rest_datagrams


def input_rest_datagrams(world: WorldConfig) -> list[bytes]:
    """The rest values of all actions, of the axes that doctor and calibrate move, and of Voice."""
    return [*release_datagrams(world.actions), *voice_rest_datagrams(world.voice)]
