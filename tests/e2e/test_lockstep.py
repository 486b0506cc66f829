"""`train`, `evaluate` and `--resume` in lockstep: bit-identical for a seed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.conftest import ROOT

pytestmark = pytest.mark.e2e
STEPS = 160


def call(*words):
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


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
    """The same life three times: twice whole, once stopped at half and resumed."""
    folder = tmp_path_factory.mktemp("夢 lockstep")
    for name in ("one", "two"):
        call("train", "tiny", "--steps", STEPS, "--seed", 7, "--out", folder / name, "--quiet")
    call(
        "train", "tiny", "--steps", STEPS // 2 - 7, "--seed", 7, "--out", folder / "half", "--quiet"
    )
    call("train", "--resume", folder / "half", "--steps", STEPS, "--quiet")
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


def test_a_resume_is_exact_where_old_steps_were_freed(tmp_path):
    small = (
        *("journal.segment_steps=16", "journal.max_steps=64", "trainer.prefill=40"),
        "trainer.checkpoint_steps=50",
    )
    call("train", "tiny", *small, "--steps", 160, "--out", tmp_path / "whole", "--quiet")
    call("train", "tiny", *small, "--steps", 100, "--out", tmp_path / "half", "--quiet")
    call("train", "--resume", tmp_path / "half", "--steps", 160, "--quiet")
    one, another = newest_tensors(tmp_path / "whole"), newest_tensors(tmp_path / "half")
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, another[name], err_msg=name)


def test_a_life_in_real_time_is_not_resumed_in_lockstep(runs, tmp_path):
    lived = tmp_path / "lived"
    shutil.copytree(runs / "one", lived)
    (lived / "processes.json").write_text('{"body": 1}', encoding="utf-8")
    before = {p: p.read_bytes() for p in (lived / "journal").iterdir()}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "train", "--resume", str(lived)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert "run --resume" in done.stderr
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
    first, second = json.loads(call(*words)), json.loads(call(*words))
    assert first == second
    assert len(first["returns"]) == 2
    assert first["return_mean"] == pytest.approx(np.mean(first["returns"]))
    assert first["updates"] > 10
    table = call("evaluate", runs / "one", "--episodes", 1, "--policy", "random")
    assert "random policy" in table
