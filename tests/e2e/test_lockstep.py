"""`train`, `evaluate` and `--resume` in lockstep: bit-identical for a seed."""

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
    """The same life three times: whole in a process of its own and in this one, and here again,
    but stopped at half and resumed."""
    folder, half = tmp_path_factory.mktemp("夢 lockstep"), STEPS // 2 - 7
    for train, name in ((call, "one"), (here, "two")):
        train("train", *TINY, "--steps", STEPS, "--out", folder / name, "--quiet")
    here("train", *TINY, "--steps", half, "--out", folder / "half", "--quiet")
    here("train", "--resume", folder / "half", "--steps", STEPS, "--quiet")
    return folder


@pytest.mark.parametrize("other", ["two", "half"])
def test_the_same_seed_gives_the_same_bits(runs, other):
    one, another = newest_tensors(runs / "one"), newest_tensors(runs / other)
    assert one.keys() == another.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)
    rows, others = (journal_rows(runs / name, STEPS) for name in ("one", other))
    for field in rows.dtype.names:
        np.testing.assert_array_equal(rows[field], others[field], err_msg=field)


def test_a_life_that_was_resumed_is_replayed_whole(runs):
    found = json.loads(here("replay", runs / "half", "--json").output)
    assert (found["verified"], found["differing"], found["missing"]) == (STEPS, 0, [])


def test_a_resume_is_exact_where_old_steps_were_freed(tmp_path):
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


def test_one_that_was_killed_goes_on_from_its_last_checkpoint_and_says_so(runs, tmp_path):
    killed = tmp_path / "killed"
    here("train", *TINY, "trainer.checkpoint_steps=50", "--steps", 90, "--out", killed, "--quiet")
    max((killed / "checkpoints").glob("*.json")).unlink()  # it did not come to that
    told = here("train", "--resume", killed, "--steps", STEPS).all
    assert "goes on from step 50" in told
    assert "the 40 lived since are dropped" in told
    one, another = newest_tensors(runs / "one"), newest_tensors(killed)
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)


def test_it_learns_where_tensorboard_has_no_place(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trainer.running.learning_report.SummaryWriter", full)
    here("train", "tiny", "trainer.prefill=40", "--steps", 60, "--out", tmp_path / "run", "--quiet")
    board = Board(tmp_path / "run" / "board.mmap")
    assert board["updates"] > 0
    assert board["loss_model"] > 0


def test_a_life_in_real_time_is_not_resumed_in_lockstep(runs, tmp_path):
    lived = tmp_path / "lived"
    shutil.copytree(runs / "one", lived)
    (lived / "processes.json").write_text('{"body": 1}', encoding="utf-8")
    before = {p: p.read_bytes() for p in (lived / "journal").iterdir()}
    assert "run --resume" in here("train", "--resume", lived, code=2).all
    assert {p: p.read_bytes() for p in (lived / "journal").iterdir()} == before


def test_it_learned_something_and_says_what(runs):
    told = json.loads((runs / "one" / "summary.json").read_text(encoding="utf-8"))
    assert told["exit"] == "clean"
    assert told["steps"] == STEPS
    assert told["updates"] > 10
    assert told["losses"]["last"]["model"] < told["losses"]["first"]["model"]
    rows = journal_rows(runs / "one", STEPS)
    assert rows["is_first"].sum() == 1
    assert (np.diff(rows["weights_version"]) >= 0).all()
    assert rows["weights_version"][-1] > 1


def test_evaluate_is_repeatable_and_prints_json(runs):
    words = ("evaluate", runs / "one", "--episodes", 2, "--seed", 5, "--json")
    first, second = json.loads(call(*words).output), json.loads(here(*words).output)
    assert first == second
    assert len(first["returns"]) == 2
    assert first["return_mean"] == pytest.approx(np.mean(first["returns"]))
    assert first["updates"] > 10
    table = here("evaluate", runs / "one", "--episodes", 1, "--policy", "random")
    assert "random policy" in table.all
