"""Help for tests of raycasts: avatars with rays, and a slow second way to find what a ray hits."""

import math

import numpy as np

from configs.standin import AvatarConfig, StandinConfig
from configs.world.standin_rays import RayConfig
from interfaces.osc.message import decode
from interfaces.standin.core import StandinCore
from interfaces.standin.geometry.solids import Circle

MARCH_M = 0.004
BODY_M, BODY_HEIGHT_M = 0.25, 1.7


def with_rays(*rays: RayConfig, **settings: object) -> StandinConfig:
    avatar = AvatarConfig(id="avtr_rays", parameters={}, contacts={}, rays=rays)
    return StandinConfig(width=16, height=16, **({"avatars": (avatar,)} | settings))


def ray_messages(datagrams: list[bytes]) -> dict[str, object]:
    """The parameters of rays among the datagrams, by name."""
    messages = (decode(datagram)[0] for datagram in datagrams)
    values = {address.rpartition("/")[2]: arguments[0] for address, arguments in messages}
    endings = ("_Hit", "_Ratio", "_Distance")
    return {name: value for name, value in values.items() if name.endswith(endings)}


def marched_distance(core: StandinCore, ray: RayConfig) -> float:
    """The first point of a ray inside a thing, by small steps; infinity for none.

    A thing around the origin does not count.
    """
    place, avatar = core.place, core.avatar
    heading, pitch = math.radians(avatar.heading_deg), math.radians(ray.pitch_deg)
    ahead = heading + math.radians(ray.yaw_deg)
    t = np.arange(1, int(ray.max_distance_m / MARCH_M)) * MARCH_M
    sine, cosine = math.sin(heading), math.cos(heading)
    x0 = avatar.x + ray.right_m * cosine + ray.forward_m * sine
    z0 = avatar.z + ray.forward_m * cosine - ray.right_m * sine
    x = x0 + t * math.cos(pitch) * math.sin(ahead)
    z = z0 + t * math.cos(pitch) * math.cos(ahead)
    y = avatar.y + ray.height_m + t * math.sin(pitch)
    inside: list[np.ndarray] = []
    if ray.hits != "players":
        for solid in (*place.ground.solids, *place.out_of_reach):
            if isinstance(solid, Circle):
                over = np.hypot(x - solid.x, z - solid.z) < solid.radius
            else:
                over = (abs(x - solid.x) < solid.half_x) & (abs(z - solid.z) < solid.half_z)
            top = min(solid.top, solid.drawn_top)
            inside.append(over & (y > solid.bottom) & (y < top))
        for mover in place.movers:
            if mover.radius is not None:
                mx, my, mz, _ = mover.at(core.time_s)
                over = np.hypot(x - mx, z - mz) < mover.radius
                inside.append(over & (y > my) & (y < my + mover.height))
        terrain = np.vectorize(place.ground.terrain, otypes=[float])
        outside = np.maximum(abs(x), abs(z)) > place.half_m
        passes_above = outside.any() and y[outside.argmax()] >= place.wall_top_m
        inside.append(outside & (not passes_above))
        inside.append((y > place.ceiling_m) | (~outside & (y < terrain(x, z))))
    if ray.hits != "world":
        for each in core.people:
            over = np.hypot(x - each.x, z - each.z) < BODY_M
            inside.append(over & (y > each.y) & (y < each.y + BODY_HEIGHT_M))
    hits = [t[mask.argmax()] for mask in inside if mask.any() and not mask[0]]
    return float(min(hits, default=math.inf))
