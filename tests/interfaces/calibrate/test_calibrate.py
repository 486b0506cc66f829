"""Calibrate: what readings say, and a whole measurement of a live stand-in whose truth is known."""

import io
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from rich.console import Console

from configs.errors import BadInput
from configs.load import changed, load_config
from interfaces.calibrate import calibration as calibrate_command
from interfaces.calibrate.calibration import Measured, Probe, measure
from interfaces.calibrate.measure import AxisLaw, axis_law, fastest, shift
from interfaces.calibrate.measured_client import Subject
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT
from tests.contracts.vrchat.client import command, free_port, standin

VALUES = (0.1, 0.3, 0.45, 0.6, 0.8, 1.0)


def answers(dead_zone, full, values=VALUES):
    return [full * max(0.0, v - dead_zone) / (1.0 - dead_zone) for v in values]


@pytest.mark.parametrize("dead_zone", [0.0, 0.1, 0.37, 0.5])
@pytest.mark.parametrize("full", [0.5, 6.0, 200.0])
def test_an_axis_is_found_by_its_answers(dead_zone, full):
    law = axis_law(VALUES, answers(dead_zone, full))
    assert law.dead_zone == pytest.approx(dead_zone, abs=1e-6)
    assert law.full == pytest.approx(full)


def test_an_axis_is_found_in_noise():
    rng = np.random.default_rng(0)
    speeds = np.abs(np.array(answers(0.5, 200.0)) + rng.normal(0.0, 0.5, len(VALUES)))
    law = axis_law(VALUES, speeds)
    assert law.dead_zone == pytest.approx(0.5, abs=0.03)
    assert law.full == pytest.approx(200.0, rel=0.02)


def test_an_axis_with_a_jump_has_its_dead_zone_between_silence_and_answer():
    """Beyond 0.5 it moves at once as fast as the value says: the line alone would say 0."""
    law = axis_law(VALUES, [0.0 if v < 0.5 else 4.0 * v for v in VALUES])
    assert 0.45 <= law.dead_zone <= 0.6


@pytest.mark.parametrize("speeds", [[0.0] * 6, [0.0] * 5 + [3.0], [1e-4] * 6])
def test_no_answer_is_no_law(speeds):
    assert axis_law(VALUES, speeds) is None


@pytest.mark.parametrize("pixels", [-4, -1, 0, 2, 5])
def test_a_moved_picture_is_seen_to_move(pixels):
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (16, 24, 3), np.uint8)
    wide = coarse.repeat(8, axis=0).repeat(8, axis=1)
    before, after = wide[:, 16:144], wide[:, 16 - pixels : 144 - pixels]
    assert shift(before, after) == pytest.approx(pixels, abs=0.5)


@pytest.mark.parametrize("pixels", [-3, 1])
def test_a_picture_is_seen_to_go_down_and_how_fast_at_its_fastest(pixels):
    rng = np.random.default_rng(4)
    wide = rng.integers(0, 255, (24, 16, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    down = [wide[32 - i * pixels : 160 - i * pixels] for i in range(9)]
    assert shift(down[0], down[1], down=True) == pytest.approx(pixels, abs=0.3)
    assert shift(down[0], down[1]) == pytest.approx(0.0, abs=0.3)
    frames = [down[0]] * 4 + down + [down[-1]] * 4  # still, then moving, then still
    at_s = [i / 30 for i in range(len(frames))]
    assert fastest(frames, at_s, down=True) == pytest.approx(30 * abs(pixels), rel=0.1)
    assert fastest(frames[:4], at_s[:4], down=True) == 0.0
    assert fastest(frames[:1], at_s[:1], down=True) == 0.0


def config_of(client):
    osc = (f"world.osc.send_port={client.send_port}", "world.osc.oscquery=false")
    ears = f"world.osc.receive_port={client.receive_port}"
    return (*osc, ears, f"world.camera.source={client.camera}")


def run(client, *words):
    return command("calibrate", "vrchat", *config_of(client), *map(str, words))


def measure_a_stand_in(plan):
    with standin() as client:
        client.close()  # its port is needed
        config = load_config(ROOT / "configs" / "vrchat.yaml", config_of(client))
        endpoints = choose_endpoints(config.world)
        with Subject(config, endpoints, ROOT / "main.py", threading.Event()) as subject:
            measured = measure(subject, Console(quiet=True), plan, timings=3)
        until_at_rest(client)
    return measured


@pytest.mark.e2e
def test_the_stand_ins_truth_is_measured_and_it_is_left_standing():
    plan = [
        Probe("LookHorizontal", "AngularY", (1.0, 0.4, 0.48, 0.55)),
        Probe("Vertical", "VelocityZ", (1.0, 0.08, 0.2)),
        Probe("LookVertical", "", (1.0, 0.08, 0.2, 0.5)),
    ]
    for _ in range(3):  # frames that come late, on a machine that does much else, bend the pitch
        measured = measure_a_stand_in(plan)
        look = measured.laws["LookVertical"]
        if look.full == pytest.approx(180.0, rel=0.15):
            break
    turn, walk = measured.laws["LookHorizontal"], measured.laws["Vertical"]
    assert turn.dead_zone == pytest.approx(0.5, abs=0.01)
    assert turn.full == pytest.approx(200.0, rel=0.02)
    assert walk.dead_zone == pytest.approx(0.1, abs=0.02)
    assert walk.full == pytest.approx(4.0, rel=0.05)
    # The pitch is seen, not felt: coarser.
    assert look.dead_zone == pytest.approx(0.1, abs=0.04)
    assert look.full == pytest.approx(180.0, rel=0.15)
    assert len(measured.dead_times_s) == len(measured.loops_s) == 3
    for felt_s in measured.dead_times_s:  # the stand-in's own dead time is 33 ms
        assert 0.033 <= felt_s < 0.5
    for seen_s in measured.loops_s:
        assert 0.033 <= seen_s < 0.8


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C and kill are sent otherwise there")
@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_however_it_ends_the_avatar_is_left_standing_and_nothing_written(ending, code, tmp_path):
    out = tmp_path / "mine.yaml"
    with standin() as client:
        client.close()
        with subprocess.Popen(run(client, "--out", out), stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 30.0
            while not client.ask("/truth")["inputs"]:
                assert process.poll() is None
                assert time.monotonic() < deadline, "it never moved"
            process.send_signal(ending)
            assert process.wait(timeout=20) == code
        until_at_rest(client)
    assert not out.exists()


@pytest.mark.e2e
def test_what_cannot_be_measured_is_said_and_nothing_is_lost(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("seed: 1\n", encoding="utf-8")
    for words, named in (
        (("tiny",), "world.kind standin"),
        (("vrchat", "--out", mine), "mine.yaml is there already"),
        (("vrchat", "--out", tmp_path / "none" / "mine.yaml"), "No such file or directory"),
        (("vrchat", "--out", mine / "mine.yaml"), "mine.yaml: Not a directory"),
        (("vrchat", "world.measured.turn_deg_s=0"), "turn_deg_s"),
    ):
        done = subprocess.run(
            command("calibrate", *map(str, words)), capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert named in " ".join(done.stderr.split())
    assert mine.read_text(encoding="utf-8") == "seed: 1\n"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        client = Silent(deaf.getsockname()[1], free_port(socket.SOCK_DGRAM))
        done = subprocess.run(
            run(client, "--out", tmp_path / "never.yaml"),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert "AngularY never changed" in " ".join(done.stderr.split())
    assert not (tmp_path / "never.yaml").exists()


@pytest.fixture
def measured(monkeypatch):
    """A measurement that takes no time: what is done with it is under test."""
    found = Measured({"LookHorizontal": AxisLaw(0.47, 150.0)}, [0.04], [0.06], picture=True)
    monkeypatch.setattr(calibrate_command, "measure", lambda *_: found)
    return found


def calibrated(out, *overrides):
    """Returns what was printed, and the configuration that was given."""
    client = Silent(9, free_port(socket.SOCK_DGRAM))
    words, said = (*config_of(client), *overrides), io.StringIO()
    config = load_config(Path("vrchat"), words)
    parts = (out, ROOT / "main.py", threading.Event(), Console(file=said, width=200))
    try:
        assert calibrate_command.calibrate(config, "vrchat", words, *parts)
    except BadInput as error:
        said.write(f"BadInput: {error}")
    return said.getvalue(), config


def test_what_was_said_on_the_command_line_is_in_the_file_too(measured, tmp_path):
    out = tmp_path / "mine.yaml"
    _, given = calibrated(
        out,
        "beat.hz=12",
        "world.camera.width=128",
        "world.manners.introduction='1e-3: 夢'",
        "world.measured.forward_m_s=3",
        "world.actions=[{name: LookHorizontal}, {name: Jump, kind: press, per_minute: 3}]",
    )
    written = load_config(out)
    turn = written.world.actions[0]
    assert turn.dead_zone == 0.47
    assert written.world.measured == given.world.measured.model_copy(
        update={"turn_deg_s": 150.0, "dead_time_s": 0.04, "loop_s": 0.06}
    )
    assert written.world.measured.forward_m_s == 3
    again = ("world.actions=[{name: LookHorizontal}, {name: Jump, kind: press, per_minute: 3}]",)
    assert changed(written, again).model_dump(exclude={"world": {"measured"}}) == given.model_dump(
        exclude={"world": {"measured"}}
    )


@pytest.mark.parametrize("picture", [True, False])
def test_pitch_that_cannot_be_seen_is_a_line_of_the_table(measured, tmp_path, picture):
    measured.picture = picture
    actions = "world.actions=[{name: LookHorizontal}, {name: LookVertical}]"
    said, _ = calibrated(tmp_path / "a.yaml", actions)
    why = "was not seen to move" if picture else "none came"
    assert re.search(rf"LookVertical .*only a picture tells of it, and .*{why}", said)
    assert "LookVertical" not in calibrated(tmp_path / "b.yaml")[0]


def test_the_table_is_there_even_if_the_file_cannot_be_written(measured, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    said, _ = calibrated(tmp_path / "mine.yaml")
    assert "0.470" in said.partition("BadInput")[0]
    assert "No space left on device" in said.partition("BadInput")[2]


def test_without_a_guard_nothing_moves_and_it_is_said(tmp_path):
    config = load_config(Path("vrchat"), config_of(Silent(9, free_port(socket.SOCK_DGRAM))))
    broken = tmp_path / "main.py"
    broken.write_text("raise SystemExit('no such word: _guard')", encoding="utf-8")
    subject = Subject(config, choose_endpoints(config.world), broken, threading.Event())
    with pytest.raises(BadInput, match=r"guard did not start \(no such word.*try again"), subject:
        pytest.fail("it moved")


class Silent(NamedTuple):
    """A client whose OSC is off."""

    send_port: int
    receive_port: int
    camera: str = "http://127.0.0.1:9/nothing.mjpg"


def until_at_rest(client):
    deadline = time.monotonic() + 5.0
    while client.ask("/truth")["inputs"]:
        assert time.monotonic() < deadline, client.ask("/truth")["inputs"]
