"""What a VRChat client does, one test a statement: by OSC, HTTP and MJPEG only.

Runs against the stand-in, and against a real client where one is named (see client.py). Statements
that need something to happen in the world (a swap of avatars, a menu) are of the stand-in only.
"""

import math
import os
import random
import shutil
import socket
import statistics
import struct
import subprocess
import time

import numpy as np
import pytest

from tests.contracts.vrchat.client import (
    PARAMETER,
    REAL,
    Client,
    command,
    free_port,
    message,
    real,
    standin,
)

# Of the world the client is in: VRCWorld's defaults, and a look sensitivity.
RUN_M_S, WALK_M_S, STRAFE_M_S, TURN_DEG_S = map(
    float, os.environ.get("YUME_VRCHAT_SPEEDS", "4,2,2,200").split(",")
)
standin_only = pytest.mark.skipif(REAL is not None, reason="needs the stand-in's HTTP")


@pytest.fixture(scope="module")
def life():
    with (
        standin("world.standin.people=0", "world.standin.size_m=40", "--no-oscquery")
        if REAL is None
        else real()
    ) as client:
        yield client


@pytest.fixture
def client(life):
    """At rest, standing, and quiet."""
    life.rest()
    if REAL is None:
        life.ask("/events", {"event": "respawn"})
    quiet(life)
    yield life
    life.rest()


def quiet(life: Client, seconds: float = 0.25) -> int:
    """Wait until nothing was heard for so long; returns where the log is."""
    while True:
        mark = len(life.log)
        time.sleep(seconds)
        if len(life.log) == mark:
            return mark


def near(value: float, rel: float = 0.02):
    return lambda heard: heard == pytest.approx(value, rel=rel, abs=1e-3)


# Inputs


@pytest.mark.parametrize(
    ("name", "value", "parameter", "speed"),
    [
        ("Vertical", 1.0, "VelocityZ", RUN_M_S),
        ("Vertical", -1.0, "VelocityZ", -RUN_M_S),
        ("Vertical", 0.55, "VelocityZ", RUN_M_S / 2),
        ("Horizontal", 1.0, "VelocityX", STRAFE_M_S),
        ("Horizontal", -1.0, "VelocityX", -STRAFE_M_S),
        ("LookHorizontal", 1.0, "AngularY", TURN_DEG_S),
        ("LookHorizontal", -0.75, "AngularY", -TURN_DEG_S / 2),
        ("MoveForward", 1, "VelocityZ", WALK_M_S),
        ("LookRight", 1, "AngularY", TURN_DEG_S),
    ],
)
def test_an_input_moves_the_avatar(client, name, value, parameter, speed):
    mark = len(client.log)
    client.input(name, value)
    client.until(parameter, near(speed), after=mark)


def test_axes_are_sticky(client):
    client.input("LookHorizontal", 1.0)
    client.until("AngularY", near(TURN_DEG_S))
    time.sleep(0.5)
    assert client.value("AngularY") == pytest.approx(TURN_DEG_S)
    mark = len(client.log)
    client.input("LookHorizontal", 0.0)
    client.until("AngularY", near(0.0), after=mark)


@pytest.mark.parametrize(("name", "value"), [("Vertical", 0.1), ("LookHorizontal", 0.5)])
def test_inside_the_dead_zone_nothing_moves(client, name, value):
    mark = quiet(client)
    client.input(name, value)
    time.sleep(0.3)
    assert not client.heard_since(mark) & {"VelocityZ", "AngularY"}


@pytest.mark.parametrize("value", [1, True, 1.0])
def test_buttons_take_int_bool_and_float(client, value):
    mark = len(client.log)
    client.input("Jump", value)
    client.until("Grounded", lambda heard: heard is False, after=mark)


@pytest.mark.parametrize("value", [1, True])
def test_axes_take_int_and_bool(client, value):
    mark = len(client.log)
    client.input("Vertical", value)
    client.until("VelocityZ", near(RUN_M_S), after=mark)


def test_run_makes_the_buttons_run(client):
    client.input("Run", 1)
    client.input("MoveForward", 1)
    client.until("VelocityZ", near(RUN_M_S))


def test_a_jump_is_of_the_client_and_lasts_its_time(client):
    mark = len(client.log)
    client.input("Jump", 1)
    left, _ = client.hear(lambda a, v: a == PARAMETER + "Grounded" and v is False, after=mark)
    down, _ = client.hear(lambda a, v: a == PARAMETER + "Grounded" and v is True, after=mark)
    assert down - left == pytest.approx(0.612, abs=0.06)  # 2 * 3 m/s / 9.81 m/s²


def test_a_button_must_come_back_before_it_acts_again(client):
    client.input("Jump", 1)
    client.until("Grounded", lambda heard: heard is False, after=len(client.log) - 1)
    mark = quiet(client)
    client.input("Jump", 1)  # still down
    time.sleep(0.3)
    assert "Grounded" not in client.heard_since(mark)
    client.input("Jump", 0)
    client.input("Jump", 1)
    client.until("Grounded", lambda heard: heard is False, after=mark)


def test_voice_toggles_mute_on_its_edge(client):
    before, mark = client.value("MuteSelf"), len(client.log)
    client.input("Voice", 1)
    client.until("MuteSelf", lambda heard: heard is not before, after=mark)
    mark = quiet(client)
    client.input("Voice", 1)
    client.input("Voice", 0)
    time.sleep(0.2)
    assert "MuteSelf" not in client.heard_since(mark)
    client.input("Voice", 1)
    client.until("MuteSelf", lambda heard: heard is before, after=mark)


@pytest.mark.parametrize("name", ["UseRight", "GrabLeft", "ComfortRight", "SpinHoldUD"])
def test_inputs_of_vr_do_nothing_on_a_desktop(client, name):
    mark = quiet(client)
    client.input(name, 1)
    time.sleep(0.2)
    client.input(name, 0)
    assert not client.heard_since(mark)


def test_afk_is_told(client):
    before, mark = client.value("AFK"), len(client.log)
    client.input("AFKToggle", 1)
    client.until("AFK", lambda heard: heard is not before, after=mark)
    client.input("AFKToggle", 0)
    client.input("AFKToggle", 1)
    client.until("AFK", lambda heard: heard is before, after=mark)


def test_bundles_act_now(client):
    mark, inner = len(client.log), message("/input/LookHorizontal", 1.0)
    head = b"#bundle\0" + struct.pack(">Q", 1)
    client.raw(head + struct.pack(">i", len(inner)) + inner)
    client.until("AngularY", near(TURN_DEG_S), after=mark)


# What is told


def test_one_message_in_a_datagram(client):
    client.input("LookHorizontal", 1.0)
    client.input("Vertical", 1.0)
    client.until("VelocityZ", lambda heard: bool(heard))
    assert not any(datagram.startswith(b"#bundle") for *_, datagram in client.log)


def test_only_changes_are_told(client):
    client.input("LookHorizontal", 1.0)
    client.until("AngularY", near(TURN_DEG_S))
    client.input("LookHorizontal", 0.0)
    quiet(client)
    last: dict[str, object] = {}
    for _, address, value, _ in client.log:
        if address.startswith(PARAMETER):
            assert last.get(address) != value or type(last[address]) is not type(value)
            last[address] = value


@standin_only
def test_late_joiners_are_told_nothing(client):
    mark = quiet(client)
    time.sleep(0.5)
    assert len(client.log) == mark


@standin_only
def test_the_types_are_the_documented_ones(client):
    kinds = {
        float: ("VelocityX", "AngularY", "Upright", "Voice", "ScaleFactor", "EyeHeightAsPercent"),
        int: ("Viseme", "TrackingType", "VRMode", "GestureLeft", "AvatarVersion"),
        bool: ("Grounded", "Seated", "AFK", "MuteSelf", "IsLocal", "InStation"),
    }
    for kind, names in kinds.items():
        for name in names:
            assert type(client.value(name)) is kind, name
    assert client.value("TrackingType") == 3
    assert client.value("VRMode") == 0


@standin_only
def test_a_bool_has_no_payload(client):
    datagram = next(d for _, a, _, d in client.log if a == PARAMETER + "Grounded")
    assert datagram.rstrip(b"\0").endswith((b",T", b",F"))
    assert len(datagram) == len(PARAMETER + "Grounded") + 4 - len(PARAMETER + "Grounded") % 4 + 4


@standin_only
def test_velocity_is_what_really_moved(client):
    """Against a wall it is 0: so an agent learns that it is stuck."""
    client.input("Vertical", 1.0)
    for _ in range(40):
        mark = len(client.log)
        time.sleep(0.5)
        if client.value("VelocityZ") == pytest.approx(0.0, abs=0.05):
            break
        # along a wall or a landmark it still slides: turn into it
        client.input("LookHorizontal", 0.6 if len(client.log) > mark else 0.0)
        time.sleep(0.1)
        client.input("LookHorizontal", 0.0)
    assert client.value("VelocityMagnitude") == pytest.approx(0.0, abs=0.05)
    client.input("Vertical", 0.0)
    mark = len(client.log)
    client.input("Vertical", -1.0)
    client.until("VelocityZ", lambda heard: heard < -1.0, after=mark)


def test_velocity_is_avatar_local(client):
    client.input("Vertical", 1.0)
    client.until("VelocityZ", near(RUN_M_S))
    client.input("LookHorizontal", 0.8)
    time.sleep(0.4)
    assert client.value("VelocityZ") == pytest.approx(RUN_M_S, rel=0.02)


@standin_only
def test_an_avatar_tells_its_id_first_and_then_everything(client):
    mark = quiet(client)
    client.ask("/events", {"event": "avatar_swap"})
    client.hear(lambda address, _: address == "/avatar/change", after=mark)
    client.until("IsAnimatorEnabled", bool, after=mark)
    quiet(client)
    told = [address for _, address, _, _ in client.log[mark:]]
    assert told[0] == "/avatar/change"
    assert PARAMETER + "Grounded" in told
    assert PARAMETER + "HeadPat" not in told  # the other avatar has no such contact
    mark = len(client.log)
    client.ask("/events", {"event": "avatar_swap"})
    client.until("HeadPat", lambda heard: heard is False, after=mark)


@standin_only
def test_own_parameters_are_written_and_told_back(client):
    mark = len(client.log)
    client.send(PARAMETER + "Mood", 3.0)
    client.until("Mood", lambda heard: heard == 1.0, after=mark)  # -1..1
    client.send(PARAMETER + "VRCEmote", 300)
    client.until("VRCEmote", lambda heard: heard == 255, after=mark)  # 0..255
    client.send(PARAMETER + "Hat", True)
    client.until("Hat", lambda heard: heard is True, after=mark)
    for name, value in (("Mood", 0.0), ("VRCEmote", 0), ("Hat", False)):
        client.send(PARAMETER + name, value)


@pytest.mark.parametrize(
    ("name", "value"), [("Grounded", False), ("VelocityZ", 3.0), ("VRMode", 1)]
)
def test_the_clients_own_parameters_cannot_be_written(client, name, value):
    mark = quiet(client)
    client.send(PARAMETER + name, value)
    time.sleep(0.2)
    assert not client.heard_since(mark)


def test_eye_height_scales(client):
    mark = len(client.log)
    client.send("/avatar/eyeheight", 0.8)
    client.until("EyeHeightAsMeters", near(0.8), after=mark)
    client.until("EyeHeightAsPercent", near((0.8 - 0.2) / 4.8), after=mark)
    client.until("ScaleModified", lambda heard: heard is True, after=mark)
    client.send("/avatar/eyeheight", 1.6)
    client.until("ScaleModified", lambda heard: heard is False, after=mark)


# Camera, chat, menu


def test_a_pose_turns_flying_on_and_then_inputs_fly_the_camera(client):
    client.send("/usercamera/Mode", 1)
    client.send("/usercamera/Pose", 0.0, 1.5, 0.0, 0.0, 90.0, 0.0)
    mark = quiet(client)
    client.input("Vertical", 1.0)
    time.sleep(0.3)
    assert "VelocityZ" not in client.heard_since(mark)
    client.send("/usercamera/Flying", False)
    client.until("VelocityZ", near(RUN_M_S), after=mark)
    client.send("/usercamera/Close")


@standin_only
def test_streaming_shows_the_camera_in_the_window(client):
    before = client.picture(0.1)
    client.send("/usercamera/Mode", 2)
    client.send("/usercamera/Pose", 15.0, 2.5, 15.0, 40.0, 225.0, 0.0)
    client.send("/usercamera/Streaming", True)
    from_there = client.picture(0.2)
    assert np.abs(from_there.astype(int) - before).mean() > 10
    client.send("/usercamera/Close")
    client.send("/usercamera/Streaming", False)
    assert np.abs(client.picture(0.2).astype(int) - before).mean() < 2


@standin_only
def test_the_chatbox_cuts_and_locks_who_talks_too_much(client):
    client.send("/chatbox/input", "あ" * 200, True)
    until(lambda: client.ask("/truth")["chatbox"]["shown"] == "あ" * 144)
    client.send("/chatbox/typing", True)
    until(lambda: client.ask("/truth")["chatbox"]["typing"])
    for i in range(8):
        client.send("/chatbox/input", f"message {i}", True, False)
    until(lambda: client.ask("/truth")["chatbox"]["locked_s"] > 25.0)
    assert client.ask("/truth")["chatbox"]["shown"] == "message 3"


@standin_only
def test_an_open_menu_blocks_movement(client):
    client.input("QuickMenuToggleLeft", 1)
    time.sleep(0.2)
    mark = quiet(client)
    client.input("Vertical", 1.0)
    time.sleep(0.3)
    assert "VelocityZ" not in client.heard_since(mark)
    client.input("QuickMenuToggleLeft", 0)
    client.input("QuickMenuToggleLeft", 1)
    client.until("VelocityZ", near(RUN_M_S), after=mark)
    client.input("QuickMenuToggleLeft", 0)


# The picture


def test_what_is_seen_turns_with_the_avatar(client):
    before = client.picture()
    client.input("LookHorizontal", 1.0)
    time.sleep(0.4)
    client.input("LookHorizontal", 0.0)
    assert np.abs(client.picture(0.2).astype(int) - before).mean() > 5


@standin_only
@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"video": "black"}, lambda a, b: b.max() < 8),
        ({"video": "frozen"}, lambda a, b: np.abs(a.astype(int) - b).mean() < 2),
    ],
)
def test_a_bad_picture_on_request(client, fault, seen):
    before = client.picture(0.1)
    client.ask("/faults", fault)
    client.input("LookHorizontal", 1.0)
    time.sleep(0.3)
    client.input("LookHorizontal", 0.0)
    assert seen(before, client.picture(0.2))
    client.ask("/faults", {"video": "good"})
    assert not seen(before, client.picture(0.2))


# Robustness


@standin_only
def test_twenty_thousand_hostile_datagrams_change_nothing(client):
    rng = random.Random(0)
    before = client.ask("/truth")
    good = message("/input/Vertical", 1.0)
    nested = good
    for _ in range(20):
        nested = b"#bundle\0" + bytes(8) + struct.pack(">i", len(nested)) + nested

    always = (
        b"#bundle\0" + bytes(8) + struct.pack(">i", 1 << 30) + good,
        message("/input/Vertical", "x" * 8000),
        message("/input/" + "A" * 5000, 1.0),
        nested,
        message("/input/Vertical", math.nan),
        b"/input/Vertical\0,[f]\0\0\0\0" + bytes(4),
        message("/avatar/change", 3),
        message("/usercamera/Pose", 1.0),
    )

    def hostile(i: int) -> bytes:
        if i % 10 < len(always):
            return always[i % 10]
        if i % 10 == len(always):
            return rng.randbytes(rng.randrange(1, 200))
        return good[: rng.randrange(1, len(good))]

    for i in range(20_000):
        client.raw(hostile(i))
        if i % 50 == 49:
            # It has read them, but for a few lost: what the socket drops would prove nothing.
            until(lambda sent=i: client.ask("/truth")["ignored"] - before["ignored"] > sent - 100)
    after = client.ask("/truth")
    assert after["agent"] == before["agent"]
    assert after["inputs"] == before["inputs"]
    mark = len(client.log)
    client.input("LookHorizontal", 1.0)
    client.until("AngularY", near(TURN_DEG_S), after=mark)


@standin_only
def test_poses_from_beyond_the_world_leave_the_pictures_coming(client):
    client.send("/usercamera/Mode", 2)
    client.send("/usercamera/Streaming", True)
    for number in (1e308, -1e308, 1e39, 1e9):
        numbers = struct.pack(">d", number)
        client.raw(b"/usercamera/Pose\0\0\0\0,dddddd\0" + 6 * numbers)
        client.raw(b"/usercamera/Zoom\0\0\0\0,d\0\0" + numbers)
        client.raw(b"/avatar/eyeheight\0\0\0,d\0\0" + numbers)
        assert client.picture(0.1).size
    client.send("/avatar/eyeheight", 1.6)
    client.send("/usercamera/Close")
    client.send("/usercamera/Streaming", False)


def test_from_input_to_parameter_it_takes_the_dead_time(client):
    """At most the dead time, a tick and 10 ms; the median, for the machine is shared."""
    took: list[float] = []
    for i in range(12):
        speed, mark = TURN_DEG_S if i % 2 == 0 else 0.0, len(client.log)
        sent = time.monotonic()
        client.input("LookHorizontal", float(i % 2 == 0))
        arrived, _ = client.hear(
            lambda a, v, s=speed: a == PARAMETER + "AngularY" and near(s)(v), after=mark
        )
        took.append(arrived - sent)
    assert 0.025 < statistics.median(took) < 0.033 + 1 / 60 + 0.010


# Others who speak OSC


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="needs liblo-tools: oscsend")
def test_oscsend_drives_it(client):
    mark = len(client.log)
    port = str(client.send_port)
    subprocess.run(["oscsend", "127.0.0.1", port, "/input/Vertical", "f", "1.0"], check=True)
    client.until("VelocityZ", near(RUN_M_S), after=mark)
    subprocess.run(["oscsend", "127.0.0.1", port, "/input/Jump", "T"], check=True)
    client.until("Grounded", lambda heard: heard is False, after=mark)


@standin_only
@pytest.mark.skipif(shutil.which("oscdump") is None, reason="needs liblo-tools: oscdump")
def test_oscdump_understands_what_is_told(client):
    """oscdump listens where the stand-in sends: another one, for this port is ours."""
    port, http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    osc = f"{free_port(socket.SOCK_DGRAM)}:127.0.0.1:{port}"
    dump = subprocess.Popen(
        ["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        subprocess.run(
            command(
                "standin", "--no-oscquery", "--seconds", "1", "--osc", osc, "--http", str(http)
            ),
            check=True,
            stdout=subprocess.DEVNULL,
        )
    finally:
        dump.terminate()
    said = dump.communicate(timeout=5)[0]
    assert "/avatar/change s" in said
    assert "/avatar/parameters/Grounded T" in said
    assert "/avatar/parameters/VelocityZ f 0.0" in said
    assert "/avatar/parameters/TrackingType i 3" in said
    assert os.linesep not in said.split("/avatar/change")[0]


def until(true, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
