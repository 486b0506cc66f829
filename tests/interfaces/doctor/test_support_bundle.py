"""The ZIP file for a bug report: what helps is in it, and no name, picture or sound."""

import getpass
import json
import socket
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from configs.load import load_config
from interfaces.doctor.support_bundle import MAX_BYTES, Redactor, bundle_contents
from interfaces.runtime.run_folder import create_run
from tests.cli import here
from tests.conftest import ROOT

SECRETS = (
    *("Hanako", "hanako", "Hanako's AirPods", "window:Hanako's stream", "Hanako の 家"),
    *("12345678-abcd", "hanako@example.org", "192.168.7.20", "HELLO FROM HANAKO"),
)
WORDS = [
    'world.camera.source="window:Hanako\'s stream"',
    'world.audio_input.device="Hanako\'s AirPods"',
    "world.osc.host=192.168.7.20",
]
LOG = """\
10:00:00.000 INFO    opened Hanako's AirPods, audio input at 48000 Hz
10:00:01.000 WARNING in {run}/journal: segment 3 is damaged
10:00:02.000 INFO    world wrld_12345678-abcd-0000-0000-1234567890ab, avatar avtr_12345678-abcd-1
10:00:03.000 INFO    user {user} on {host} at {home}, hanako@example.org
10:00:04.000 INFO    client at 192.168.7.20:9000, here at 127.0.0.1:9001
"""


@pytest.fixture
def run(tmp_path):
    config = load_config(ROOT / "configs" / "vrchat.yaml", WORDS)
    run = create_run(tmp_path / "Hanako の 家", config, "vrchat", ROOT)
    own = {"user": getpass.getuser(), "host": socket.gethostname(), "home": Path.home()}
    text = LOG.format(run=run.path, **own)
    (run.logs / "body.log").write_text(text, encoding="utf-8")
    line = json.dumps({"ticks": 602, "loss": float("nan")})
    run.metrics.write_text(f"{line}\n", encoding="utf-8")
    run.view.write_bytes(b"\x89PNG picture of Hanako")
    run.session.mkdir()
    (run.session / "000000000000.mcap").write_bytes(b"sound of Hanako")
    return run


def test_what_helps_is_packed_and_no_name(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = here("report", run.path, "--no-doctor").output
    assert "yume-report.zip" in output
    with zipfile.ZipFile(tmp_path / "yume-report.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {"settings.json", "meta.json", "metrics.jsonl", "logs/body.log"}
    everything = "\n".join(texts.values())
    for secret in (*SECRETS, str(Path.home()), str(run.path), str(tmp_path)):
        assert secret not in everything, secret
    log = texts["logs/body.log"]
    assert "opened <world.audio_input.device>, audio input at 48000 Hz" in log
    assert "in RUN/journal: segment 3 is damaged" in log
    assert "world wrld_<id>, avatar avtr_<id>" in log
    assert "user USER" in log
    assert "client at <world.osc.host>:9000, here at 127.0.0.1:9001" in log
    settings = json.loads(texts["settings.json"])
    assert settings["world"]["audio_input"]["device"] == "<world.audio_input.device>"
    assert settings["world"]["kind"] == "vrchat"
    assert settings["world"]["actions"], "actions with the names of the preset stay"
    assert settings["world"]["actions"][0] == load_config(
        ROOT / "configs" / "vrchat.yaml"
    ).world.actions[0].model_dump(mode="json")
    assert "602" in texts["metrics.jsonl"]
    versions = json.loads(texts["meta.json"])["versions"]
    assert versions["opencv-python"] == metadata.version("opencv-python")  # four numbers


def test_a_second_report_overwrites_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here("report", run.path, "--no-doctor")
    assert "yume-report-2.zip" in here("report", run.path, "--no-doctor").output
    words = ("report", run.path, "--no-doctor", "--out", "yume-report.zip")
    assert "exists already" in here(*words, code=2).all


def test_findings_that_may_hold_names_give_only_their_level(run):
    findings = [
        {"name": "memory", "level": "ok", "text": "5 of 16 GB free", "remedy": ""},
        {"name": "avatar file", "level": "warning", "text": "Hanako's avatar", "remedy": "x"},
    ]
    memory, avatar = json.loads(bundle_contents(run, findings)["doctor.json"])
    assert memory["text"] == "5 of 16 GB free"
    assert avatar == {"name": "avatar file", "level": "warning", "text": "not packed"}


def test_of_a_long_log_the_end_is_packed(run):
    (run.logs / "trainer.log").write_text(f"{'first ' * 10}\n" + "line\n" * MAX_BYTES)
    text = bundle_contents(run, None)["logs/trainer.log"]
    assert len(text) <= MAX_BYTES
    assert set(text.splitlines()) == {"line"}


def test_names_are_replaced_longest_first_in_any_case_and_short_ones_are_not():
    redactor = Redactor({"ann": "USER", "Ann's phone": "<device 1>", "ab": "X"})
    assert redactor.text("ANN has ann's PHONE; abc") == "USER has <device 1>; abc"


def test_a_letter_without_a_common_lower_case_is_replaced_too():
    assert Redactor({"İpek": "USER"}).text("hello İPEK, ipek") == "hello USER, <name>"


def test_a_link_in_the_run_is_refused_and_what_it_leads_to_is_not_packed(run, tmp_path):
    private = tmp_path / "private.txt"
    private.write_text("secret")
    try:
        (run.logs / "evil.log").symlink_to(private)
    except OSError:
        pytest.skip("links need a privilege here")
    out = tmp_path / "report.zip"
    assert "is a link" in here("report", run.path, "--no-doctor", "--out", out, code=2).all
    assert not out.exists()
