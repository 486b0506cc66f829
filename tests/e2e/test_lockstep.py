"""`train`, `train --resume` and `evaluate` in lockstep: bit-identical for the same seed."""

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from interfaces.ipc.board import Board
from tests.cli import call, here

pytestmark = pytest.mark.e2e
STEPS = 110
TINY = ("tiny", "--seed", 7, "evaluate.episode_steps=60")


def newest_tensors(run: Path):
    return load_file(max((run / "checkpoints").glob("*.safetensors")))


def journal_rows(run: Path, steps: int):
    from interfaces.journal import JournalReader

    reader = JournalReader(run / "journal")
    reader.refresh()
    assert reader.end == steps
    return reader.read(0, steps, verify=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run three times.

    `one` runs in a new process and `two` in this one. `half` stops halfway and is resumed.
    """
    folder, half = tmp_path_factory.mktemp("夢 lockstep"), STEPS // 2 - 7
    for train, name in ((call, "one"), (here, "two")):
        train("train", *TINY, "--steps", STEPS, "--out", folder / name, "--quiet")
    here("train", *TINY, "--steps", half, "--out", folder / "half", "--quiet")
    here("train", "--resume", folder / "half", "--steps", STEPS, "--quiet")
    return folder


@pytest.mark.parametrize("other", ["two", "half"])
def test_same_seed_gives_identical_weights_and_steps(runs, other):
    one, another = newest_tensors(runs / "one"), newest_tensors(runs / other)
    assert one.keys() == another.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)
    rows, others = (journal_rows(runs / name, STEPS) for name in ("one", other))
    for field in rows.dtype.names:
        np.testing.assert_array_equal(rows[field], others[field], err_msg=field)


def test_every_decision_of_a_resumed_run_is_verified_by_replay(runs):
    report = json.loads(here("replay", runs / "half", "--json").output)
    assert (report["verified"], report["differing"], report["missing"]) == (STEPS, 0, [])


def test_resume_is_exact_after_old_steps_were_deleted(tmp_path):
    small = (
        *("journal.segment_steps=16", "journal.max_steps=64", "trainer.prefill=40"),
        "trainer.checkpoint_steps=50",
    )
    here("train", "tiny", *small, "--steps", 120, "--out", tmp_path / "whole", "--quiet")
    here("train", "tiny", *small, "--steps", 90, "--out", tmp_path / "half", "--quiet")
    here("train", "--resume", tmp_path / "half", "--steps", 120, "--quiet")
    one, another = newest_tensors(tmp_path / "whole"), newest_tensors(tmp_path / "half")
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)


def test_killed_run_resumes_from_its_last_checkpoint_and_reports_dropped_steps(runs, tmp_path):
    killed = tmp_path / "killed"
    here("train", *TINY, "trainer.checkpoint_steps=50", "--steps", 90, "--out", killed, "--quiet")
    max((killed / "checkpoints").glob("*.json")).unlink()  # as if killed before it was saved
    output = here("train", "--resume", killed, "--steps", STEPS).all
    assert "resumes at step 50" in output
    assert "the 40 steps recorded after it are dropped" in output
    one, another = newest_tensors(runs / "one"), newest_tensors(killed)
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)


def test_training_continues_if_tensorboard_cannot_be_written(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trainer.running.metrics_sink.SummaryWriter", full)
    here("train", "tiny", "trainer.prefill=40", "--steps", 60, "--out", tmp_path / "run", "--quiet")
    board = Board(tmp_path / "run" / "board.mmap")
    assert board["updates"] > 0
    assert board.metrics.get("loss/model") > 0


def test_live_run_is_not_resumed_in_lockstep(runs, tmp_path):
    live = tmp_path / "live"
    shutil.copytree(runs / "one", live)
    (live / "processes.json").write_text('{"body": 1}', encoding="utf-8")
    before = {path: path.read_bytes() for path in (live / "journal").iterdir()}
    assert "run --resume" in here("train", "--resume", live, code=2).all
    assert {path: path.read_bytes() for path in (live / "journal").iterdir()} == before


def test_summary_reports_steps_updates_and_a_lower_model_loss(runs):
    summary = json.loads((runs / "one" / "summary.json").read_text(encoding="utf-8"))
    assert summary["exit"] == "clean"
    assert summary["steps"] == STEPS
    assert summary["updates"] > 10
    assert summary["losses"]["last"]["model"] < summary["losses"]["first"]["model"]
    rows = journal_rows(runs / "one", STEPS)
    assert rows["is_first"].sum() == 1
    assert (np.diff(rows["weights_version"]) >= 0).all()
    assert rows["weights_version"][-1] > 1


def test_evaluate_gives_the_same_json_each_time(runs):
    words = ("evaluate", runs / "one", "--episodes", 2, "--seed", 5, "--json")
    first, second = json.loads(call(*words).output), json.loads(here(*words).output)
    assert first == second
    assert len(first["returns"]) == 2
    assert first["return_mean"] == pytest.approx(np.mean(first["returns"]))
    assert first["updates"] > 10
    table = here("evaluate", runs / "one", "--episodes", 1, "--policy", "random")
    assert "random policy" in table.all


def test_run_with_senses_is_resumed_replayed_and_evaluated(tmp_path):
    senses = ("world.contacts.mode=on", "world.rays.mode=on")
    small = ("trainer.prefill=16", "evaluate.episode_steps=20")
    for name, steps in (("whole", 50), ("half", 30)):
        out = ("--steps", steps, "--out", tmp_path / name, "--quiet")
        here("train", "tiny", "--seed", 7, *senses, *small, *out)
    here("train", "--resume", tmp_path / "half", "--steps", 50, "--quiet")
    one, another = newest_tensors(tmp_path / "whole"), newest_tensors(tmp_path / "half")
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)
    vector = journal_rows(tmp_path / "half", 50)["vector"]
    assert (vector[:, 10:14] == 1).all(), "every contact is known"
    assert (vector[:, 14 + 64 : 14 + 128] == 1).all(), "and every ray"
    report = json.loads(here("replay", tmp_path / "half", "--json").output)
    assert (report["verified"], report["differing"]) == (50, 0)
    evaluation = here("evaluate", tmp_path / "half", "--episodes", 1, "--json").output
    assert json.loads(evaluation)["episodes"] == 1
