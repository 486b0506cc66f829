"""Which avatar parameters a VRChat client sends, and which it accepts. One test per statement."""

import pytest

from tests.contracts.vrchat.client import (
    PARAMETER,
    RUN_M_S,
    TURN_DEG_S,
    near,
    running_standin,
    standin_only,
)
from tests.polling import wait_until


def test_a_datagram_has_one_message(client):
    client.set_input("LookHorizontal", 1.0)
    client.set_input("Vertical", 1.0)
    client.wait_for("VelocityZ", bool)
    assert not any(datagram.startswith(b"#bundle") for *_, datagram in client.log)


def test_only_changed_values_are_sent(client):
    client.set_input("LookHorizontal", 1.0)
    client.wait_for("AngularY", near(TURN_DEG_S))
    client.set_input("LookHorizontal", 0.0)
    client.wait_for_silence()
    last: dict[str, object] = {}
    for _, address, value, _ in client.log:
        if address == "/avatar/change":
            last.clear()
        if address.startswith(PARAMETER):
            assert last.get(address) != value or type(last[address]) is not type(value)
            last[address] = value


@standin_only
def test_without_a_change_the_client_is_silent(client):
    """So a receiver that starts late receives no values; OSCQuery has them."""
    client.wait_for_silence()
    client.assert_silent(0.5)


@standin_only
def test_parameters_have_the_documented_types(client):
    types = {
        float: ("VelocityX", "AngularY", "Upright", "Voice", "ScaleFactor", "EyeHeightAsPercent"),
        int: ("Viseme", "TrackingType", "VRMode", "GestureLeft", "AvatarVersion"),
        bool: ("Grounded", "Seated", "AFK", "MuteSelf", "IsLocal", "InStation"),
    }
    for kind, names in types.items():
        for name in names:
            assert type(client.newest(name)) is kind, name
    assert client.newest("TrackingType") == 3
    assert client.newest("VRMode") == 0


@standin_only
def test_a_bool_has_no_payload(client):
    datagram = next(d for _, a, _, d in client.log if a == PARAMETER + "Grounded")
    assert datagram.rstrip(b"\0").endswith((b",T", b",F"))
    assert len(datagram) == len(PARAMETER + "Grounded") + 4 - len(PARAMETER + "Grounded") % 4 + 4


@standin_only
def test_velocity_is_zero_against_a_wall():
    """It is the real motion, so an agent can learn that it is stuck."""
    with running_standin(
        "world.standin.people=0", "world.standin.size_m=4", "--no-oscquery"
    ) as client:
        mark = len(client.log)
        client.set_input("Vertical", 1.0)
        client.wait_for("VelocityMagnitude", lambda value: value > 0.5, after=mark)

        def is_stuck() -> bool:
            """At the latest in a corner: along a wall or a landmark the avatar slides on."""
            return client.newest("VelocityMagnitude") == pytest.approx(0.0, abs=0.05)

        wait_until(is_stuck, "a wall", 60.0)
        assert client.newest("VelocityZ") == pytest.approx(0.0, abs=0.05)
        mark = len(client.log)
        client.set_input("Vertical", -1.0)
        client.wait_for("VelocityZ", lambda value: value < -1.0, after=mark)


def test_velocity_is_in_the_avatars_own_axes(client):
    client.set_input("Vertical", 1.0)
    client.wait_for("VelocityZ", near(RUN_M_S))
    mark = len(client.log)
    client.set_input("LookHorizontal", 0.8)
    client.wait_for("AngularY", lambda value: value > 0.0, after=mark)
    client.wait_for_silence()
    assert client.newest("VelocityZ") == pytest.approx(RUN_M_S, rel=0.02)


@standin_only
def test_a_new_avatar_sends_its_id_first_and_then_everything(client):
    mark = client.wait_for_silence()
    client.request("/events", {"event": "avatar_swap"})
    client.wait_for_message(lambda address, _: address == "/avatar/change", after=mark)
    client.wait_for("IsAnimatorEnabled", bool, after=mark)
    client.wait_for_silence()
    addresses = [address for _, address, _, _ in client.log[mark:]]
    assert addresses[0] == "/avatar/change"
    assert PARAMETER + "Grounded" in addresses
    assert PARAMETER + "HeadPat" not in addresses  # this avatar has no such contact
    mark = len(client.log)
    client.request("/events", {"event": "avatar_swap"})
    client.wait_for("HeadPat", lambda value: value is False, after=mark)


@standin_only
def test_own_parameters_can_be_written_within_their_range(client):
    mark = len(client.log)
    client.send(PARAMETER + "Mood", 3.0)
    client.wait_for("Mood", lambda value: value == 1.0, after=mark)  # -1..1
    client.send(PARAMETER + "VRCEmote", 300)
    client.wait_for("VRCEmote", lambda value: value == 255, after=mark)  # 0..255
    client.send(PARAMETER + "Hat", True)
    client.wait_for("Hat", lambda value: value is True, after=mark)
    for name, value in (("Mood", 0.0), ("VRCEmote", 0), ("Hat", False)):
        client.send(PARAMETER + name, value)


@pytest.mark.parametrize(
    ("name", "value"), [("Grounded", False), ("VelocityZ", 3.0), ("VRMode", 1)]
)
def test_built_in_parameters_cannot_be_written(client, name, value):
    client.wait_for_silence()
    client.send(PARAMETER + name, value)
    client.assert_silent(0.2)


def test_eye_height_scales_the_avatar(client):
    mark = len(client.log)
    client.send("/avatar/eyeheight", 0.8)
    client.wait_for("EyeHeightAsMeters", near(0.8), after=mark)
    client.wait_for("EyeHeightAsPercent", near((0.8 - 0.2) / 4.8), after=mark)
    client.wait_for("ScaleModified", lambda value: value is True, after=mark)
    client.send("/avatar/eyeheight", 1.6)
    client.wait_for("ScaleModified", lambda value: value is False, after=mark)
