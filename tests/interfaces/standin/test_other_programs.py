"""Other people's OSC programs at the stand-in: it is no kinder to them than VRChat."""

import json
import struct

import pytest

from configs.standin import OTHER_AVATAR_ID, AvatarConfig, FaultsConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.client_tree import client_tree
from interfaces.standin.core import StandinCore
from interfaces.vrchat.avatar_parameters import AvatarParameters

SMALL = {"width": 64, "height": 64, "people": 0}


def core_with(**faults):
    """A stand-in whose avatar has loaded; its other avatar has the same switches."""
    other = AvatarConfig(id=OTHER_AVATAR_ID, parameters={"Mood": "float", "Hat": "bool"})
    avatars = (StandinConfig().avatars[0], other)
    core = StandinCore(StandinConfig(**SMALL, avatars=avatars, faults=FaultsConfig(**faults)), 0)
    core.step(60, [])
    return core


def messages(datagrams):
    return [(address, *arguments) for each in datagrams for address, arguments in decode(each)]


def value(core, path):
    (node,) = [each for each in client_tree(core) if each.full_path == path]
    return node.value


@pytest.mark.parametrize(
    "address",
    [
        *("/input/Vertical", "/input/MoveForward", "/avatar/parameters/VRCEmote"),
        *("/avatar/eyeheight", "/chatbox/typing", "/usercamera/Mode", "/usercamera/Close"),
        "/tracking/eye/EyesClosedAmount",
    ],
)
def test_colour_is_ignored_and_counted(address):
    core = core_with()
    before = core.truth()
    head = address.encode() + bytes(4 - len(address) % 4)
    core.step(60, [head + b",r\0\0" + struct.pack(">I", 3)])
    after = core.truth()
    assert after["ignored"] == before["ignored"] + 1
    assert after["inputs"] == before["inputs"]
    for what in ("eye_m", "x", "z"):
        assert after["agent"][what] == before["agent"][what]
    assert (after["chatbox"], after["camera"]) == (before["chatbox"], before["camera"])


def test_changes_of_the_camera_are_told_and_listed_and_kept_by_a_snapshot():
    core = core_with()
    assert not [each for each in messages(core.step(60, [])) if "usercamera" in each[0]]
    sent = [encode("/usercamera/Mode", 1), encode("/usercamera/OrientationIsLandscape", False)]
    sent += [encode("/usercamera/Zoom", 60.0), encode("/usercamera/Exposure", 1.0)]
    told = [each for each in messages(core.step(1, sent)) if "usercamera" in each[0]]
    assert told == [
        ("/usercamera/Mode", 1),
        ("/usercamera/OrientationIsLandscape", False),
        ("/usercamera/Zoom", 60.0),
        ("/usercamera/Exposure", 1.0),
    ]
    assert not [each for each in messages(core.step(1, sent)) if "usercamera" in each[0]]
    pose = b"/usercamera/Pose\0\0\0\0,ffffff\0" + struct.pack(">6f", *range(6))
    assert ("/usercamera/Flying", True) in messages(core.step(1, [pose]))
    other = core_with()
    other.restore(json.loads(json.dumps(core.snapshot())))
    for each in (core, other):
        assert value(each, "/usercamera/OrientationIsLandscape") == (False,)
        assert value(each, "/usercamera/Exposure") == (1.0,)
        assert value(each, "/usercamera/Pose") == (0.0,) * 6, "never told"
    old = core.snapshot()
    del old["camera"]["settings"], old["camera"]["unsent"], old["outbox"]["changed"]
    other.restore(old)
    assert value(other, "/usercamera/Mode") == (1,)


def test_what_can_only_be_written_has_a_value_that_says_nothing():
    core = core_with()
    core.step(10, [encode("/input/Vertical", 0.6), encode("/chatbox/typing", True)])
    for node in client_tree(core):
        assert len(node.value) == len(node.types), node.full_path
    for path in ("/input/Vertical", "/chatbox/typing", "/usercamera/Capture"):
        assert not any(value(core, path))


@pytest.mark.parametrize("change_last", [False, True])
def test_change_of_avatar_is_told_first_or_last_and_the_values_reach_the_agent(change_last):
    core = core_with(change_last=change_last)
    now = [5.0]
    parameters = AvatarParameters(["Mood", "Hat"], now=lambda: now[0])
    set_both = [encode("/avatar/parameters/Mood", 0.5), encode("/avatar/parameters/Hat", True)]
    parameters.receive_all(core.step(1, set_both))
    now[0] += 2.0
    core.trigger_event("avatar_swap")
    datagrams = core.step(1, set_both)
    order = [address for address, *_ in messages(datagrams)]
    assert order.index("/avatar/change") == (len(order) - 1 if change_last else 0)
    parameters.receive_all(datagrams)
    assert parameters.vector().tolist() == [0.5, 1.0]
    assert parameters.avatar_id == OTHER_AVATAR_ID


def test_late_values_are_zero_until_the_first_change():
    paths = ("/avatar/parameters/TrackingType", "/avatar/parameters/Mood")
    core = core_with(late_values=True)
    assert [value(core, path) for path in paths] == [(0,), (0.0,)]
    core.step(1, [encode(paths[1], 0.5)])
    assert [value(core, path) for path in paths] == [(0,), (0.5,)]
    core.trigger_event("world_load")
    core.step(60 * 6, [])
    assert value(core, paths[1]) == (0.0,), "the avatar has loaded again"
    assert core.parameters["Mood"] == 0.5
    core.faults = FaultsConfig()
    assert [value(core, path) for path in paths] == [(3,), (0.5,)]
