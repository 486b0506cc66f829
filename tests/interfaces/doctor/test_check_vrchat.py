"""The results of `calibrate` are shown."""

from interfaces.doctor.check_vrchat import calibration_finding
from tests.interfaces.doctor.settings import vrchat_world


def test_measured_speeds_and_delays_are_shown():
    assert "has not measured" in calibration_finding(vrchat_world().measured).text
    settings = (f"world.measured.{each}" for each in ("turn_deg_s=180", "loop_s=0.05"))
    world = vrchat_world(*settings, "world.measured.forward_m_s=6")
    finding = calibration_finding(world.measured)
    assert finding.level == "ok"
    assert finding.text == "turns 180 deg/s, forward 6 m/s, visible after 50 ms"
