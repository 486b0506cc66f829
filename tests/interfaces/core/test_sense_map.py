"""The senses of a Step are found by name, with their angles, reach and readings."""

import numpy as np
import pytest

from configs.load import load_config
from configs.world.standin_rays import RayConfig, single_rays
from interfaces.core.sense_map import SenseMap, fan_angles, sense_map
from tests.conftest import ROOT

RAYS = ("world.rays.mode=auto", "world.rays.players.count=3", "world.rays.world.count=2")


def world_of(*overrides):
    return load_config(ROOT / "configs" / "tiny.yaml", overrides).world


def features_of(world):
    return (*world.parameters, *world.sense_features)


def test_senses_that_are_off_are_not_on_the_map():
    world = world_of()
    assert not sense_map(world, features_of(world))
    on = world_of("world.contacts.mode=on", *RAYS)
    assert not sense_map(on, features_of(world)), "a recording of another run"


def test_each_sense_has_its_place_and_the_numbers_of_the_step():
    world = world_of(
        "world.contacts={mode: on, count: 4, ring_m: 0.5, radius_m: 2}",
        *(*RAYS, "world.rays.players={spread_deg: 90, reach_m: 8}"),
    )
    features = features_of(world)
    vector = np.zeros(len(features) + 3, np.float32)
    for name, value in {
        "YumeNear1": 0.25,
        "YumeNear1_Known": 1.0,
        "YumeNear2": 0.9,  # not known, so it counts for nothing
        "YumeRayP2": 0.75,
        "YumeRayP2_Known": 1.0,
        "YumeRayW1": np.nan,
        "YumeRayW1_Known": 1.0,
    }.items():
        vector[features.index(name)] = value
    senses = sense_map(world, features)
    assert [each.angle_deg for each in senses.senses] == [0, 90, 180, 270, -45, 0, 45, 0, 180]
    assert [each.end_m for each in senses.senses] == [2.5] * 4 + [8.0] * 3 + [10.0] * 2
    readings = {each.sense.name: each for each in senses.readings(vector)}
    known = {name: each.closeness for name, each in readings.items() if each.known}
    assert known == {"YumeNear1": 0.25, "YumeRayP2": 0.75}
    assert readings["YumeNear2"].closeness == 0.0
    assert readings["YumeRayP2"].distance_m == 2.0
    assert [each.name for each in senses.of_kind("world").senses] == ["YumeRayW0", "YumeRayW1"]
    others = [name for i, name in enumerate(features) if i not in senses.features]
    assert others == list(world.parameters)


def test_a_stored_map_is_read_back_and_kinds_of_later_versions_are_ignored():
    world = world_of("world.contacts.mode=on", *RAYS)
    features = features_of(world)
    senses = sense_map(world, features)
    later = [*senses.to_json(), ["Smell0", "smell", 0.0, 1.0, 0.0]]
    assert SenseMap.from_json(later, features) == senses


@pytest.mark.parametrize(("count", "spread_deg"), [(1, 90.0), (4, 90.0), (5, 360.0)])
def test_a_fan_has_the_angles_of_the_stand_in(count, spread_deg):
    fan = RayConfig(name="Ray", count=count, spread_deg=spread_deg)
    if count == 1:
        assert fan_angles(1, spread_deg) == [0.0]
    else:
        angles = [ray.yaw_deg for ray in single_rays([fan])]
        np.testing.assert_allclose(fan_angles(count, spread_deg), angles)
