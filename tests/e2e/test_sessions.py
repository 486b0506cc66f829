"""A life is recorded while it is lived, replayed exactly, learned from, and goes on."""

import json
import subprocess
import sys

import pytest

from interfaces.session.session import Session
from tests.conftest import ROOT

pytestmark = pytest.mark.e2e


def call(*words, code=0):
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    run = tmp_path_factory.mktemp("夢 の 家") / "life"
    call("run", "tiny", "--seconds", 6, "--out", run, "--quiet", "trainer.prefill=20")
    return run


def test_everything_lived_is_in_the_session_and_replays_bit_for_bit(life):
    ticks = json.loads((life / "summary.json").read_text(encoding="utf-8"))["ticks"]
    assert Session(life).steps_recorded == ticks
    assert f"{ticks} steps are whole" in call("sessions", "verify", life)
    told = json.loads(call("sessions", "list", life.parent, "--json"))
    assert [each["steps"] for each in told] == [ticks]
    verdict = json.loads(call("replay", life, "--json"))
    assert (verdict["ticks"], verdict["differing"]) == (ticks, 0)
    assert verdict["verified"] == ticks


def test_records_teach_and_a_life_goes_on_from_them(life, tmp_path):
    run = tmp_path / "learned"
    pattern = life.parent / "*" / "session"
    small = ("trainer.prefill=20", "trainer.holdout=0.4")
    call("train", "tiny", "--sessions", pattern, "--updates", 5, "--out", run, "--quiet", *small)
    told = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert told["updates"] == 5
    assert told["held_out_loss_model"] is not None
    call("run", "--resume", run, "--seconds", 3, "--quiet")
    lived = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    session = Session(run)
    assert session.first == told["steps"], "what others lived is recorded where it was lived"
    assert session.steps_recorded == lived["ticks"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["sessions", "info", "nowhere"], "nowhere holds no session"),
        (["sessions", "verify", "nowhere"], "nowhere holds no session"),
        (["sessions", "prune"], "--older-days or --keep-gb"),
        (["replay", "nowhere"], "nowhere is not a run"),
        (["forget", "nowhere", "--last", "5m"], "nowhere is not a run"),
        (["train", "tiny", "--sessions", "nowhere*"], "no session there"),
        (["train", "tiny", "--updates", "5"], "--updates is for --sessions"),
    ],
)
def test_bad_input_is_named_and_exits_2(words, named):
    assert named in " ".join(call(*words, code=2).split())
