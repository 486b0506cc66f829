"""The measurement finds the stand-in's true values, and always releases the inputs."""

import subprocess
import threading
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.processes import INTERRUPTIBLE, KILLED, interrupt, kill
from configs.errors import BadInput
from configs.load import load_config
from interfaces.calibrate.measure import AxisSweep, measure
from interfaces.calibrate.measured_client import MeasuredClient
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT
from tests.contracts.vrchat.client import command, running_standin
from tests.interfaces.calibrate.clients import settings_of, silent_client
from tests.polling import wait_until

SWEEPS = (
    AxisSweep("LookHorizontal", "AngularY", (1.0, 0.4, 0.48, 0.55)),
    AxisSweep("Vertical", "VelocityZ", (1.0, 0.08, 0.2)),
    AxisSweep("LookVertical", "", (1.0, 0.08, 0.2, 0.5)),
)


def inputs_of(standin):
    """The stand-in's inputs that are not at rest."""
    return standin.request("/truth")["inputs"]


def wait_for_rest(standin):
    wait_until(lambda: not inputs_of(standin), "all inputs at rest", timeout_s=5.0)


def measure_standin():
    with running_standin() as standin:
        standin.close()  # frees its receive port for the calibration
        config = load_config(ROOT / "configs" / "vrchat.yaml", settings_of(standin))
        endpoints = choose_endpoints(config.world)
        with MeasuredClient(config, endpoints, ROOT / "main.py", threading.Event()) as client:
            measured = measure(client, Console(quiet=True), SWEEPS, timings=3)
        wait_for_rest(standin)
    return measured


@pytest.mark.e2e
def test_measurement_finds_the_values_of_the_stand_in():
    for _ in range(3):  # late frames on a busy machine change the pitch
        measured = measure_standin()
        pitch = measured.responses["LookVertical"]
        if pitch.full == pytest.approx(180.0, rel=0.15):
            break
    turn, walk = measured.responses["LookHorizontal"], measured.responses["Vertical"]
    assert turn.dead_zone == pytest.approx(0.5, abs=0.01)
    assert turn.full == pytest.approx(200.0, rel=0.02)
    assert walk.dead_zone == pytest.approx(0.1, abs=0.02)
    assert walk.full == pytest.approx(4.0, rel=0.05)
    # Only the picture shows the pitch: less exact.
    assert pitch.dead_zone == pytest.approx(0.1, abs=0.04)
    assert pitch.full == pytest.approx(180.0, rel=0.15)
    assert len(measured.dead_times_s) == len(measured.loops_s) == 3
    for dead_time_s in measured.dead_times_s:  # the stand-in itself needs 33 ms
        assert 0.033 <= dead_time_s < 0.5
    for loop_s in measured.loops_s:
        assert 0.033 <= loop_s < 0.8


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("end", "code"),
    [(interrupt, 130), (lambda process: kill(process.pid), KILLED[0])],
    ids=["Ctrl-C", "killed"],
)
def test_inputs_are_released_and_nothing_is_written_however_it_ends(end, code, tmp_path):
    out = tmp_path / "calibrated.yaml"
    with running_standin() as standin:
        standin.close()
        words = command("calibrate", "vrchat", *settings_of(standin), "--out", str(out))
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, **INTERRUPTIBLE) as process:

            def moves():
                assert process.poll() is None
                return inputs_of(standin)

            wait_until(moves, "a movement", timeout_s=30.0)
            end(process)
            assert process.wait(timeout=20) == code
        wait_for_rest(standin)
    assert not out.exists()


def test_nothing_moves_without_a_guard(tmp_path):
    config = load_config(Path("vrchat"), settings_of(silent_client()))
    broken_main = tmp_path / "main.py"
    broken_main.write_text("raise SystemExit('no such word: _guard')", encoding="utf-8")
    client = MeasuredClient(config, choose_endpoints(config.world), broken_main, threading.Event())
    with pytest.raises(BadInput, match=r"guard did not start \(no such word.*try again"), client:
        pytest.fail("the guard did not start, but the measurement began")
