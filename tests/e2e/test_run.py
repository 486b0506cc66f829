"""`run` as a person starts it: real processes, real UDP, real video, real signals."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.journal.reader import JournalReader
from tests.cli import call, command, here
from tests.conftest import ROOT

pytestmark = pytest.mark.e2e
WAIT_S = 60.0


def start(*words, cwd=ROOT):
    return subprocess.Popen(
        command(*words),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def finish(process, seconds=WAIT_S):
    output, _ = process.communicate(timeout=seconds)
    return output


def until(condition, what, seconds=WAIT_S):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def pids(run):
    return json.loads((run / "processes.json").read_text(encoding="utf-8"))


def ticks(run):
    """Ticks as the newest line of metrics has them."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return json.loads(lines[-1])["ticks"] if lines else 0


def all_gone(run):
    return not any(alive(pid) for pid in pids(run).values())


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def summary(run):
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def test_a_life_leaves_what_it_promises_and_can_be_resumed(awkward_path):
    run = awkward_path / "命"
    process = start("run", "tiny", "--seconds", 9, "--seed", 3, "--out", run)
    output = finish(process)
    assert process.returncode == 0, output
    first = summary(run)
    assert first["exit"] == "clean"
    assert first["ticks"] >= 60
    assert first["updates"] >= 5
    assert first["weights"]["applied"] >= 1
    assert first["weights"]["refused"] == 0
    assert first["osc"]["sent"] >= 5 * first["ticks"]
    assert first["osc"]["received"] > 0
    assert first["no_frame"] == 0
    names = ("standin", "guard", "body", "trainer", "recorder")
    assert first["restarts"] == dict.fromkeys(names, 0)
    for key in (
        "seconds",
        "hz",
        "missed_beats",
        "lateness_ms",
        "frame_age_ms",
        "decide_ms",
        "swap_ms",
        "train_ratio",
        "reward",
        "losses",
        "prediction_psnr",
        "memory_mb",
    ):
        assert key in first
    assert set(first["memory_mb"]) == {"supervisor", *names}
    assert first["losses"]["last"]["model"] < first["losses"]["first"]["model"]
    for name in ("config.yaml", "meta.json", "processes.json", "metrics.jsonl", "view.png"):
        assert (run / name).stat().st_size > 0
    for name in ("journal", "session", "weights", "checkpoints", "tensorboard"):
        assert any((run / name).iterdir()), name
    meta = json.loads((run / "meta.json").read_text(encoding="utf-8"))
    assert meta["seed"] == 3
    assert meta["versions"]["torch"]
    assert all_gone(run)

    process = start("run", "--resume", run, "--seconds", 3, "--quiet")
    output = finish(process)
    assert process.returncode == 0, output
    assert output == ""
    second = summary(run)
    assert second["steps"] >= first["ticks"] + 15, "the journal goes on"
    assert second["total_updates"] > first["total_updates"], "the learner goes on"
    assert second["weights"]["last_version"] > first["weights"]["last_version"]


METHODS = {
    "ppo": """
        ppo: {rollout: 32, minibatch: 16, epochs: 2}
    """,
    "world_models": """
        world_models: {fit: 3, generations: 2, population: 6, dreams: 4, dream_steps: 10}
        trainer: {batch: 4, prefill: 30}
        dream: {horizon: 5}
    """,
}


@pytest.mark.parametrize("method", METHODS)
def test_every_other_method_lives_and_learns_too(method, tmp_path):
    presets = [str(ROOT / "configs" / f"{name}.yaml") for name in ("tiny", method)]
    mine = tmp_path / "mine.yaml"
    extends = f"extends: {json.dumps(presets)}\n"
    mine.write_text(extends + textwrap.dedent(METHODS[method]), encoding="utf-8")
    run = tmp_path / "run"
    process = start("run", mine, "--seconds", 16, "--out", run)
    output = finish(process)
    assert process.returncode == 0, output
    found = summary(run)
    assert found["exit"] == "clean"
    assert found["updates"] >= 1, output
    assert found["weights"]["applied"] >= 2, "what it learned acts"
    assert found["weights"]["refused"] == 0
    assert set(found["restarts"].values()) == {0}
    assert any((run / "checkpoints").iterdir())


@pytest.fixture
def living(awkward_path):
    """A life under way."""
    run = awkward_path / "run"
    process = start("run", "tiny", "--out", run)
    try:
        until(lambda: ticks(run) > 10, "a living body")
        yield process, run
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        process.stdout.close()
        process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_killed_children_come_back_and_ctrl_c_ends_all_cleanly_and_soon(living):
    process, run = living
    before = pids(run)
    os.kill(before["trainer"], signal.SIGKILL)
    os.kill(before["body"], signal.SIGKILL)
    until(lambda: pids(run)["body"] != before["body"], "another body")
    until(lambda: pids(run)["trainer"] != before["trainer"], "another trainer")
    alive_again = ticks(run)
    until(lambda: ticks(run) > alive_again + 20, "it lives on")
    board = Board(run / "board.mmap")
    until(lambda: board.heartbeat_age_s("trainer") < 1.0, "it learns on")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output = finish(process)
    took_s = time.monotonic() - began
    assert process.returncode == 0, output
    assert took_s < 8, "3 s are promised on a quiet machine"
    assert "lateness" in output
    assert all_gone(run)
    told = summary(run)
    assert told["exit"] == "interrupted"
    assert told["restarts"]["body"] == 1
    assert told["restarts"]["trainer"] == 1
    assert told["rests"] >= 2, "the guard's, of the killed body, and the last"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_people_pause_it_stop_it_and_let_it_act_again(living):
    process, run = living
    board = Board(run / "board.mmap")

    def tell(*words):
        return here(*words, run).all

    def lived():
        """The newest Step: what was sent, by whom, in which situation."""
        reader = JournalReader(run / "journal")
        return reader.read(reader.end - 1, 1)[0]

    def moves():
        return lived()["action"].any() and lived()["sender"] == Sender.POLICY

    assert "paused" in tell("pause")
    until(lambda: lived()["situation"] & Situation.PAUSED, "a pause")
    assert not lived()["action"].any()
    assert "acts again" in tell("resume")
    until(moves, "the policy's own will")
    assert "at rest" in tell("stop")
    until(lambda: board["fence"], "the guard's fence")
    until(lambda: lived()["situation"] & Situation.FENCED, "a body that knows")
    assert "emergency stop still holds" in tell("resume")
    assert board["fence"]
    tell("stop", "--release")
    until(lambda: not board["fence"], "the end of the fence")
    until(moves, "the policy's own will")
    process.send_signal(signal.SIGUSR1)
    until(lambda: board["fence"], "the guard's fence, by a signal")
    assert (run / "STOP").exists()
    process.send_signal(signal.SIGTERM)
    output = finish(process)
    assert process.returncode == 0, output
    assert all_gone(run)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "beat.hz=0"], "beat.hz"),
        (["run", "beat.hx=10"], "beat.hz"),
        (["run", "nosuch.yaml"], "nosuch.yaml"),
        (["run", "--resume", "nowhere"], "nowhere"),
        (["run", "vrchat", "world.camera.source=none.mp4"], "none.mp4"),
        (["run", "tiny", "world.control.stop_key=<nonsense>", "--out", "mine/first"], "stop_key"),
        (["train", "vrchat", "--steps", "10"], "vrchat"),
        (["evaluate", "nowhere"], "nowhere"),
        (["standin", "--osc", "9000"], "--osc"),
        (["rollback", "nowhere"], "nowhere"),
        (["run", "--seconds", "-1"], "--seconds"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_is_named_and_exits_2(words, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = here(*words, code=2).errors
    assert named in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir()), "bad input leaves nothing behind"


def test_a_process_says_it_too(tmp_path):
    said = call("run", "beat.hz=0", code=2, cwd=tmp_path).errors
    assert "beat.hz" in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_named(tmp_path):
    import socket

    run = tmp_path / "run"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        words = ("run", "tiny", f"world.osc.receive_port={port}", "--out", run, "--seconds", "5")
        said = call(*words, code=2).errors
    assert str(port) in said
    assert "receive_port" in said
    assert f"(pid {os.getpid()})" in said, "by whom"
    assert not run.exists(), "so that it can be tried again"


def test_a_start_that_is_refused_takes_away_only_what_it_made(tmp_path):
    run = tmp_path / "run"
    (run / "logs").mkdir(parents=True)
    (run / "notes.txt").write_text("mine\n", encoding="utf-8")
    words = ("run", "vrchat", "world.camera.source=none.mp4", "--out", run)
    for _ in range(2):  # the second time it fails for the same reason, not for the folder
        assert "no such file" in here(*words, code=2).errors
    assert sorted(each.name for each in run.iterdir()) == ["logs", "notes.txt"]


def test_a_used_folder_is_not_overwritten(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("seed: 5\n", encoding="utf-8")
    assert "--resume" in here("run", "tiny", "--out", run, code=2).errors
    assert (run / "config.yaml").read_text(encoding="utf-8") == "seed: 5\n"
