"""What the stand-in's first avatar gets for the senses of the agent: contacts and rays."""

from typing import Literal

from configs.standin import AvatarConfig, StandinConfig
from configs.world.ray_sense import RayFanConfig, RaysConfig
from configs.world.senses import without_prefix
from configs.world.standin_rays import RayConfig, ray_parameters, single_rays
from configs.world_settings import WorldConfig
from interfaces.standin.contact_ring import contact_ring


def standin_settings(world: WorldConfig) -> StandinConfig:
    """The stand-in of a world. Its first avatar has the contacts and rays that the agent observes.

    A sense of which the avatar names a parameter itself stays as the avatar has it. Further avatars
    get nothing.
    """
    standin, first = world.standin, world.standin.avatars[0]
    given: dict[str, object] = {}
    if not _named_by(first) & set(world.contacts.names):
        given["contacts"] = {**first.contacts, **contact_ring(world.contacts, first.eye_height_m)}
    if not _named_by(first) & set(world.rays.parameters):
        given["rays"] = (*first.rays, *ray_fans(world.rays))
    first = first.model_copy(update=given)
    return standin.model_copy(update={"avatars": (first, *standin.avatars[1:])})


def ray_fans(rays: RaysConfig) -> tuple[RayConfig, ...]:
    """The single rays of the sense, in the order of its names; none if it is off."""
    if rays.mode == "off":
        return ()
    return (*_fan(rays.players, "players"), *_fan(rays.world, "world"))


def _fan(fan: RayFanConfig, hits: Literal["players", "world"]) -> list[RayConfig]:
    if not fan.count:
        return []
    whole = RayConfig(
        name="Ray",
        count=fan.count,
        spread_deg=fan.spread_deg,
        height_m=fan.height_m,
        max_distance_m=fan.reach_m,
        hits=hits,
    )
    singles = zip(single_rays([whole]), fan.ray_names, strict=True)
    return [ray.model_copy(update={"name": name}) for ray, name in singles]


def _named_by(avatar: AvatarConfig) -> set[str]:
    """Every parameter of the avatar, without VRCFury's prefix."""
    names = (*avatar.contacts, *avatar.parameters, *ray_parameters(avatar.rays))
    return {without_prefix(name) for name in names}
