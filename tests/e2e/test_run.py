"""The `run` command with real processes, UDP, video and signals."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from benchmarks.processes import INTERRUPTIBLE, interrupt, kill
from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.journal.reader import JournalReader
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from tests.cli import call, command, here
from tests.conftest import ROOT
from tests.polling import wait_until

pytestmark = pytest.mark.e2e
WAIT_S = 60.0


def start(*words, cwd=ROOT):
    return subprocess.Popen(
        command(*words),
        **INTERRUPTIBLE,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def finish(process, seconds=WAIT_S):
    output, _ = process.communicate(timeout=seconds)
    return output


def pids(run):
    return json.loads((run / "processes.json").read_text(encoding="utf-8"))


def ticks(run):
    """The number of ticks in the newest line of metrics."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return json.loads(lines[-1])["ticks"] if lines else 0


def all_ended(run):
    return not any(runs(pid) for pid in pids(run).values())


def runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def summary(run):
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def test_run_writes_its_files_and_can_be_resumed(awkward_path):
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
    if sys.platform != "win32":  # recordings show other people
        assert not [each for each in (run, *run.rglob("*")) if each.stat().st_mode & 0o077]
    meta = json.loads((run / "meta.json").read_text(encoding="utf-8"))
    assert meta["seed"] == 3
    assert meta["versions"]["torch"]
    assert all_ended(run)

    process = start("run", "--resume", run, "--seconds", 3, "--quiet")
    output = finish(process)
    assert process.returncode == 0, output
    assert output == ""
    second = summary(run)
    assert second["steps"] >= first["ticks"] + 15, "the journal continues"
    assert second["total_updates"] > first["total_updates"], "the learner continues"
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
def test_every_other_method_acts_and_learns(method, tmp_path):
    presets = [str(ROOT / "configs" / f"{name}.yaml") for name in ("tiny", method)]
    config = tmp_path / "config.yaml"
    extends = f"extends: {json.dumps(presets)}\n"
    config.write_text(extends + textwrap.dedent(METHODS[method]), encoding="utf-8")
    run = tmp_path / "run"
    process = start("run", config, "--seconds", WAIT_S, "--out", run)
    wait_until(lambda: ticks(run) > 10, "ten ticks", WAIT_S)
    board = open_board(RunFolder(run))
    wait_until(lambda: board["weights_applied"] >= 2, "two applied versions", WAIT_S)
    interrupt(process)
    output = finish(process)
    assert process.returncode == 0, output
    result = summary(run)
    assert result["exit"] == "interrupted"
    assert result["updates"] >= 1, output
    assert result["weights"]["applied"] >= 2, "the body uses learned weights"
    assert result["weights"]["refused"] == 0
    assert set(result["restarts"].values()) == {0}
    assert any((run / "checkpoints").iterdir())


@pytest.fixture
def live_run(awkward_path):
    """(process, run folder) of a run whose body acts."""
    run = awkward_path / "run"
    process = start("run", "tiny", "--out", run)
    try:
        wait_until(lambda: ticks(run) > 10, "ten ticks", WAIT_S)
        yield process, run
    finally:
        if process.poll() is None:
            interrupt(process)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        process.stdout.close()
        process.wait()


def test_killed_processes_are_restarted_and_ctrl_c_ends_all_of_them_soon(live_run):
    process, run = live_run
    before = pids(run)
    kill(before["trainer"])
    kill(before["body"])
    wait_until(lambda: pids(run)["body"] != before["body"], "another body", WAIT_S)
    wait_until(lambda: pids(run)["trainer"] != before["trainer"], "another trainer", WAIT_S)
    restarted_at = ticks(run)
    wait_until(lambda: ticks(run) > restarted_at + 20, "ticks of the new body", WAIT_S)
    board = open_board(RunFolder(run))
    wait_until(lambda: board.heartbeat_age_s("trainer") < 1.0, "the new trainer", WAIT_S)
    interrupted = time.perf_counter()
    interrupt(process)
    output = finish(process)
    ended_after_s = time.perf_counter() - interrupted
    assert process.returncode == 0, output
    assert ended_after_s < 8, "the limit is 3 s, but this machine may be busy"
    assert "lateness" in output
    assert all_ended(run)
    result = summary(run)
    assert result["exit"] == "interrupted"
    assert result["restarts"]["body"] == 1
    assert result["restarts"]["trainer"] == 1
    assert result["rests"] >= 2, "for the killed body, and at the end"


def test_person_can_pause_resume_and_stop_a_run(live_run):
    process, run = live_run
    board = open_board(RunFolder(run))

    def command_output(*words):
        return here(*words, run).all

    def newest_step():
        reader = JournalReader(run / "journal")
        return reader.read(reader.end - 1, 1)[0]

    def in_situation(situation):
        return newest_step()["situation"] & situation

    def policy_acts():
        step = newest_step()
        return step["action"].any() and step["sender"] == Sender.POLICY

    assert "paused" in command_output("pause")
    wait_until(lambda: in_situation(Situation.PAUSED), "a paused Step", WAIT_S)
    assert not newest_step()["action"].any()
    assert "acts again" in command_output("resume")
    wait_until(policy_acts, "an action of the policy", WAIT_S)
    assert "every input is released" in command_output("stop")
    wait_until(lambda: board["fence"], "the guard's fence", WAIT_S)
    wait_until(lambda: in_situation(Situation.FENCED), "a fenced Step", WAIT_S)
    assert "emergency stop still holds" in command_output("resume")
    assert board["fence"]
    command_output("stop", "--release")
    wait_until(lambda: not board["fence"], "the end of the fence", WAIT_S)
    wait_until(policy_acts, "an action of the policy", WAIT_S)
    if sys.platform != "win32":
        process.send_signal(signal.SIGUSR1)
        wait_until(lambda: board["fence"], "the guard's fence after SIGUSR1", WAIT_S)
        assert (run / "STOP").exists()
    assert "has ended" in command_output("end")
    output = finish(process)
    assert process.returncode == 0, output
    assert all_ended(run)
    assert summary(run)["exit"] == "interrupted"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "tick.hz=0"], "tick.hz"),
        (["run", "tick.hx=10"], "tick.hz"),
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
def test_bad_input_is_named_exits_with_2_and_leaves_no_files(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    errors = here(*words, code=2).errors
    assert message in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_bad_input_in_a_new_process_is_named_without_a_traceback(tmp_path):
    errors = call("run", "tick.hz=0", code=2, cwd=tmp_path).errors
    assert "tick.hz" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_port_in_use_is_named_with_its_owner_and_leaves_no_folder(tmp_path):
    run = tmp_path / "run"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        words = ("run", "tiny", f"world.osc.receive_port={port}", "--out", run, "--seconds", "5")
        errors = call(*words, code=2).errors
    assert str(port) in errors
    assert "receive_port" in errors
    assert f"(pid {os.getpid()})" in errors
    assert not run.exists(), "the corrected command can use the folder"


def test_refused_start_removes_only_the_files_it_created(tmp_path):
    run = tmp_path / "run"
    (run / "logs").mkdir(parents=True)
    (run / "notes.txt").write_text("mine\n", encoding="utf-8")
    words = ("run", "vrchat", "world.camera.source=none.mp4", "--out", run)
    for _ in range(2):  # the second attempt fails for the same reason, not because of the folder
        assert "no such file" in here(*words, code=2).errors
    assert sorted(each.name for each in run.iterdir()) == ["logs", "notes.txt"]


def test_folder_with_a_run_is_not_overwritten(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("seed: 5\n", encoding="utf-8")
    assert "--resume" in here("run", "tiny", "--out", run, code=2).errors
    assert (run / "config.yaml").read_text(encoding="utf-8") == "seed: 5\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_closed_terminal_ends_a_run_as_ctrl_c_does(tmp_path):
    run = tmp_path / os.fsdecode(b"not UTF-8 \xff")
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, *command("run", "tiny", "--out", run)[1:]],
        cwd=ROOT,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)

    def has_acted():
        while select.select([terminal], [], [], 0)[0]:
            os.read(terminal, 65536)
        return ticks(run) > 5

    wait_until(has_acted, "ticks", WAIT_S)
    os.close(terminal)  # the kernel sends SIGHUP, and every write fails
    assert process.wait(WAIT_S) == 0
    assert summary(run)["exit"] == "interrupted"
    assert all_ended(run)


# The process gets the terminal as its own, as a shell in a window has it.
_IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
