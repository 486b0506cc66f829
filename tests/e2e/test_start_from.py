"""`run --from` and `train --from`: a new run with the networks of another one."""

import json

import pytest

from interfaces.journal import JournalReader
from tests.cli import call, here

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    run = tmp_path_factory.mktemp("源 source") / "run"
    here("train", "tiny", "--seed", 7, "--steps", 110, "--out", run, "--quiet")
    return run


def test_a_live_run_acts_from_its_first_tick_with_the_networks_of_a_lockstep_run(source, tmp_path):
    run = tmp_path / "new"
    words = ("run", "tiny", "--seconds", 4, "--out", run, "--from", source)
    done = call(*words, "world.parameters=[Upright, HeadPat]")
    assert "feature Upright: not in the source; newly initialised" in done.all
    meta = json.loads((run / "meta.json").read_text(encoding="utf-8"))
    assert meta["from"]["step"] == 110
    rows = JournalReader(run / "journal")
    rows.refresh()
    assert rows.read(0, rows.end)["weights_version"].min() >= 1, "never the initial weights"
    report = json.loads(here("replay", run, "--json").output)
    assert (report["verified"], report["differing"]) == (rows.end, 0)
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert summary["total_updates"] > 0, "it learns"


def test_a_lockstep_run_starts_from_another_and_can_be_resumed(source, tmp_path):
    run = tmp_path / "new"
    done = here("train", "tiny", "--steps", 40, "--out", run, "--from", source)
    assert "everything matches" in done.all
    here("train", "--resume", run, "--steps", 60, "--quiet")
    report = json.loads(here("replay", run, "--json").output)
    assert (report["verified"], report["differing"], report["missing"]) == (60, 0, [])


def test_a_source_that_cannot_be_used_is_named_and_leaves_no_folder(source, tmp_path):
    new = tmp_path / "new"
    for command in ("run", "train"):
        done = call(command, "tiny", "--out", new, "--from", tmp_path / "absent", code=2)
        assert "absent is not a run" in done.all
        assert not new.exists()
    done = here("train", "ppo", "--out", new, "--from", source, code=2)
    assert "its method is dreamer" in done.all
    assert not new.exists()
    done = here("run", "--resume", source, "--from", source, code=2)
    assert "use one of them" in done.all
    words = ("--sessions", source / "session", "--from", source)
    assert "--sessions" in here("train", "tiny", *words, code=2).all
