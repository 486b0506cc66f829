"""Contacts, chatbox, user camera, avatars and the time stamp: each by itself."""

import math
import struct
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest

from configs.errors import BadInput
from configs.load import load_config
from configs.standin import AvatarConfig, ContactConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.client.chatbox import Chatbox
from interfaces.standin.client.contacts import Contacts, Toucher
from interfaces.standin.client.input import DT_S, Intent
from interfaces.standin.client.parameters import OwnParameters
from interfaces.standin.client.usercamera import UserCamera
from interfaces.standin.core import StandinCore
from interfaces.standin.picture.time_stamp import read_stamp, stamp
from tests.conftest import ROOT

# Contacts


class Someone:
    def __init__(self, x: float, hands: tuple[tuple[float, float, float], ...] = ()) -> None:
        self.x, self.z, self._hands = x, 0.0, hands

    def parts(self) -> Toucher:
        return Toucher((self.x, 1.5, self.z), self._hands)


def contact(kind: str, **more: object) -> Contacts:
    return Contacts({"C": ContactConfig(kind=kind, radius_m=0.3, **more)})


def feel(contacts: Contacts, *others: Someone) -> object:
    contacts.advance((0.0, 0.0, 0.0), 0.0, 1.6, others)
    return contacts.values["C"]


def hand_at(distance: float) -> Someone:
    return Someone(0.8, ((distance, 1.68, 0.0),))


def test_constant_is_true_while_touched() -> None:
    contacts = contact("constant")
    assert [feel(contacts, hand_at(d)) for d in (0.5, 0.39, 0.1, 0.39, 0.5)] == [
        *(False, True, True, True, False)
    ]
    assert feel(contacts) is False


def test_on_enter_is_true_for_one_tick() -> None:
    contacts = contact("on_enter")
    assert [feel(contacts, hand_at(d)) for d in (0.5, 0.3, 0.2, 0.5, 0.3)] == [
        *(False, True, False, False, True)
    ]


def test_proximity_is_one_at_the_centre_and_the_nearest_counts() -> None:
    contacts = contact("proximity")
    assert feel(contacts, hand_at(0.05)) == 1.0
    assert feel(contacts, hand_at(0.25)) == pytest.approx(0.5)
    assert feel(contacts, hand_at(0.39), hand_at(0.25)) == pytest.approx(0.5)
    assert feel(contacts, hand_at(0.6)) == 0.0
    assert feel(contacts) == 0.0


def test_a_receiver_answers_only_to_what_it_is_for() -> None:
    touching = Someone(0.2, ((0.1, 1.68, 0.0),))
    assert feel(contact("constant", by="head"), Someone(0.8, ((0.1, 1.68, 0.0),))) is False
    assert feel(contact("constant", by="head"), touching) is True
    assert feel(contact("constant", part="feet"), touching) is False


def test_a_pat_is_felt_in_the_world_and_a_nose_is_booped() -> None:
    core = StandinCore(StandinConfig(people=5, size_m=4.0), 0)
    heard: dict[str, list[object]] = {}
    for _ in range(120 * 60):
        for address, (value,) in (decode(d)[0] for d in core.step(1, [])):
            heard.setdefault(address.rpartition("/")[2], []).append(value)
        if {True} <= set(heard["HeadPat"]) & set(heard["Boop"]):
            break
    assert True in heard["HeadPat"]
    assert True in heard["Boop"]
    assert all(0.0 <= float(v) <= 1.0 for v in heard["HeadPat_Prox"])  # type: ignore[arg-type]
    assert all(a != b for a, b in pairwise(heard["Boop"]))


# Chatbox


def say(box: Chatbox, now_s: float, text: str = "x") -> str:
    assert box.receive(now_s, "/chatbox/input", [text, True])
    return box.shown(now_s)


def test_what_is_written_is_cut() -> None:
    assert say(Chatbox(), 0.0, "夢" * 300) == "夢" * 144
    assert say(Chatbox(), 0.0, "\n".join("abcdefghijkl")).count("\n") == 8


def test_it_fades_and_can_be_cleared() -> None:
    box = Chatbox()
    say(box, 0.0, "hello")
    assert box.shown(4.9) == "hello"
    assert box.shown(5.1) == ""
    say(box, 6.0, "again")
    assert say(box, 6.5, "") == ""


def test_five_in_five_seconds_then_half_a_minute_of_silence() -> None:
    box = Chatbox()
    for i in range(5):
        assert say(box, i * 0.01, f"{i}") == f"{i}"
    assert say(box, 0.06, "too many") == "4"
    assert say(box, 29.0, "still locked") == ""
    assert box.refused == 2
    assert say(box, 30.2, "free") == "free"


def test_a_calm_speaker_is_never_locked_out() -> None:
    box = Chatbox()
    for i in range(100):
        assert say(box, i * 1.1, f"{i}") == f"{i}"


@pytest.mark.parametrize(
    "arguments", [[], [1], ["a", "b"], ["a", True, True, True], [True], ["a", 1.5]]
)
def test_the_wrong_arguments_say_nothing(arguments: list[object]) -> None:
    assert Chatbox().receive(0.0, "/chatbox/input", arguments) is False


def test_without_immediate_it_is_typed_not_said() -> None:
    box = Chatbox()
    assert box.receive(0.0, "/chatbox/input", ["draft", False])
    assert (box.shown(0.1), box.typing) == ("", True)


# User camera


def test_every_pose_turns_flying_on() -> None:
    camera = UserCamera()
    assert camera.receive("Mode", [1])
    assert not camera.takes_inputs
    pose: list[object] = [1.0, 2.0, 3.0, 10.0, 90.0, 0.0]
    assert camera.receive("Pose", pose)
    assert camera.takes_inputs
    assert camera.receive("Flying", [False])
    assert not camera.takes_inputs
    assert camera.receive("Pose", pose)
    assert camera.takes_inputs
    assert camera.receive("Close", [])
    assert not camera.takes_inputs


def test_it_flies_where_it_looks() -> None:
    camera = UserCamera(mode=1, flying=True, yaw_deg=90.0)
    for _ in range(60):
        camera.fly(Intent(forward_m_s=4.0))
    assert (camera.x, camera.z) == (pytest.approx(3.0), pytest.approx(0.0, abs=1e-9))
    camera.fly(Intent(turn_deg_s=60.0 / DT_S / 60))
    assert camera.yaw_deg == pytest.approx(91.0)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Pose", [1.0] * 5),
        ("Pose", [math.nan] * 6),
        ("Mode", [9]),
        ("Mode", [1.5]),
        ("Zoom", ["near"]),
        ("Nonsense", [1.0]),
        ("Zoom", []),
    ],
)
def test_wrong_camera_messages_change_nothing(name: str, arguments: list[object]) -> None:
    camera = UserCamera()
    assert camera.receive(name, arguments) is False
    assert camera == UserCamera()


@pytest.mark.parametrize("value", [1e308, -1e308, 1e39, 1e6, sys.float_info.min])
@pytest.mark.parametrize("place", ["room", "plaza"])
def test_no_number_a_datagram_can_hold_stops_the_pictures(value: float, place: str) -> None:
    core = StandinCore(StandinConfig(place=place, width=64, height=64), 0)
    double = struct.pack(">d", value)
    pose = b"/usercamera/Pose\0\0\0\0,dddddd\0" + 6 * double
    datagrams = [encode("/usercamera/Mode", 2), encode("/usercamera/Streaming", True), pose]
    datagrams += [b"/usercamera/Zoom\0\0\0\0,d\0\0" + double]
    datagrams += [b"/avatar/eyeheight\0\0\0,d\0\0" + double]
    core.step(1, datagrams)
    assert core.truth()["ignored"] == 0
    assert core.frame().shape == (64, 64, 3)
    core.step(6, [encode("/input/Vertical", 1.0), encode("/input/LookVertical", 1.0)])
    assert core.frame().shape == (64, 64, 3)


def test_angles_of_a_pose_go_round() -> None:
    camera = UserCamera()
    assert camera.receive("Pose", [1.0, 2.0, 3.0, 10.0, 450.0, -725.0])
    assert (camera.x, camera.y, camera.z) == (1.0, 2.0, 3.0)
    assert (camera.pitch_deg, camera.yaw_deg, camera.roll_deg) == (10.0, 90.0, -5.0)


def test_zoom_stays_in_its_range() -> None:
    camera = UserCamera()
    camera.receive("Zoom", [1000.0])
    assert camera.zoom == 150.0


# Avatars


def test_own_parameters_are_kept_in_vrchats_ranges() -> None:
    own = OwnParameters(
        AvatarConfig(id="a", parameters={"I": "int", "F": "float", "B": "bool"}, contacts={})
    )
    assert own.values == {"I": 0, "F": 0.0, "B": False}
    for name, value, kept in (
        ("I", 999, 255),
        ("I", -4, 0),
        ("I", 3.9, 3),
        ("F", -7.0, -1.0),
        ("F", 1, 1.0),
        ("B", 1, True),
        ("B", 0.0, False),
    ):
        assert own.receive(name, value)
        assert own.values[name] == kept
        assert type(own.values[name]) is type(kept)
    for name, value in (("X", 1), ("F", "1"), ("F", math.nan), ("I", math.inf)):
        assert own.receive(name, value) is False


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("avatars=[{id: a, parameters: {Grounded: bool}}]", "Grounded"),
        ("avatars=[{id: a}, {id: a}]", "twice"),
        ("avatars=[{id: a, parameters: {HeadPat: bool}}]", "HeadPat"),
        ("avatars=[]", "avatars"),
        ("place=moon", "place"),
        ("faults.loss=2", "loss"),
        ("={timestamp: true, width: 32}", "64 pixels"),
        ("faults.video=purple", "video"),
    ],
)
def test_what_cannot_be_is_refused(override: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        load_config(
            ROOT / "configs" / "tiny.yaml",
            [f"world.standin{override}" if override[0] == "=" else f"world.standin.{override}"],
        )


def test_the_eye_goes_with_the_height() -> None:
    core = StandinCore(StandinConfig(width=64, height=64, people=0), 0)
    core.step(1, [])
    tall = core.frame()
    core.step(1, [encode("/avatar/eyeheight", 0.4)])
    assert core.view().y == pytest.approx(0.4)
    assert not np.array_equal(core.frame(), tall)
    core.step(1, [encode("/avatar/eyeheight", 99.0)])
    assert core.values["EyeHeightAsMeters"] == 5.0
    assert core.values["EyeHeightAsPercent"] == pytest.approx(1.0)


# Time stamp


@pytest.mark.parametrize("width", [64, 128, 320, 500])
def test_the_stamp_survives_jpeg_and_halving(width: int) -> None:
    rng = np.random.default_rng(0)
    for time_ns in (0, 123_456_789_000, 42_949_672_950_000, 7_777_777_777_770_000):
        picture = rng.integers(0, 255, (96, width, 3), dtype=np.uint8)
        stamp(picture, time_ns)
        done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        assert done
        seen = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        assert read_stamp(seen, time_ns + 90_000_000) == time_ns // 10_000 * 10_000
        if width >= 128:
            half = cv2.resize(seen, (width // 2, 48), interpolation=cv2.INTER_AREA)
            assert read_stamp(half, time_ns - 90_000_000) == time_ns // 10_000 * 10_000
