"""Steps of an older and of a later version: read by every command, and a run goes on after them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from interfaces.core import rewards, step
from interfaces.core.rewards import RewardTerm, step_layout
from interfaces.core.step import Scalar, StepLayout, as_layout, recorded_reward, value_field
from interfaces.core.world import Situation
from interfaces.journal import JournalReader, JournalWriter
from interfaces.runtime.run_folder import RunFolder
from interfaces.session import Session
from interfaces.session.format import messages
from interfaces.session.format.run_info import read_run_metadata
from interfaces.session.recorder import Recorder
from tests.cli import call, here
from tests.known import make_known

RECORDING = Path(__file__).parent / "recordings" / "commit_5087598"
STEPS, ADDED = 92, 40
BATTERY, QUIET = Scalar("battery", "<f4", default=-1.0), "quiet"


@pytest.fixture
def old_run(tmp_path):
    """A run that commit 5087598 recorded."""
    return RunFolder(shutil.copytree(RECORDING, tmp_path / "夢 run"))


def add_scalar_and_term(patch):
    """What a later version would do: one more scalar and one more reward term."""
    for module in (step, messages):
        patch.setattr(module, "SCALARS", (*step.SCALARS, BATTERY))

    def quiet(config):
        yield RewardTerm(QUIET, 0.5, lambda steps: 1.0 - np.abs(steps.last_action).max(-1))

    patch.setattr(rewards, "TERMS", (*rewards.TERMS, quiet))


@pytest.fixture
def later_run(old_run, monkeypatch):
    """The run after a later version, with one more scalar and reward term, has continued it."""
    with monkeypatch.context() as patch:
        add_scalar_and_term(patch)
        config = old_run.config
        reader = JournalReader(old_run.journal)
        layout = step_layout(config.reward, reader.layout.spaces)
        rows = as_layout(reader.read(0, ADDED), StepLayout(layout.spaces, layout.reward_terms))
        writer = JournalWriter(
            old_run.journal, layout, segment_steps=64, max_steps=10_000, background=False
        )
        for i in range(ADDED):
            row = rows[i, ...]
            row["tick"], row["battery"], row[value_field(QUIET)] = STEPS + i, 0.25, 7.0
            row["monotonic_ns"] += 10**12
            row["wall_ns"] += 10**12
            row["weight.quiet"] = 0.5
            writer.append(row)
        writer.close()
        recorder = Recorder(old_run.journal, old_run.session, config, read_run_metadata(old_run))
        recorder.record_new_steps()
        recorder.close()
    make_known(old_run.path)
    return old_run


def rows_of(run):
    """The Steps as the journal and as the session hold them."""
    reader = JournalReader(run.journal)
    session = Session(run.session)
    return reader.read(0, reader.end, verify=True), session.read(0, session.end)


def test_an_added_scalar_and_term_have_defaults_in_an_old_recording(old_run, monkeypatch):
    with monkeypatch.context() as patch:
        add_scalar_and_term(patch)
        for rows in rows_of(old_run):
            assert (rows["battery"] == -1.0).all()
        assert QUIET not in Session(old_run.session).layout.reward_terms


def test_an_added_scalar_and_term_are_read_back_from_journal_and_session(later_run, monkeypatch):
    with monkeypatch.context() as patch:
        add_scalar_and_term(patch)
        for rows in rows_of(later_run):
            assert rows["battery"].tolist() == [-1.0] * STEPS + [0.25] * ADDED
            assert rows[value_field(QUIET)].tolist() == [0.0] * STEPS + [7.0] * ADDED


def test_unknown_fields_are_ignored_and_unknown_terms_are_kept(later_run):
    journal, session = rows_of(later_run)
    assert "battery" not in journal.dtype.names
    np.testing.assert_array_equal(journal["tick"], session["tick"])
    np.testing.assert_array_equal(journal["image"], session["image"])
    np.testing.assert_array_equal(recorded_reward(journal), recorded_reward(session))
    assert journal[value_field(QUIET)][STEPS:].tolist() == [7.0] * ADDED


def test_every_command_reads_a_recording_of_a_later_version(later_run, tmp_path):
    path = later_run.path
    assert f" {STEPS + ADDED} " in here("sessions", "list", path.parent).all
    info = json.loads(here("sessions", "info", path, "--json").output)
    assert info["steps"] == STEPS + ADDED
    assert f"{STEPS + ADDED} steps" in here("sessions", "verify", path).all
    here("sessions", "recover", path)
    parts = sorted(later_run.session.glob("*.mcap"))
    here("sessions", "merge", *parts, "--out", tmp_path / "merged.mcap")
    merged = Session(tmp_path / "merged.mcap").read(0, STEPS + ADDED)
    np.testing.assert_array_equal(recorded_reward(merged), recorded_reward(rows_of(later_run)[1]))
    here("sessions", "export", path, "--to", "npz", "--out", tmp_path / "arrays")
    with np.load(next((tmp_path / "arrays").glob("*.npz"))) as arrays:
        assert arrays[value_field(QUIET)][-1] == 7.0
    verdict = json.loads(here("replay", path, "--json", code=(0, 1)).output)
    assert verdict["ticks"] == STEPS + ADDED
    assert verdict["unverified"] == {}
    small = ("world.camera.width=16", "world.camera.height=16", "model.depth=2")
    words = ("tiny", *small, "--sessions", path / "session", "--updates", 2)
    here("train", *words, "--out", tmp_path / "offline", "--quiet")
    here("forget", path, "--last", "1s", "--yes")
    assert Session(later_run.session).steps_recorded < STEPS + ADDED
    assert (rows_of(later_run)[0]["situation"][-1]) & Situation.FORGOTTEN


@pytest.mark.e2e
def test_a_run_of_a_later_version_is_resumed(later_run):
    call("run", "--resume", later_run.path, "--seconds", 2, "--quiet")
    reader = JournalReader(later_run.journal)
    assert reader.end > STEPS + ADDED
    assert reader.read(0, reader.end, verify=True)["index"].tolist() == list(range(reader.end))
    assert reader.layout.reward_terms[0].startswith("parameters."), "newest terms first"
    assert "intact" in here("sessions", "verify", later_run.path).all
    session = Session(later_run.session)
    assert session.end > STEPS + ADDED
    assert not session.gaps
