"""Rays in the observation: unknown is not clear, and bad rays are named once."""

import json
import math

import numpy as np
import pytest
from loguru import logger

from configs.load import load_config
from configs.standin import OTHER_AVATAR_ID
from configs.world_settings import WorldConfig
from interfaces.core.clock import VirtualClock
from interfaces.osc.message import encode
from interfaces.osc.oscquery import Node, host_info
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.standin.avatar_settings import standin_settings
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.vrchat import avatar_parameters, raycast_sense
from interfaces.vrchat.avatar_listing import Avatar
from interfaces.vrchat.avatar_parameters import AvatarParameters
from interfaces.vrchat.avatar_senses import AvatarSenses
from interfaces.vrchat.avatar_watch import AvatarWatch
from interfaces.vrchat.sense_report import STUCK_S, UNHEARD_S, log_once
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from tests.polling import wait_until

PREFIX, TICK_S = "/avatar/parameters/", 0.1
NAMES = ["YumeRayP0", "YumeRayP1", "YumeRayW0", "YumeRayW1"]
PLAYERS, WORLD = {"count": 2}, {"count": 2}


@pytest.fixture(autouse=True)
def lines():
    """The lines that the test logs."""
    log_once.cache_clear()
    logged = []
    sink = logger.add(lambda message: logged.append(message.record["message"]), level="INFO")
    yield logged
    logger.remove(sink)


class RayClient:
    """A body's side of one client: what it hears, what the client lists, what it observes."""

    def __init__(self, mode="on"):
        config = {"mode": mode, "players": PLAYERS, "world": WORLD}
        self.senses = AvatarSenses(WorldConfig.model_validate({"rays": config}), TICK_S)
        self.clock = VirtualClock(5.0)
        self.parameters = AvatarParameters(["Mood"], (), {}, self.clock.now, self.senses or None)

    def hear(self, name, value):
        self.parameters.receive(encode(name if name[0] == "/" else PREFIX + name, value))

    def list(self, number=None, **values):
        """List these values; a float is of type f, a bool of type T, an int of type i."""
        types = {name: {float: "f", bool: "T", int: "i"}[type(v)] for name, v in values.items()}
        avatar = Avatar("avtr_a", dict(values), types=types)
        self.parameters.set_listing(avatar, self.senses.avatar if number is None else number)

    def list_all(self, names=NAMES, number=None):
        values = {f"{name}_Ratio": 0.0 for name in names} | {f"{name}_Hit": False for name in names}
        self.list(number, **values)

    def observe(self, ticks=1, moves=False):
        """(closeness, known) after some ticks."""
        for _ in range(ticks):
            (vector,) = self.senses.vectors(moves=moves, avatar_id="avtr_a")
        rounded = [round(each, 4) for each in vector.tolist()]
        return rounded[:4], rounded[4:]


@pytest.mark.parametrize(
    ("listed", "heard", "closeness", "known"),
    [
        ({}, {}, 0.0, 0),
        ({"Ratio": 0.0, "Hit": False}, {}, 0.0, 0),  # listed and silent: unknown, not clear
        ({"Ratio": 0.25, "Hit": False}, {}, 0.0, 0),  # a miss that does nothing: an old ratio
        ({}, {"Ratio": 0.25, "Hit": False}, 0.0, 0),
        ({}, {"Ratio": 0.99995, "Hit": False}, 0.0001, 1),  # the end, rounded
        ({"Ratio": 0.0, "Hit": True}, {}, 1.0, 1),
        ({}, {"Ratio": 0.25}, 0.75, 1),
        ({}, {"Ratio": 0.25, "Hit": True}, 0.75, 1),
        ({}, {"Ratio": 1.0, "Hit": False}, 0.0, 1),  # a miss that snaps to the end: clear
        ({}, {"Ratio": 0.0, "Hit": False}, 0.0, 0),  # a miss that snaps to the start
        ({"Ratio": 0.5, "Hit": True}, {"Ratio": 0.0, "Hit": False}, 0.0, 0),
        ({}, {"Ratio": 0.0, "Hit": True}, 1.0, 1),
        ({}, {"Hit": True}, 0.0, 0),  # the ratio is still on its way
        ({"Ratio": 0.0, "Hit": False}, {"Hit": True}, 0.0, 0),
        ({"Ratio": 0.0, "Hit": False}, {"Ratio": 0.5}, 0.5, 1),
        ({}, {"Distance": 3.0}, 0.0, 0),
    ],
)
def test_a_ray_is_known_by_its_ratio_or_a_hit(listed, heard, closeness, known):
    client = RayClient()
    client.list(**{f"YumeRayW0_{end}": value for end, value in listed.items()})
    for end, value in heard.items():
        client.hear(f"YumeRayW0_{end}", value)
    assert client.observe() == ([0, 0, closeness, 0], [0, 0, known, 0])


def test_a_list_shortens_floats_to_ints_and_messages_may_come_in_bundles():
    client = RayClient()
    values = {"YumeRayP0_Ratio": 1, "YumeRayP0_Hit": False}
    types = {"YumeRayP0_Ratio": "f", "YumeRayP0_Hit": "T"}
    client.parameters.set_listing(Avatar("avtr_a", values, types=types), 0)
    message = encode(PREFIX + "VF3_YumeRayP1_Ratio", 0.25)
    size = len(message).to_bytes(4, "big")
    client.parameters.receive(b"#bundle\0" + bytes(8) + size + message)
    assert client.observe() == ([0, 0.75, 0, 0], [1, 1, 0, 0])


def test_another_avatar_is_asked_again():
    client = RayClient()
    client.list_all()
    client.hear("YumeRayP0_Ratio", 0.5)
    client.hear("YumeRayW1_Ratio", 1.0)
    assert client.observe() == ([0.5, 0, 0, 0], [1, 0, 0, 1])
    client.clock.advance(2.0)
    client.hear("/avatar/change", "avtr_b")
    assert not client.senses.listed
    client.list(0, YumeRayP1_Ratio=0.5)  # an answer about the avatar before
    assert client.observe() == ([0, 0, 0, 0], [0, 0, 0, 0])
    client.hear("VF12_YumeRayP1_Ratio", 0.25)
    client.list(VF12_YumeRayW0_Ratio=0.5, VFx_YumeRayW1_Ratio=0.5)
    assert client.senses.listed
    assert client.observe() == ([0, 0.75, 0.5, 0], [0, 1, 1, 0])


def test_ray_heard_while_the_avatar_loads_is_its_own_unless_the_list_corrects_it():
    client = RayClient()
    client.hear("YumeRayP0_Ratio", 0.5)
    client.clock.advance(2.0)
    for name, ratio in (("YumeRayP1", 0.75), ("YumeRayW0", 0.5), ("YumeRayW1", 0.25)):
        client.hear(f"{name}_Ratio", ratio)
        client.hear(f"{name}_Hit", True)
    client.clock.advance(0.1)
    client.hear("/avatar/change", "avtr_b")
    assert client.observe(3) == ([0, 0.25, 0.5, 0.75], [0, 1, 1, 1])
    restored = RayClient()
    restored.senses.restore(json.loads(json.dumps(client.senses.snapshot())))
    listed = {"YumeRayP1_Ratio": 0.0, "YumeRayP1_Hit": False}
    listed |= {"YumeRayW0_Ratio": 0.125, "YumeRayW0_Hit": True}
    for each in (client, restored):
        each.list(1, **listed)
        assert each.observe() == ([0, 0.25, 0.875, 0], [0, 1, 1, 0]), "it lacks YumeRayW1"
        each.hear("YumeRayW1_Ratio", 0.5)
        assert each.observe() == ([0, 0.25, 0.875, 0.5], [0, 1, 1, 1])


@pytest.mark.parametrize(
    ("end", "value", "text"),
    [
        ("Ratio", 1, "int instead of float"),
        ("Ratio", True, "bool instead of float"),
        ("Hit", 1.0, "float instead of bool"),
        ("Ratio", math.nan, "nan is not 0 to 1"),
        ("Ratio", math.inf, "inf is not 0 to 1"),
        ("Ratio", 1.5, "1.5 is not 0 to 1"),
        ("Ratio", -0.5, "-0.5 is not 0 to 1"),
    ],
)
def test_a_ray_with_a_wrong_value_is_named_once_and_unknown(end, value, text, lines):
    client = RayClient("auto")
    for name in NAMES:
        client.hear(f"{name}_Ratio", 0.5)
    client.hear(f"YumeRayP1_{end}", value)
    assert client.observe(5) == ([0.5, 0, 0.5, 0.5], [1, 0, 1, 1])
    wait_until(lambda: lines)
    client.hear(f"YumeRayP1_{end}", value)
    client.observe(5)
    assert len(lines) == 1
    assert f"YumeRayP1_{end}: {text}; unknown to the agent. Cure: " in lines[0]
    client.hear("YumeRayP1_Ratio", 0.25)
    client.hear("YumeRayP1_Hit", True)
    assert client.observe() == ([0.5, 0.75, 0.5, 0.5], [1, 1, 1, 1])


def test_a_wrong_type_in_the_list_is_named_in_one_line_for_all_rays(lines):
    client = RayClient("auto")
    client.list(**{f"{name}_Ratio": 0 for name in NAMES})
    assert client.observe(3) == ([0, 0, 0, 0], [0, 0, 0, 0])
    wait_until(lambda: len(lines) == 2)
    text = " ".join(lines)
    assert "YumeRayP0_Ratio, YumeRayP1_Ratio, YumeRayW0_Ratio, YumeRayW1_Ratio: int inst" in text
    assert "4 of 4 rays" in text


def test_a_stuck_ray_is_named_and_unknown_until_it_changes_but_a_clear_one_is_not(lines):
    client, ticks = RayClient(), round(STUCK_S / TICK_S)
    client.list_all()
    for name, ratio in zip(NAMES, (0.5, 1.0, 0.25, 0.75), strict=True):
        client.hear(f"{name}_Ratio", ratio)
    assert client.observe(2 * ticks)[1] == [1, 1, 1, 1], "at rest a value may stay the same"
    client.observe(ticks - 5, moves=True)
    for name, ratio in (("YumeRayW0", 0.3), ("YumeRayW1", 0.7)):
        client.hear(f"{name}_Ratio", ratio)
    assert client.observe(10, moves=True) == ([0, 0, 0.7, 0.3], [0, 1, 1, 1])
    wait_until(lambda: lines)
    assert ["YumeRayP0_Ratio: one value" in line and "Snap To End" in line for line in lines] == [1]
    client.hear("YumeRayP0_Ratio", 0.4)
    assert client.observe(5, moves=True)[1] == [1, 1, 1, 1]


def test_on_names_the_missing_rays_once_with_the_cure(lines):
    client = RayClient()
    client.list_all(NAMES[:3])
    client.observe(3)
    wait_until(lambda: lines)
    assert len(lines) == 1
    assert "has no YumeRayW1, by OSCQuery" in lines[0]
    assert "Reset Config" in lines[0]


def test_auto_says_in_one_line_what_it_found(lines):
    client = RayClient("auto")
    client.hear("YumeRayW0_Ratio", 0.5)
    client.observe(round(UNHEARD_S / TICK_S) - 5)
    assert not lines, "a client without OSCQuery lists nothing: wait for what is heard"
    client.observe(10)
    wait_until(lambda: lines)
    assert "world.rays: 1 of 4 rays (YumeRayW0) on avatar avtr_a, by what was heard" in lines[0]
    client.hear("/avatar/change", "avtr_b")
    client.list_all(NAMES[1:])
    client.observe(3)
    wait_until(lambda: len(lines) == 2)
    assert "3 of 4 rays (without YumeRayP0)" in lines[1]


def test_one_answer_of_the_client_serves_both_senses_after_each_change_of_avatar():
    config = {"contacts": {"mode": "on"}, "rays": {"mode": "on", "players": PLAYERS}}
    senses = AvatarSenses(WorldConfig.model_validate(config), TICK_S)
    clock = VirtualClock(5.0)
    parameters = AvatarParameters([], now=clock.now, sense=senses)
    values = {"YumeNear0": 0.5, "YumeRayP1_Ratio": 0.25, "YumeRayP1_Hit": True}
    questions = []

    def listed():
        questions.append(parameters.avatar_id or "avtr_a")
        change = Node("/avatar/change", "s", 3, (questions[-1],))
        kinds = {name: "T" if name.endswith("_Hit") else "f" for name in values}
        return [change, *(Node(PREFIX + name, kinds[name], 1, (values[name],)) for name in values)]

    server = OscQueryServer(listed, lambda: host_info("VRChat-Client-ABC123", 9000))
    server.start()
    watch = AvatarWatch(parameters, "127.0.0.1", server.port)
    try:
        wait_until(lambda: senses.listed)
        near, rays = senses.vectors(moves=False, avatar_id="avtr_a")
        assert (near[0], near[4], rays[1], rays[26 + 1]) == (0.5, 1.0, 0.75, 1.0)
        del values["YumeNear0"]
        clock.advance(2.0)
        parameters.receive(encode("/avatar/change", "avtr_b"))
        assert not any(each.any() for each in senses.vectors(moves=False, avatar_id="avtr_b"))
        wait_until(lambda: senses.listed)
        near, rays = senses.vectors(moves=False, avatar_id="avtr_b")
        assert (near[4], rays[26 + 1]) == (0.0, 1.0)
    finally:
        watch.close()
        server.close()
    assert questions == ["avtr_a", "avtr_b"]


@pytest.mark.parametrize("mode", ["on", "off"])
def test_no_message_of_a_ray_is_parsed_as_osc_packet(mode, monkeypatch):
    def fail(*arguments):
        raise AssertionError(arguments)

    for module in (avatar_parameters, raycast_sense):
        monkeypatch.setattr(module, "first_value", fail)
    client = RayClient(mode)
    for prefix in ("", "VF7_"):
        for end, value in (("Ratio", 0.5), ("Hit", True), ("Distance", 5.0)):
            client.hear(f"{prefix}YumeRayW1_{end}", value)
    wanted = 4 if mode == "on" else 0
    assert client.parameters.received - client.parameters.ignored == wanted
    if mode == "on":
        assert client.observe() == ([0, 0, 0, 0.5], [0, 0, 0, 1])


def world(*overrides, seed=0):
    words = ["world.rays.mode=on", "world.contacts.mode=auto", *overrides]
    return LockstepStandin(load_config(ROOT / "configs" / "tiny.yaml", words), seed)


def observe(made, rng, ticks):
    """The features of the 64 rays in each tick, float32 (ticks, 128)."""
    rows = []
    for _ in range(ticks):
        rows.append(made.observe().vector[14:142])
        made.act(rng.uniform(-1, 1, 5).astype(np.float32))
    return np.array(rows)


def test_rays_in_lockstep_are_those_of_the_standin_and_bit_identical_after_a_restore():
    one, other, seen = world(), world(seed=5), world()
    rows = observe(one, np.random.default_rng(1), 30)
    assert (rows[:, 64:] == 1).all()
    assert (rows[:, :40] > 0).any()
    assert (rows[:, 40:64] > 0).any()
    names = one.spaces.features[14:78]
    ratios = [one.core.parameters[f"{name}_Ratio"] for name in names]
    np.testing.assert_array_equal(rows[-1, :64], np.float32(1) - np.array(ratios, np.float32))
    np.testing.assert_array_equal(rows, observe(seen, np.random.default_rng(1), 30))
    other.restore(json.loads(json.dumps(one.snapshot())))
    again = [observe(each, np.random.default_rng(2), 130) for each in (one, other)]
    np.testing.assert_array_equal(*again)
    assert one.snapshot() == other.snapshot()


def test_other_avatar_of_the_standin_lacks_the_rays():
    made, rng = world("world.rays.mode=auto"), np.random.default_rng(0)
    assert observe(made, rng, 3)[-1, 64:].tolist() == [1] * 64
    made.core.trigger_event("avatar_swap", OTHER_AVATAR_ID)
    assert observe(made, rng, 3)[-1].tolist() == [0] * 128
    made.core.trigger_event("avatar_swap")
    assert observe(made, rng, 3)[-1, 64:].tolist() == [1] * 64


def test_the_standin_builds_the_fans_of_the_settings_unless_its_avatar_names_a_ray():
    words = ["world.rays.mode=auto", "world.rays.players={count: 3, spread_deg: 90, reach_m: 5}"]
    words += ["world.rays.world={count: 4, height_m: 0.5, name: 'Wall{i}x'}"]
    settings = load_config(ROOT / "configs" / "tiny.yaml", words).world
    rays = standin_settings(settings).avatars[0].rays
    assert [(ray.name, ray.yaw_deg) for ray in rays] == [
        *(("YumeRayP0", -45.0), ("YumeRayP1", 0.0), ("YumeRayP2", 45.0)),
        *((f"Wall{i}x", 90.0 * i) for i in range(4)),
    ]
    assert [(ray.hits, ray.max_distance_m, ray.height_m, ray.miss) for ray in rays[2:4]] == [
        ("players", 5.0, 1.28, "snap_to_end"),
        ("world", 10.0, 0.5, "snap_to_end"),
    ]
    avatar = {"id": "avtr_own", "rays": [{"name": "VF3_Wall2x"}]}
    own = load_config(ROOT / "configs" / "tiny.yaml", [*words, f"world.standin.avatars=[{avatar}]"])
    assert standin_settings(own.world) == own.world.standin


def test_vrchat_and_the_standin_observe_the_same_features():
    words = ["world.rays.mode=auto", "world.contacts.mode=auto"]
    here = ROOT / "configs" / "default.yaml"
    standin = load_config(here, words)
    vrchat = load_config(here, [*words, "world.kind=vrchat", "world.camera.source=0"])
    lockstep = LockstepStandin(standin, 0)
    assert vrchat_spaces(vrchat.world).features == lockstep.spaces.features
    assert len(lockstep.observe().vector) == lockstep.spaces.vector_size
