"""Level rays have the same bits as rays that are computed one after the other, in every place."""

import math

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.standin.geometry.level_rays import LevelRayCaster
from interfaces.standin.geometry.ray_fans import AvatarPose, LevelRays
from interfaces.standin.geometry.solids import Circle, flat
from interfaces.standin.places.build import build_place
from interfaces.standin.places.place import Place

TINY, MAX_M = 1e-12, 10.0
COUNT = 36


def some_rays() -> LevelRays:
    """A ring that sees people, one that sees the world, and one beside the axis that sees both."""
    yaw = np.radians(np.tile(np.arange(COUNT // 3) * 30.0 + 0.7, 3))
    part = np.arange(COUNT) // (COUNT // 3)
    aside = np.where(part == 2, 0.2, 0.0)
    height = np.array([1.0, 0.6, 1.3])[part]
    max_m = np.where(part == 2, 4.0, MAX_M)
    sees = (part != 0, part != 1)
    return LevelRays(np.sin(yaw), np.cos(yaw), aside, height, -aside, *sees, max_m)


def plain_distance(place, rays, i, pose, movers, people) -> float:
    """Ray `i`, thing by thing."""
    sine, cosine = pose.sine, pose.cosine
    right, front = float(rays.to_right[i]), float(rays.to_front[i])
    to_x = right * cosine + front * sine + TINY
    to_z = front * cosine - right * sine + TINY
    right_m, front_m = float(rays.right_m[i]), float(rays.front_m[i])
    x = pose.x + pose.scale * (right_m * cosine + front_m * sine)
    z = pose.z + pose.scale * (front_m * cosine - right_m * sine)
    y = pose.y + pose.scale * float(rays.height_m[i])
    found = [math.inf]

    def slabs(low_x, low_z, high_x, high_z):
        xs = sorted(((low_x - x) / to_x, (high_x - x) / to_x))
        zs = sorted(((low_z - z) / to_z, (high_z - z) / to_z))
        return max(xs[0], zs[0]), min(xs[1], zs[1])

    def meet(into, out, bottom, top):
        if bottom <= y < top and 0.0 < into < out:
            found.append(into)

    def circle(centre_x, centre_z, radius, bottom, top):
        away_x, away_z = centre_x - x, centre_z - z
        along, aside = away_x * to_x + away_z * to_z, away_x * to_z - away_z * to_x
        half = math.sqrt(max(radius * radius - aside * aside, 0.0))
        meet(along - half, along + half, bottom, top)

    if rays.sees_world[i]:
        half_m = place.half_m
        _, walls_m = slabs(-half_m, -half_m, half_m, half_m)
        meet(walls_m, math.inf, -math.inf, place.wall_top_m)
        for each in (*place.ground.solids, *place.out_of_reach):
            top = min(each.top, each.drawn_top)
            if isinstance(each, Circle):
                circle(each.x, each.z, each.radius, each.bottom, top)
            else:
                corners = (each.x - each.half_x, each.z - each.half_z)
                corners += (each.x + each.half_x, each.z + each.half_z)
                meet(*slabs(*corners), each.bottom, top)
        for each in movers:
            circle(*each)
        if place.ground.terrain is not flat:
            end_m = min(max(walls_m, 0.0), float(rays.max_m[i]))
            found.append(plain_ground(place, (x, y, z), (to_x, TINY, to_z), end_m))
    if rays.sees_people[i]:
        for each in people:
            circle(*each)
    return min(found)


def plain_ground(place, origin, towards, end_m) -> float:
    (x, y, z), (to_x, to_y, to_z) = origin, towards
    half = place.half_m
    cells = math.ceil(2.0 * half / 0.25)
    line = np.linspace(-half, half, cells + 1).tolist()

    def height(at_x, at_z):
        column, row = (
            min(max((each + half) * (cells / (2.0 * half)), 0.0), float(cells))
            for each in (at_x, at_z)
        )
        i, j = min(int(column), cells - 1), min(int(row), cells - 1)
        u, v = column - i, row - j
        ground = [[place.ground.terrain(line[i + a], line[j + b]) for b in (0, 1)] for a in (0, 1)]
        near, far = (side[0] * (1.0 - v) + side[1] * v for side in ground)
        return near * (1.0 - u) + far * u

    def is_below(at):
        return y + at * to_y - height(x + at * to_x, z + at * to_z) < 0.0

    points = [min(0.5 * k, end_m) for k in range(math.ceil(end_m / 0.5) + 1)]
    below = [is_below(at) for at in points]
    if below[0] or not any(below):
        return math.inf
    low, high = points[below.index(True) - 1], points[below.index(True)]
    for _ in range(12):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if is_below(middle) else (middle, high)
    return high


def cylinders(place: Place, rng: np.random.Generator, pose: AvatarPose):
    """Moving things of the place, and people: near, far, around the origin and touching it."""
    movers = []
    for mover in place.movers:
        if mover.radius is not None:
            x, y, z, _ = mover.at(3.0)
            movers.append((x, z, mover.radius, y, y + mover.height))
    spots = [(pose.x + dx, pose.z + dz) for dx, dz in ((0.1, 0.0), (0.25, 0.0), (0.0, -0.6))]
    spots += [tuple(rng.uniform(-6, 6, 2).tolist()) for _ in range(6)]
    return movers, [(x, z, 0.25, pose.y, pose.y + 1.7) for x, z in spots]


@pytest.mark.parametrize("name", ["room", "gallery", "plaza", "garden", "maze"])
def test_level_rays_have_the_bits_of_a_plain_computation(name: str) -> None:
    place = build_place(StandinConfig(place=name), 3)
    rays = some_rays()
    caster = LevelRayCaster(
        place.ground, rays, out_of_reach=place.out_of_reach, wall_top_m=place.wall_top_m
    )
    rng = np.random.default_rng(2)
    hits = 0
    for scale in (1.0, 1.0, 0.7, 1.0, 1.2, 1.0):
        x, y, z, heading_deg = place.spawn(rng)
        heading = math.radians(heading_deg)
        pose = AvatarPose(x, y, z, heading, math.sin(heading), math.cos(heading), scale)
        movers, people = cylinders(place, rng, pose)
        for seen in (people, []):
            result = caster.cast(pose, movers, seen).tolist()
            for i, metres in enumerate(result):
                expected = plain_distance(place, rays, i, pose, movers, seen)
                if min(metres, expected) <= rays.max_m[i]:  # what is beyond is a miss for both
                    assert metres == expected, (i, pose)
                    hits += 1
    assert hits > 100
