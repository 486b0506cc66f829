"""replay_run: the same decisions bit for bit, or a reason for each tick that was not verified."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import load_file, save_file

from agent.replay.verify_run import format_report, replay_run
from configs.errors import BadInput
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.step_writer import StepWriter, tick_record_dtype
from interfaces.session.maintain.forget import forget
from interfaces.session.maintain.select_steps import SelectedSteps
from interfaces.session.run_steps import RunSteps
from tests.agent.replay.runs import (
    STEPS,
    UNKNOWN_AFTER_GAP,
    copy_without_session,
    hidden_weights,
    record,
    stored_weights,
)
from tests.conftest import ROOT


def replay(run):
    return replay_run(run, Console(quiet=True), quiet=True)


def test_applied_weights_give_the_same_decisions(run):
    report = replay(run)
    assert (report.ticks, report.verified, report.differing) == (STEPS, STEPS, 0)
    record(run)
    report = replay(run)
    assert (report.ticks, report.verified, report.differing) == (STEPS, STEPS, 0)
    versions = JournalReader(run.journal).read(0, STEPS)["weights_version"]
    assert len(np.unique(versions)) > 3


def test_changed_weights_are_reported_as_a_difference(run):
    stored = stored_weights(run)
    path = stored[len(stored) // 2]
    before = path.read_bytes()
    header = json.loads(before[8 : 8 + int.from_bytes(before[:8], "little")])["__metadata__"]
    del header["crc32"]  # changed on purpose, as by an older version
    flat = load_file(path)["flat"].copy()
    flat[::97] *= 1.01
    try:
        save_file({"flat": flat}, path, metadata=header)
        report = replay(run)
        assert report.differing > 0
        assert report.first_difference.version == int(path.stem)
        done = subprocess.run(
            [sys.executable, str(ROOT / "main.py"), "replay", str(run.path), "--json"],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert json.loads(done.stdout)["first_difference"]["version"] == int(path.stem)
    finally:
        path.write_bytes(before)


def test_unverified_ticks_are_counted_by_reason(run):
    with hidden_weights(run, 2) as version:
        report = replay(run)
    assert report.differing == 0
    assert 0 < report.verified < STEPS
    assert report.unverified["weights not stored"] > 0
    assert report.missing == [f"weights {version}"]
    assert report.verified + sum(report.unverified.values()) == STEPS


@pytest.mark.parametrize("recorded", [False, True], ids=["journal", "session"])
@pytest.mark.parametrize("first", [0, 50])
def test_steps_after_forgotten_ones_are_not_reported_as_different(run, tmp_path, recorded, first):
    """They begin with is_first, but the body had a memory there."""
    copy = copy_without_session(run, tmp_path / "run")
    if recorded:
        record(copy)
    forget(copy, SelectedSteps(np.arange(first, first + 10), 0))
    report = replay(copy)
    assert report.differing == 0
    assert report.verified == first
    unknown = {why: n for why, n in report.unverified.items() if "memory unknown" in why}
    assert sum(unknown.values()) == STEPS - first - 10
    assert bool(report.missing) == recorded, "a session has gaps, which are reported"


def test_steps_after_dropped_ones_are_not_reported_as_different(run, tmp_path):
    """The step writer sets is_first after dropped records, but the body had a memory there."""
    copy = copy_without_session(run, tmp_path / "run")
    rows = JournalReader(run.journal).read(0, STEPS)
    layout = RunSteps(run).layout
    shutil.rmtree(copy.journal)
    copy.latent_snapshots.unlink()
    journal = JournalWriter(
        copy.journal, layout, segment_steps=64, max_steps=1000, background=False
    )
    tick_record = np.zeros((), tick_record_dtype(layout, 0))
    step_writer = StepWriter(
        journal, Board(copy.board, create=True), tick_record.dtype, background=False
    )
    for row in (*range(30), *range(40, STEPS)):
        tick_record["step"] = rows[row]
        tick_record["missed"] = 10 if row == 40 else 0
        step_writer.append(tick_record)
    step_writer.close()
    journal.close()
    report = replay(copy)
    assert (report.verified, report.differing) == (30, 0)
    assert report.unverified == {UNKNOWN_AFTER_GAP: STEPS - 40}


def test_missing_initial_weights_are_the_reason_until_the_next_latent_snapshot(run):
    with hidden_weights(run, 0) as version:
        report = replay(run)
    assert (report.verified, report.differing) == (STEPS - 101, 0)  # the snapshot is after Step 100
    assert all("weights not stored" in why for why in report.unverified)
    assert report.missing == [f"weights {version}"]


def test_many_missing_versions_are_named_as_a_range(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    copy = type(run)(tmp_path / "run")
    stored = stored_weights(copy)
    for path in stored[:-1]:
        path.unlink()
    report = replay(copy)
    first, last = int(stored[0].stem), int(stored[-2].stem)
    assert report.missing == [f"{len(stored) - 1} versions of the weights, {first} to {last}"]


def test_unfinished_segment_is_reported_as_missing(run, tmp_path):
    copy = copy_without_session(run, tmp_path / "run")
    record(copy)
    (copy.session / "000000000500.live").write_bytes(b"")
    report = replay(copy)
    assert any("unfinished" in part for part in report.missing)
    assert "missing: the newest segment" in format_report(report)


def test_jpeg_session_is_refused(run, tmp_path):
    copy = copy_without_session(run, tmp_path / "run")
    record(copy, "session.camera=jpeg")
    with pytest.raises(BadInput, match="JPEG"):
        replay(copy)
