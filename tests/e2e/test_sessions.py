"""A life is recorded while it is lived, replayed exactly, learned from, and goes on."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import psutil
import pytest

from interfaces.session.format.session import Session
from tests.cli import call, command, here
from tests.conftest import ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    run = tmp_path_factory.mktemp("夢 の 家") / "life"
    call("run", "tiny", "--seconds", 6, "--out", run, "--quiet", "trainer.prefill=20")
    return run


def test_everything_lived_is_in_the_session_and_replays_bit_for_bit(life):
    ticks = json.loads((life / "summary.json").read_text(encoding="utf-8"))["ticks"]
    assert Session(life).steps_recorded == ticks
    assert f"{ticks} steps are whole" in here("sessions", "verify", life).all
    told = json.loads(here("sessions", "list", life.parent, "--json").output)
    assert [each["steps"] for each in told] == [ticks]
    verdict = json.loads(call("replay", life, "--json").output)
    assert (verdict["ticks"], verdict["differing"]) == (ticks, 0)
    assert verdict["verified"] == ticks


def test_records_teach_and_a_life_goes_on_from_them(life, tmp_path):
    run = tmp_path / "learned"
    pattern = life.parent / "*" / "session"
    small = ("trainer.prefill=20", "trainer.holdout=0.4")
    here("train", "tiny", "--sessions", pattern, "--updates", 5, "--out", run, "--quiet", *small)
    told = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert told["updates"] == 5
    assert told["held_out_loss_model"] is not None
    call("run", "--resume", run, "--seconds", 3, "--quiet")
    lived = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    session = Session(run)
    assert session.first == told["steps"], "what others lived is recorded where it was lived"
    assert session.steps_recorded == lived["ticks"]


def test_it_is_looked_at_in_a_browser_on_this_machine_only(life):
    pytest.importorskip("nicegui")
    player = subprocess.Popen(
        command("replay", life, "--view", "--no-browser", "--port", "0"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        # In a test NiceGUI would serve a test's browser.
        env={name: value for name, value in os.environ.items() if "PYTEST" not in name},
    )
    try:
        address = ""
        while "http://" not in address:
            address = player.stdout.readline()
            assert address, f"it ended with {player.wait()}"
        url = address.split()[0]
        with urllib.request.urlopen(url, timeout=20) as page:
            assert life.name in page.read().decode()
        elsewhere = urllib.request.Request(url, headers={"Host": "elsewhere.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(elsewhere, timeout=20)
        taken = url.rpartition(":")[2]
        heard = psutil.Process(player.pid).net_connections("inet")
        assert {c.laddr.ip for c in heard if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        assert f"--port {taken}" in here("replay", life, "--view", "--port", taken, code=2).all
        assert "being looked at" in here("forget", life, "--last", "1s", "--yes", code=2).all
        if sys.platform != "win32":  # where Ctrl-C goes to the whole console
            player.send_signal(signal.SIGINT)
            assert player.wait(20) == 0
    finally:
        player.kill()
        player.wait()
        player.stdout.close()


def test_it_becomes_a_film_with_what_it_thought(life):
    av = pytest.importorskip("av")
    ticks = json.loads((life / "summary.json").read_text(encoding="utf-8"))["ticks"]
    assert f"{ticks} pictures" in here("replay", life, "--mp4").all
    with av.open(str(life / "replays" / "life.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == ticks
    assert "exists already" in here("replay", life, "--mp4", code=2).all


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["sessions", "info", "nowhere"], "nowhere holds no session"),
        (["sessions", "verify", "nowhere"], "nowhere holds no session"),
        (["sessions", "prune"], "--older-days or --keep-gb"),
        (["replay", "nowhere"], "nowhere is not a run"),
        (["forget", "nowhere", "--last", "5m"], "nowhere is not a run"),
        (["train", "tiny", "--sessions", "nowhere*"], "no session there"),
        (["replay", "nowhere", "--view", "--mp4"], "one at a time"),
        (["replay", "nowhere", "--port", "5"], "--port goes with --view"),
        (["replay", "nowhere", "--out", "x.png"], "--out goes with"),
        (["replay", "nowhere", "--mp4", "--json"], "--json goes with neither"),
        (["train", "tiny", "--updates", "5"], "--updates is for --sessions"),
        (["train", "tiny", "--sessions", "x", "--steps", "5"], "--steps is for a life"),
    ],
)
def test_bad_input_is_named_and_exits_2(words, named):
    assert named in here(*words, code=2).all
