"""The `calibrate` command: the file that it writes, its table, and what it refuses."""

import io
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from rich.console import Console

from configs.errors import BadInput
from configs.load import load_config, with_overrides
from interfaces.calibrate import calibration
from interfaces.calibrate.estimators import AxisResponse
from interfaces.calibrate.measure import Measurements
from tests.conftest import ROOT
from tests.contracts.vrchat.client import command
from tests.interfaces.calibrate.clients import settings_of, silent_client


def calibrate_in_process(*words):
    return subprocess.run(
        command("calibrate", "vrchat", *map(str, words)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.e2e
def test_bad_input_is_refused_and_existing_files_stay(tmp_path):
    existing = tmp_path / "mine.yaml"
    existing.write_text("seed: 1\n", encoding="utf-8")
    for words, message in (
        (("world.kind=standin",), "world.kind standin"),
        (("--out", existing), "mine.yaml exists already"),
        (("--out", tmp_path / "none" / "mine.yaml"), "No such file or directory"),
        (("--out", existing / "mine.yaml"), "mine.yaml: Not a directory"),
        (("world.measured.turn_deg_s=0",), "turn_deg_s"),
    ):
        result = calibrate_in_process(*words)
        assert result.returncode == 2, result.stderr
        assert message in " ".join(result.stderr.split())
    assert existing.read_text(encoding="utf-8") == "seed: 1\n"


@pytest.mark.e2e
def test_client_that_does_not_respond_is_named_and_nothing_is_written(tmp_path):
    out = tmp_path / "never.yaml"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unresponsive:
        unresponsive.bind(("127.0.0.1", 0))
        client = silent_client(unresponsive.getsockname()[1])
        result = calibrate_in_process(*settings_of(client), "--out", out)
    assert result.returncode == 2, result.stderr
    assert "AngularY never changed" in " ".join(result.stderr.split())
    assert not out.exists()


@pytest.fixture
def measured(monkeypatch):
    """Fixed measurements in place of real ones."""
    responses = {"LookHorizontal": AxisResponse(0.47, 150.0)}
    measured = Measurements(responses, [0.04], [0.06], has_picture=True)
    monkeypatch.setattr(calibration, "measure", lambda *_: measured)
    return measured


def calibrate(out, *overrides):
    """(printed text, configuration) of a calibration of a silent client."""
    words, printed = (*settings_of(silent_client()), *overrides), io.StringIO()
    config = load_config(Path("vrchat"), words)
    parts = (out, ROOT / "main.py", threading.Event(), Console(file=printed, width=200))
    try:
        assert calibration.calibrate(config, "vrchat", words, *parts)
    except BadInput as error:
        printed.write(f"BadInput: {error}")
    return printed.getvalue(), config


def test_file_holds_the_measurements_and_the_settings_of_the_command_line(measured, tmp_path):
    out = tmp_path / "mine.yaml"
    actions = "world.actions=[{name: LookHorizontal}, {name: Jump, kind: press, per_minute: 3}]"
    _, config = calibrate(
        out,
        "tick.hz=12",
        "world.camera.width=128",
        "world.limits.introduction='1e-3: 夢'",
        "world.measured.forward_m_s=3",
        actions,
    )
    written = load_config(out)
    assert written.world.actions[0].dead_zone == 0.47
    assert written.world.measured == config.world.measured.model_copy(
        update={"turn_deg_s": 150.0, "dead_time_s": 0.04, "loop_s": 0.06}
    )
    assert written.world.measured.forward_m_s == 3
    without_measurements = {"world": {"measured"}}
    with_same_actions = with_overrides(written, (actions,))
    assert with_same_actions.model_dump(exclude=without_measurements) == config.model_dump(
        exclude=without_measurements
    )


@pytest.mark.parametrize("has_picture", [True, False])
def test_table_says_why_the_pitch_was_not_measured(measured, tmp_path, has_picture):
    measured.has_picture = has_picture
    actions = "world.actions=[{name: LookHorizontal}, {name: LookVertical}]"
    printed, _ = calibrate(tmp_path / "a.yaml", actions)
    why = "it did not move" if has_picture else "there was none"
    assert re.search(rf"LookVertical .*only the picture shows it, and {why}", printed)
    assert "LookVertical" not in calibrate(tmp_path / "b.yaml")[0]


def test_table_is_printed_even_if_the_file_cannot_be_written(measured, tmp_path, monkeypatch):
    def disk_full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", disk_full)
    printed, _ = calibrate(tmp_path / "mine.yaml")
    table, _, error = printed.partition("BadInput")
    assert "0.470" in table
    assert "No space left on device" in error
