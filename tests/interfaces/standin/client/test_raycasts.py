"""Raycasts of the avatar: misses, targets, changes only, OSCQuery, snapshots, limits."""

import json
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from configs.load import load_config
from configs.standin import OTHER_AVATAR_ID, AvatarConfig, StandinConfig
from configs.world.standin_rays import RayConfig, single_rays
from interfaces.osc.message import encode
from interfaces.standin.client_tree import client_tree
from interfaces.standin.core import StandinCore
from interfaces.standin.lockstep_standin import LockstepStandin
from tests.conftest import ROOT
from tests.interfaces.standin.client.rays import ray_messages, with_rays

RING = RayConfig(name="Ring", count=24)


def put_person(core: StandinCore, x: float, z: float) -> None:
    person = core.people[0]
    person.x, person.y, person.z, person.mode, person.mode_s = x, 0.0, z, "talk", 0.0


def cast(core: StandinCore) -> dict[str, object]:
    core.step(1, [])
    return core.parameters


@pytest.mark.parametrize(("hits", "metres"), [("players", 1.75), ("world", 6.0), ("both", 1.75)])
def test_a_ray_hits_only_its_targets(hits: str, metres: float) -> None:
    rays = (RayConfig(name="Ahead", hits=hits), RayConfig(name="Back", hits=hits, yaw_deg=180.0))
    core = StandinCore(with_rays(*rays, people=1, size_m=12.0), 0)
    core.avatar.put(-5.5, 0.0, 0.0, 0.0)
    put_person(core, -5.5, 2.0)
    values = cast(core)
    assert values["Ahead_Hit"] is True
    assert values["Ahead_Distance"] == pytest.approx(metres, abs=1e-5)
    assert values["Ahead_Ratio"] == pytest.approx(metres / 10.0, abs=1e-6)
    assert values["Back_Hit"] is (hits != "players"), "the own avatar is never hit"


@pytest.mark.parametrize(
    ("miss", "ratio", "metres"),
    [("do_nothing", 0.7, 1.4), ("snap_to_start", 0.0, 0.0), ("snap_to_end", 1.0, 2.0)],
)
def test_what_a_miss_gives(miss: str, ratio: float, metres: float) -> None:
    ray = RayConfig(name="R", hits="players", max_distance_m=2.0, miss=miss)
    core = StandinCore(with_rays(ray, people=1, size_m=12.0), 0)
    core.avatar.put(-5.5, 0.0, 0.0, 0.0)
    put_person(core, -5.5, 1.65)
    assert cast(core)["R_Distance"] == pytest.approx(1.4)
    put_person(core, -5.5, 4.0)
    values = cast(core)
    assert values["R_Hit"] is False
    assert values["R_Ratio"] == pytest.approx(ratio)
    assert values["R_Distance"] == pytest.approx(metres)


def test_do_nothing_keeps_a_hit_between_two_observations() -> None:
    """In a step of six substeps, the ray sees the person in the third only."""
    ray = RayConfig(name="R", hits="players", miss="do_nothing", max_distance_m=3.0)
    core = StandinCore(with_rays(ray, people=1, size_m=12.0), 0)
    core.avatar.put(-5.5, 0.0, -4.0, 0.0)
    put_person(core, 5.0, 5.0)
    core.step(1, [])
    rates = [encode("/input/LookHorizontal", 1.0)]
    core.avatar.heading_deg = 350.0
    put_person(core, -5.5, -3.0)
    core.step(12, rates)
    assert core.avatar.heading_deg > 15.0, "the avatar turned past the person"
    assert core.parameters["R_Hit"] is False
    assert 0.8 < core.parameters["R_Distance"] < 1.0, "as the ray left the body"


def test_only_changes_are_sent_and_never_twice_in_a_substep() -> None:
    core = StandinCore(with_rays(RING, people=1), 0)
    last: dict[str, object] = {}
    for i in range(60):
        turn = [encode("/input/LookHorizontal", 1.0 if 20 <= i < 40 else 0.0)]
        sent = core.step(1, turn)
        messages = ray_messages(sent)
        rays_sent = [datagram for datagram in sent if b"Ring" in datagram]
        assert len(rays_sent) == len(messages)
        assert all(last.get(name) != value for name, value in messages.items())
        last |= messages
    assert {name: core.parameters[name] for name in last} == last
    assert len(last) > 48


def test_nothing_is_sent_while_nothing_moves() -> None:
    core = StandinCore(with_rays(RING, people=0), 0)
    assert ray_messages(core.step(1, []))
    assert not ray_messages(core.step(30, []))


def test_a_long_step_ends_with_the_same_values_as_short_ones() -> None:
    one, many = (StandinCore(with_rays(RING, people=2), 1) for _ in range(2))
    for turn in (0.9, -0.9, 0.7):
        datagrams = [encode("/input/LookHorizontal", turn), encode("/input/Vertical", 1.0)]
        sent = one.step(6, datagrams)
        sent_many = [many.step(1, datagrams if i == 0 else []) for i in range(6)]
        assert one.parameters == many.parameters
        assert len(sent) < sum(map(len, sent_many))


def test_oscquery_shows_zero_before_the_first_change() -> None:
    """A silent ray: no person is there, so its 0 is never sent, but the tree has it."""
    ray = RayConfig(name="Quiet", hits="players", miss="snap_to_start")
    core = StandinCore(with_rays(ray, people=0), 0)

    def tree() -> dict[str, object]:
        found = client_tree(core)
        quiet = [each for each in found if "Quiet" in each.full_path]
        return {each.full_path.rpartition("/")[2]: each for each in quiet}

    assert not tree(), "before the avatar is loaded there is no node"
    assert not ray_messages(core.step(6, []))
    shown = {name: (each.types, each.value) for name, each in tree().items()}
    assert shown == {
        "Quiet_Hit": ("T", (False,)),
        "Quiet_Ratio": ("f", (0.0,)),
        "Quiet_Distance": ("f", (0.0,)),
    }


def test_after_an_avatar_swap_all_rays_are_sent_again() -> None:
    avatars = (
        AvatarConfig(id="avtr_rays", rays=(RING,)),
        AvatarConfig(id=OTHER_AVATAR_ID, rays=()),
    )
    core = StandinCore(StandinConfig(width=16, height=16, avatars=avatars, people=0), 0)
    first = ray_messages(core.step(1, []))
    core.step(1, [encode("/avatar/change", OTHER_AVATAR_ID)])
    assert not any(name.startswith("Ring") for name in core.parameters)
    assert ray_messages(core.step(1, [encode("/avatar/change", "avtr_rays")])) == first


def test_a_person_who_walks_through_a_ray_is_seen_only_then() -> None:
    ray = RayConfig(name="R", hits="players")
    core = StandinCore(with_rays(ray, people=1, size_m=12.0), 0)
    core.avatar.put(-5.5, 0.0, -5.0, 0.0)
    hits: list[bool] = []
    for x in np.arange(-6.5, -4.5, 0.05):
        put_person(core, float(x), -2.0)
        hits.append(bool(cast(core)["R_Hit"]))
        assert hits[-1] is (abs(core.people[0].x + 5.5) < 0.25)
    assert sum(a != b for a, b in pairwise(hits)) == 2


def test_a_snapshot_continues_bit_for_bit() -> None:
    rays = (RING, RayConfig(name="Old", hits="players", miss="do_nothing", max_distance_m=3.0))
    config = with_rays(*rays, people=2)
    one, other = StandinCore(config, 2), StandinCore(config, 2)
    rng = np.random.default_rng(0)
    inputs = [[encode("/input/LookHorizontal", float(rng.uniform(-1, 1)))] for _ in range(60)]
    for datagrams in inputs[:30]:
        one.step(6, datagrams)
    other.restore(json.loads(json.dumps(one.snapshot())))
    assert other.parameters == one.parameters
    assert [one.step(6, each) for each in inputs[30:]] == [other.step(6, d) for d in inputs[30:]]
    old = one.snapshot()
    del old["rays"]
    other.restore(old)
    assert ray_messages(other.step(6, [])), "an older snapshot has no rays: all are sent again"


def test_eighty_rays_are_allowed_and_eighty_one_are_an_error() -> None:
    fan = RayConfig(name="P", count=80)
    assert len(single_rays(AvatarConfig(id="a", rays=(fan,)).rays)) == 80
    with pytest.raises(ValidationError, match="81 rays; VRChat allows at most 80"):
        AvatarConfig(id="a", rays=(fan, RayConfig(name="W")))


@pytest.mark.parametrize(
    ("rays", "message"),
    [
        ((RayConfig(name="P0"), RayConfig(name="P", count=2)), "rays named twice: P0"),
        ((RayConfig(name="A"),), "both a ray and another parameter: A_Hit"),
    ],
)
def test_names_are_unique(rays: tuple[RayConfig, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AvatarConfig(id="a", parameters={"A_Hit": "bool"}, rays=rays)


def test_a_ring_begins_ahead_and_goes_clockwise_and_a_fan_goes_from_left_to_right() -> None:
    ring = single_rays([RayConfig(name="R", count=4)])
    assert [(ray.name, ray.yaw_deg) for ray in ring] == [
        *(("R0", 0.0), ("R1", 90.0), ("R2", 180.0), ("R3", 270.0))
    ]
    fan = single_rays([RayConfig(name="F", count=3, spread_deg=60.0, yaw_deg=90.0)])
    assert [ray.yaw_deg for ray in fan] == [60.0, 90.0, 120.0]


def test_lockstep_observes_rays_named_in_the_parameters() -> None:
    rays = "{name: YumeRayP, count: 8, hits: players}, {name: YumeRayW, count: 8, hits: world}"
    words = [
        f"world.standin.avatars=[{{id: a, rays: [{rays}]}}]",
        "world.parameters=[YumeRayP0_Ratio, YumeRayW0_Ratio, YumeRayW0_Hit, YumeRayW3_Distance, "
        "HeadPat]",
    ]
    world = LockstepStandin(load_config(ROOT / "configs" / "tiny.yaml", words), 0)
    action = np.zeros(world.spaces.num_actions, np.float32)
    action[2] = 1.0  # LookHorizontal
    seen: list[float] = []
    for _ in range(10):
        observation = world.observe()
        values = world.core.parameters
        for i, name in enumerate(world.spaces.features[:4]):
            assert observation.vector[i] == np.float32(values[name])
        seen.append(float(observation.vector[1]))
        world.act(action)
    assert len(set(seen)) > 5
    assert all(0.0 < ratio < 1.0 for ratio in seen)
    world.close()
