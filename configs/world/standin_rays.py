"""Settings of the raycasts on an avatar of the stand-in, with the rules of VRChat's VRCRaycast."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from configs.strict import ParameterName, StrictModel

MAX_RAYS = 80  # of one avatar, in VRChat
# What one ray adds to the avatar's parameters: the ending of the name, and the type.
RAY_PARAMETERS: dict[str, Literal["bool", "float"]] = {
    "_Hit": "bool",
    "_Ratio": "float",
    "_Distance": "float",
}


class RayConfig(StrictModel):
    """One ray of an avatar, or a fan of rays with the same origin."""

    name: ParameterName = Field(
        description="Name of the ray. It gives the parameters NAME_Hit, NAME_Ratio and "
        "NAME_Distance. In a fan the number of the ray, from 0, follows the name."
    )
    count: int | None = Field(
        default=None,
        ge=1,
        le=MAX_RAYS,
        description="Number of rays of a fan. `null`: a single ray without a number.",
    )
    spread_deg: float = Field(
        default=360.0,
        gt=0,
        le=360,
        description="Angle of a fan, in degrees. `360`: a ring, whose ray 0 points along yaw_deg, "
        "the others follow clockwise. Less: from left to right, with yaw_deg in the middle.",
    )
    right_m: float = Field(
        default=0.0, ge=-5, le=5, description="Origin to the right of the avatar, in metres."
    )
    height_m: float = Field(
        default=1.0,
        ge=0,
        le=5,
        description="Height of the origin above the feet, in metres. The origin scales with the "
        "eye height.",
    )
    forward_m: float = Field(
        default=0.0, ge=-5, le=5, description="Origin in front of the avatar, in metres."
    )
    yaw_deg: float = Field(
        default=0.0,
        ge=-360,
        le=360,
        description="Direction clockwise from the avatar's front, seen from above, in degrees.",
    )
    pitch_deg: float = Field(
        default=0.0, ge=-90, le=90, description="Direction above the horizontal, in degrees."
    )
    max_distance_m: float = Field(
        default=10.0, gt=0, le=1000, description="Length in metres. VRChat allows at most 1000 m."
    )
    hits: Literal["world", "players", "both"] = Field(
        default="both", description="What the ray can hit. It never hits the own avatar."
    )
    miss: Literal["do_nothing", "snap_to_start", "snap_to_end"] = Field(
        default="snap_to_end",
        description="Ratio and distance when nothing is hit. `do_nothing`: the last ones stay. "
        "`snap_to_start`: 0. `snap_to_end`: 1 and the maximum distance.",
    )


def single_rays(rays: Iterable[RayConfig]) -> list[RayConfig]:
    """Every single ray, in order; a fan gives one for each of its rays."""
    singles: list[RayConfig] = []
    for ray in rays:
        if ray.count is None:
            singles.append(ray)
            continue
        first_deg, step_deg = ray.yaw_deg, ray.spread_deg / ray.count
        if ray.spread_deg < 360.0 and ray.count > 1:
            step_deg = ray.spread_deg / (ray.count - 1)
            first_deg -= 0.5 * ray.spread_deg
        for i in range(ray.count):
            turned = {"yaw_deg": first_deg + i * step_deg, "name": f"{ray.name}{i}", "count": None}
            singles.append(ray.model_copy(update=turned))
    return singles


def ray_parameters(rays: Iterable[RayConfig]) -> dict[str, Literal["bool", "float"]]:
    """The avatar parameters of the rays: name and type."""
    return {
        ray.name + ending: kind
        for ray in single_rays(rays)
        for ending, kind in RAY_PARAMETERS.items()
    }


def check_rays(rays: Iterable[RayConfig], other_names: Iterable[str]) -> None:
    """Raises ValueError for too many rays, and for a parameter that has its name already."""
    names = [ray.name for ray in single_rays(rays)]
    if len(names) > MAX_RAYS:
        raise ValueError(f"rays: {len(names)} rays; VRChat allows at most {MAX_RAYS} an avatar")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"rays named twice: {', '.join(twice)}")
    taken = sorted(set(ray_parameters(rays)) & set(other_names))
    if taken:
        raise ValueError(f"both a ray and another parameter: {', '.join(taken)}")
