"""Rays end where a march in small steps finds the first solid, in every place."""

import math

import numpy as np
import pytest

from configs.world.standin_rays import RayConfig
from interfaces.standin.core import StandinCore
from tests.interfaces.standin.client.rays import MARCH_M, marched_distance, ray_messages, with_rays

PLACES = ("room", "gallery", "plaza", "garden", "maze")


def random_rays(rng: np.random.Generator, level: bool) -> list[RayConfig]:
    return [
        RayConfig(
            name=f"R{i}",
            right_m=0.0 if level else float(rng.uniform(-0.2, 0.2)),
            height_m=float(rng.uniform(0.3, 2.4)),
            forward_m=0.0 if level else float(rng.uniform(-0.2, 0.2)),
            yaw_deg=float(rng.uniform(-180, 180)),
            pitch_deg=0.0 if level else float(rng.uniform(-50, 50)),
            max_distance_m=12.0,
            hits=("world", "players", "both")[i % 3],
        )
        for i in range(30)
    ]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("level", [True, False])
def test_rays_end_where_a_march_finds_the_first_solid(place: str, level: bool) -> None:
    rng = np.random.default_rng(1)
    rays = random_rays(rng, level)
    core = StandinCore(with_rays(*rays, place=place, people=4), 5)
    seen = 0
    for _ in range(4):
        core.step(20, [])
        core.avatar.put(*core.place.spawn(rng))
        core.step(1, [])
        values = core.parameters
        for ray in rays:
            expected = marched_distance(core, ray)
            hit = values[f"{ray.name}_Hit"]
            if abs(expected - ray.max_distance_m) > 0.02:  # at the end itself both are right
                assert hit is math.isfinite(expected), (ray, expected)
            if hit:
                assert values[f"{ray.name}_Distance"] == pytest.approx(expected, abs=2 * MARCH_M)
                seen += 1
    assert seen > 20


def test_a_ray_passes_above_what_is_drawn_lower() -> None:
    """A cube of 0.9 m blocks people at any height, but not a ray at 1.2 m."""
    rays = (RayConfig(name="Low", height_m=0.5), RayConfig(name="High", height_m=1.2))
    core = StandinCore(with_rays(*rays, people=0), 0)
    cube = next(mark for mark in core.place.landmarks if mark.kind == "cube")
    core.avatar.put(cube.x, 0.0, cube.z + cube.half + 0.3, 180.0)
    values = ray_messages(core.step(1, []))
    assert values["Low_Distance"] == pytest.approx(0.3, abs=1e-5)
    assert values["High_Distance"] > 0.3 + cube.half
