"""How a VRChat client moves its avatar by /input messages. One test per statement."""

import statistics
import struct
import time

import pytest

from tests.contracts.vrchat.client import (
    PARAMETER,
    RUN_M_S,
    STRAFE_M_S,
    TURN_DEG_S,
    WALK_M_S,
    message,
    near,
)


def is_false(value: object) -> bool:
    return value is False


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
def test_an_input_sets_the_speed(client, name, value, parameter, speed):
    mark = len(client.log)
    client.set_input(name, value)
    client.wait_for(parameter, near(speed), after=mark)


def test_an_axis_keeps_its_value(client):
    client.set_input("LookHorizontal", 1.0)
    client.wait_for("AngularY", near(TURN_DEG_S))
    time.sleep(0.5)
    assert client.newest("AngularY") == pytest.approx(TURN_DEG_S)
    mark = len(client.log)
    client.set_input("LookHorizontal", 0.0)
    client.wait_for("AngularY", near(0.0), after=mark)


@pytest.mark.parametrize(("name", "value"), [("Vertical", 0.1), ("LookHorizontal", 0.5)])
def test_a_value_in_the_dead_zone_has_no_effect(client, name, value):
    client.wait_for_silence()
    client.set_input(name, value)
    client.assert_silent(0.3, "VelocityZ", "AngularY")


@pytest.mark.parametrize("value", [1, True, 1.0])
def test_a_button_takes_int_bool_and_float(client, value):
    mark = len(client.log)
    client.set_input("Jump", value)
    client.wait_for("Grounded", is_false, after=mark)


@pytest.mark.parametrize("value", [1, True])
def test_an_axis_takes_int_and_bool(client, value):
    mark = len(client.log)
    client.set_input("Vertical", value)
    client.wait_for("VelocityZ", near(RUN_M_S), after=mark)


def test_run_makes_the_move_buttons_run(client):
    client.set_input("Run", 1)
    client.set_input("MoveForward", 1)
    client.wait_for("VelocityZ", near(RUN_M_S))


def test_a_jump_lasts_as_long_as_gravity_says(client):
    mark = len(client.log)
    client.set_input("Jump", 1)
    grounded = PARAMETER + "Grounded"
    up, _ = client.wait_for_message(lambda a, v: a == grounded and v is False, after=mark)
    down, _ = client.wait_for_message(lambda a, v: a == grounded and v is True, after=mark)
    assert down - up == pytest.approx(0.612, abs=0.06)  # 2 * 3 m/s / 9.81 m/s²


def test_a_button_must_be_released_before_it_acts_again(client):
    client.set_input("Jump", 1)
    client.wait_for("Grounded", is_false, after=len(client.log) - 1)
    mark = client.wait_for_silence()
    client.set_input("Jump", 1)  # still pressed
    client.assert_silent(0.3, "Grounded")
    client.set_input("Jump", 0)
    client.set_input("Jump", 1)
    client.wait_for("Grounded", is_false, after=mark)


def test_voice_toggles_mute_when_pressed(client):
    before, mark = client.newest("MuteSelf"), len(client.log)
    client.set_input("Voice", 1)
    client.wait_for("MuteSelf", lambda value: value is not before, after=mark)
    mark = client.wait_for_silence()
    client.set_input("Voice", 1)
    client.set_input("Voice", 0)
    client.assert_silent(0.2, "MuteSelf")
    client.set_input("Voice", 1)
    client.wait_for("MuteSelf", lambda value: value is before, after=mark)


@pytest.mark.parametrize("name", ["UseRight", "GrabLeft", "ComfortRight", "SpinHoldUD"])
def test_a_vr_input_has_no_effect_on_a_desktop(client, name):
    client.wait_for_silence()
    client.set_input(name, 1)
    client.assert_silent(0.2)
    client.set_input(name, 0)


def test_afk_toggle_changes_afk(client):
    before, mark = client.newest("AFK"), len(client.log)
    client.set_input("AFKToggle", 1)
    client.wait_for("AFK", lambda value: value is not before, after=mark)
    client.set_input("AFKToggle", 0)
    client.set_input("AFKToggle", 1)
    client.wait_for("AFK", lambda value: value is before, after=mark)


def test_a_bundle_acts_at_once(client):
    mark, inner = len(client.log), message("/input/LookHorizontal", 1.0)
    head = b"#bundle\0" + struct.pack(">Q", 1)
    client.send_raw(head + struct.pack(">i", len(inner)) + inner)
    client.wait_for("AngularY", near(TURN_DEG_S), after=mark)


def test_latency_from_input_to_parameter_is_the_dead_time(client):
    """At most the dead time, one substep and 10 ms; the median, because the machine is shared."""
    latencies_s: list[float] = []
    for i in range(12):
        speed, mark = TURN_DEG_S if i % 2 == 0 else 0.0, len(client.log)
        sent = time.perf_counter()
        client.set_input("LookHorizontal", float(i % 2 == 0))
        arrived, _ = client.wait_for_message(
            lambda a, v, s=speed: a == PARAMETER + "AngularY" and near(s)(v), after=mark
        )
        latencies_s.append(arrived - sent)
    assert 0.025 < statistics.median(latencies_s) < 0.033 + 1 / 60 + 0.010
