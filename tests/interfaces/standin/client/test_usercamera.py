"""The user camera: flying, limits of pose and zoom, and wrong messages."""

import math
import struct
import sys

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.osc.message import encode
from interfaces.standin.client.input import DT_S, MoveCommand
from interfaces.standin.client.usercamera import UserCamera
from interfaces.standin.core import StandinCore


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


def test_it_flies_in_the_direction_it_looks() -> None:
    camera = UserCamera(mode=1, flying=True, yaw_deg=90.0)
    for _ in range(60):
        camera.fly(MoveCommand(forward_m_s=4.0))
    assert (camera.x, camera.z) == (pytest.approx(3.0), pytest.approx(0.0, abs=1e-9))
    camera.fly(MoveCommand(turn_deg_s=60.0 / DT_S / 60))
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
def test_a_wrong_message_changes_nothing(name: str, arguments: list[object]) -> None:
    camera = UserCamera()
    assert camera.receive(name, arguments) is False
    assert camera == UserCamera()


@pytest.mark.parametrize("value", [1e308, -1e308, 1e39, 1e6, sys.float_info.min])
@pytest.mark.parametrize("place", ["room", "plaza"])
def test_no_number_in_a_datagram_stops_the_pictures(value: float, place: str) -> None:
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


def test_angles_of_a_pose_are_reduced_to_one_turn() -> None:
    camera = UserCamera()
    assert camera.receive("Pose", [1.0, 2.0, 3.0, 10.0, 450.0, -725.0])
    assert (camera.x, camera.y, camera.z) == (1.0, 2.0, 3.0)
    assert (camera.pitch_deg, camera.yaw_deg, camera.roll_deg) == (10.0, 90.0, -5.0)


def test_zoom_stays_in_its_range() -> None:
    camera = UserCamera()
    camera.receive("Zoom", [1000.0])
    assert camera.zoom == 150.0


def test_the_avatars_eye_moves_with_its_height() -> None:
    core = StandinCore(StandinConfig(width=64, height=64, people=0), 0)
    core.step(1, [])
    tall = core.frame()
    core.step(1, [encode("/avatar/eyeheight", 0.4)])
    assert core.view().y == pytest.approx(0.4)
    assert not np.array_equal(core.frame(), tall)
    core.step(1, [encode("/avatar/eyeheight", 99.0)])
    assert core.parameters["EyeHeightAsMeters"] == 5.0
    assert core.parameters["EyeHeightAsPercent"] == pytest.approx(1.0)
