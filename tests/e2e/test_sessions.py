"""A live run is recorded; its recording is replayed exactly, learned from, shown and exported."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import psutil
import pytest

from interfaces.session.format.session import Session
from tests.cli import call, command, here
from tests.conftest import ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = tmp_path_factory.mktemp("夢 の 家") / "run"
    call("run", "tiny", "--seconds", 6, "--out", run, "--quiet", "trainer.prefill=20")
    return run


def read_summary(run) -> dict:
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def test_every_tick_is_recorded_and_replayed_bit_for_bit(run):
    ticks = read_summary(run)["ticks"]
    assert Session(run).steps_recorded == ticks
    assert f"{ticks} steps are intact" in here("sessions", "verify", run).all
    listed = json.loads(here("sessions", "list", run.parent, "--json").output)
    assert [each["steps"] for each in listed] == [ticks]
    verdict = json.loads(call("replay", run, "--json").output)
    assert (verdict["ticks"], verdict["differing"]) == (ticks, 0)
    assert verdict["verified"] == ticks


def test_a_live_run_resumes_after_training_on_recordings(run, tmp_path):
    learned = tmp_path / "learned"
    pattern = run.parent / "*" / "session"
    small = ("trainer.prefill=20", "trainer.holdout=0.4")
    words = ("--sessions", pattern, "--updates", 5, "--out", learned, "--quiet")
    here("train", "tiny", *words, *small)
    training = read_summary(learned)
    assert training["updates"] == 5
    assert training["held_out_loss_model"] is not None
    call("run", "--resume", learned, "--seconds", 3, "--quiet")
    session = Session(learned)
    assert session.first == training["steps"], "imported Steps are not recorded again"
    assert session.steps_recorded == read_summary(learned)["ticks"]


def test_the_playback_page_is_served_on_this_machine_only(run):
    pytest.importorskip("nicegui")
    player = subprocess.Popen(
        command("replay", run, "--view", "--no-browser", "--port", "0"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        # With these variables NiceGUI would start its simulated browser.
        env={name: value for name, value in os.environ.items() if "PYTEST" not in name},
    )
    try:
        line = ""
        while "http://" not in line:
            line = player.stdout.readline()
            assert line, f"it ended with {player.wait()}"
        url = line.split()[0]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(url, timeout=20) as page:
            assert run.name in page.read().decode()
        without_token = url.partition("?")[0]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(without_token, timeout=20)
        other_host = urllib.request.Request(without_token, headers={"Host": "elsewhere.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            browser.open(other_host, timeout=20)
        port = str(urlsplit(url).port)
        connections = psutil.Process(player.pid).net_connections("inet")
        listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
        assert f"--port {port}" in here("replay", run, "--view", "--port", port, code=2).all
        assert "being read" in here("forget", run, "--last", "1s", "--yes", code=2).all
        if sys.platform != "win32":  # there Ctrl-C goes to the whole console
            player.send_signal(signal.SIGINT)
            assert player.wait(20) == 0
    finally:
        player.kill()
        player.wait()
        player.stdout.close()


def test_the_annotated_video_has_one_frame_per_tick(run):
    av = pytest.importorskip("av")
    ticks = read_summary(run)["ticks"]
    assert f"{ticks} frames" in here("replay", run, "--mp4").all
    with av.open(str(run / "replays" / "run.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == ticks
    assert "exists already" in here("replay", run, "--mp4", code=2).all


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sessions", "info", "nowhere"], "nowhere holds no session"),
        (["sessions", "verify", "nowhere"], "nowhere holds no session"),
        (["sessions", "prune"], "--older-days or --keep-gb"),
        (["replay", "nowhere"], "nowhere is not a run"),
        (["forget", "nowhere", "--last", "5m"], "nowhere is not a run"),
        (["train", "tiny", "--sessions", "nowhere*"], "--sessions nowhere*"),
        (["replay", "nowhere", "--view", "--mp4"], "give only one of"),
        (["replay", "nowhere", "--port", "5"], "--port needs --view"),
        (["replay", "nowhere", "--out", "x.png"], "--out needs"),
        (["replay", "nowhere", "--mp4", "--json"], "--json cannot be used"),
        (["train", "tiny", "--updates", "5"], "--updates needs --sessions"),
        (["train", "tiny", "--sessions", "x", "--steps", "5"], "use --updates with --sessions"),
    ],
)
def test_bad_input_is_named_and_exits_with_code_2(words, message):
    assert message in here(*words, code=2).all
