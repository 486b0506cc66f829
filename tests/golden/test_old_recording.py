"""A run recorded by commit 5087598 is read by the code of today: journal, session, weights.

What each file is: tests/golden/recordings/commit_5087598/README.md.
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from interfaces.core.step import OLD_REWARD_TERMS, weighted_terms
from interfaces.journal import JournalReader
from interfaces.runtime.known_runs import is_known
from interfaces.session import Session
from tests.cli import call, here

RECORDING = Path(__file__).parent / "recordings" / "commit_5087598"
STEPS = 92


@pytest.fixture
def run(tmp_path):
    """A copy. It is older than ids of runs, so it is unknown, and reading writes nothing in it."""
    copy = shutil.copytree(RECORDING, tmp_path / "夢 run")
    before = contents(copy)
    yield copy
    assert is_known(copy) or contents(copy) == before


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def digests_of(rows):
    """SHA-256 of each field of that commit. The reward terms are joined to one field, as then."""
    fields = {n: rows[n] for n in rows.dtype.names if not n.startswith(("reward.", "weight."))}
    terms = weighted_terms(rows)
    assert tuple(terms) == OLD_REWARD_TERMS
    fields["reward"] = np.stack(list(terms.values()), -1)
    return {
        name: hashlib.sha256(np.ascontiguousarray(field).tobytes()).hexdigest()
        for name, field in fields.items()
        if name in recorded_digests()  # a later version may have more fields
    }


def recorded_digests():
    return json.loads((RECORDING / "digests.json").read_text(encoding="utf-8"))


def test_every_field_of_the_old_journal_is_read_bit_for_bit(run):
    reader = JournalReader(run / "journal")
    reader.refresh()
    assert (reader.first, reader.end) == (0, STEPS)
    assert digests_of(reader.read(0, STEPS, verify=True)) == recorded_digests()


def test_the_old_session_holds_the_same_steps_as_the_journal(run):
    session = Session(run / "session")
    rows = session.read(0, STEPS)
    assert digests_of(rows) == recorded_digests()


def test_the_old_session_verifies(run):
    assert f"{STEPS} steps" in here("sessions", "verify", run).all


def test_the_old_run_is_replayed_with_the_same_decisions(run):
    verdict = json.loads(here("replay", run, "--json", code=(0, 1)).output)
    # Another processor rounds otherwise: then decisions differ in their last bits, and are compared
    # with a tolerance by tests/golden/test_golden_decisions.py.
    assert verdict["verified"] == STEPS, "replayed and compared"
    assert verdict["missing"] == []
    assert verdict["unverified"] == {}


def test_the_old_checkpoint_is_evaluated(run):
    result = json.loads(here("evaluate", run, "--episodes", 1, "--json").output)
    assert (result["steps"], result["updates"]) == (91, 38)
    assert np.isfinite(result["returns"]).all()


def test_the_old_session_trains_a_new_agent(run, tmp_path):
    small = ("world.camera.width=16", "world.camera.height=16", "model.depth=2")
    words = ("tiny", *small, "--sessions", run / "session", "--updates", 3)
    here("train", *words, "--out", tmp_path / "offline", "--quiet")
    assert list((tmp_path / "offline" / "checkpoints").glob("*.safetensors"))


@pytest.mark.e2e
def test_the_old_run_is_resumed(run):
    assert "python main.py trust" in call("run", "--resume", run, code=2).errors
    here("trust", run, "--yes")
    call("run", "--resume", run, "--seconds", 2, "--quiet")
    reader = JournalReader(run / "journal")
    reader.refresh()
    assert reader.end > STEPS, "steps were added to the old journal"
    assert "intact" in here("sessions", "verify", run).all
