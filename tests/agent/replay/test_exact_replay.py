"""A life in lockstep, thought through again: the same bits, or it is said where not."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from agent.networks.agent_networks import build_for
from agent.networks.dynamics import State
from agent.replay.applied_weights import LivedWeights
from agent.replay.exact_replay import think_along, verify
from agent.replay.verify_run import replay_run, told
from configs.errors import BadInput
from configs.load import load_config
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.step_writer import Scribe, moment_dtype
from interfaces.runtime.lockstep_worlds import make_lockstep_worlds
from interfaces.runtime.run_folder import RunFolder, create_run
from interfaces.session.maintain.forget import Chosen, forget
from interfaces.session.recorder import Recorder
from interfaces.session.run_steps import Lived
from tests.conftest import ROOT
from trainer.running.lockstep import Lockstep

STEPS = 120
_UNKNOWN = "its memory is not known until the next beginning or keyframe: steps are missing"


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    from rich.console import Console

    folder = tmp_path_factory.mktemp("夢 replay") / "run"
    config = load_config(ROOT / "configs" / "tiny.yaml", ["trainer.prefill=40", "seed=5"])
    run = create_run(folder, config, "tiny", ROOT)
    Lockstep(run, config, make_lockstep_worlds(config, 5)).run(STEPS, lambda _: None, lambda: False)
    return run, Console(quiet=True)


def record(run: RunFolder, *words):
    recorder = Recorder(run.journal, run.session, load_config(run.config_file, words), {})
    recorder.carry()
    recorder.close()


def _thoughts(steps, weights, config, **how):
    return [thought for _, thought in think_along(steps, weights, config, **how)]


@contextmanager
def without(run: RunFolder, number: int):
    """Meanwhile one of the kept versions is not there; which."""
    path = sorted((run.weights / "applied").glob("*.safetensors"))[number]
    hidden = path.with_suffix(".hidden")
    path.rename(hidden)
    try:
        yield int(path.stem)
    finally:
        hidden.rename(path)


def test_the_weights_that_lived_it_decide_the_same_again(lived):
    run, console = lived
    verdict = replay_run(run, console, quiet=True)
    assert (verdict.ticks, verdict.verified, verdict.differing) == (STEPS, STEPS, 0)
    record(run)
    verdict = replay_run(run, console, quiet=True)
    assert (verdict.ticks, verdict.verified, verdict.differing) == (STEPS, STEPS, 0)
    versions = JournalReader(run.journal).read(0, STEPS)["weights_version"]
    assert len(np.unique(versions)) > 3


def test_a_weight_that_was_changed_is_seen(lived):
    run, console = lived
    kept = sorted((run.weights / "applied").glob("*.safetensors"))
    path = kept[len(kept) // 2]
    before = path.read_bytes()
    header = json.loads(before[8 : 8 + int.from_bytes(before[:8], "little")])["__metadata__"]
    flat = load_file(path)["flat"].copy()
    flat[::97] *= 1.01
    try:
        save_file({"flat": flat}, path, metadata=header)
        verdict = replay_run(run, console, quiet=True)
        assert verdict.differing > 0
        assert verdict.first.version == int(path.stem)
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


def test_what_cannot_be_verified_is_counted_and_said(lived):
    run, console = lived
    with without(run, 2) as version:
        verdict = replay_run(run, console, quiet=True)
    assert verdict.differing == 0
    assert 0 < verdict.verified < STEPS
    assert verdict.unverified["weights that are not kept"] > 0
    assert verdict.missing == [f"weights {version}"]
    assert verdict.verified + sum(verdict.unverified.values()) == STEPS


@pytest.mark.parametrize("recorded", [False, True], ids=["journal", "session"])
@pytest.mark.parametrize("first", [0, 50])
def test_what_follows_on_the_forgotten_is_not_called_different(lived, tmp_path, recorded, first):
    """It looks like a beginning, but the body had a memory there."""
    run, console = lived
    shutil.copytree(run.path, tmp_path / "run")
    copy = RunFolder(tmp_path / "run")
    shutil.rmtree(copy.session, ignore_errors=True)
    if recorded:
        record(copy)
    forget(copy, Chosen(np.arange(first, first + 10), 0))
    verdict = replay_run(copy, console, quiet=True)
    assert verdict.differing == 0
    assert verdict.verified == first
    unknown = {why: n for why, n in verdict.unverified.items() if "memory is not known" in why}
    assert sum(unknown.values()) == STEPS - first - 10
    assert bool(verdict.missing) == recorded, "what a session lacks is said"


def test_a_beginning_is_one_after_a_gap_where_the_body_lived_it(lived):
    run, _ = lived
    config = run.config
    steps = [row[...] for row in JournalReader(run.journal).read(0, STEPS)]
    begun = steps[60].copy()
    begun["is_first"] = True
    weights = LivedWeights(run, Lived(run).spaces, config)
    kept = [*steps[:30], begun, *steps[61:80]]
    assert not any(isinstance(each, str) for each in _thoughts(kept, weights, config))
    begun["situation"] |= np.uint32(Situation.AFTER_GAP)  # as the scribe marks its own
    assert set(_thoughts(kept, weights, config)[30:]) == {_UNKNOWN}
    begun["is_first"] = False
    assert set(_thoughts(kept, weights, config)[30:]) == {_UNKNOWN}


def test_a_brain_that_did_not_live_it_begins_anew_after_a_gap(lived):
    run, _ = lived
    steps = [row[...] for row in JournalReader(run.journal).read(0, STEPS)]
    networks = build_for(Lived(run).spaces, run.config).eval()
    kept = [*steps[5:30], *steps[60:]]
    thoughts = _thoughts(kept, lambda _: networks, run.config, begins_anew=True)
    assert not any(isinstance(each, str) for each in thoughts)


def test_moments_that_were_dropped_are_not_called_different(lived, tmp_path):
    """The scribe makes a beginning of what follows on them; the body knew what was before."""
    run, console = lived
    shutil.copytree(run.path, tmp_path / "run")
    copy = RunFolder(tmp_path / "run")
    rows = JournalReader(run.journal).read(0, STEPS)
    spaces = Lived(run).spaces
    shutil.rmtree(copy.journal)
    shutil.rmtree(copy.session, ignore_errors=True)
    copy.keyframes.unlink()
    journal = JournalWriter(
        copy.journal, spaces, segment_steps=64, max_steps=1000, background=False
    )
    moment = np.zeros((), moment_dtype(spaces, 0))
    scribe = Scribe(journal, Board(copy.board, create=True), moment.dtype, background=False)
    for row in (*range(30), *range(40, STEPS)):
        moment["step"] = rows[row]
        moment["missed"] = 10 if row == 40 else 0
        scribe.take(moment)
    scribe.close()
    journal.close()
    verdict = replay_run(copy, console, quiet=True)
    assert (verdict.verified, verdict.differing) == (30, 0)
    assert verdict.unverified == {_UNKNOWN: STEPS - 40}


def test_a_keyframe_brings_the_memory_back(lived):
    """After weights that are no longer kept, and in a life whose beginning was deleted."""
    run, console = lived
    index = 100
    with without(run, 0):
        verdict = replay_run(run, console, quiet=True)
    assert (verdict.verified, verdict.differing) == (STEPS - index - 1, 0)
    rows = [row[...] for row in JournalReader(run.journal).read(index - 20, STEPS - index + 20)]
    weights = LivedWeights(run, Lived(run).spaces, run.config)
    found = verify(rows, weights, run.config, keyframes=weights.keyframes())
    assert (found.verified, found.differing) == (STEPS - index - 1, 0)


def test_a_wrong_keyframe_is_seen(lived):
    run, _ = lived
    rows = [row[...] for row in JournalReader(run.journal).read(90, STEPS - 90)]
    weights = LivedWeights(run, Lived(run).spaces, run.config)
    wrong = {
        index: State(deter + 1e-6, stoch) for index, (deter, stoch) in weights.keyframes().items()
    }
    found = verify(rows, weights, run.config, keyframes=wrong)
    assert found.differing > 0
    assert found.first.index == 101


def test_weights_that_are_not_kept_are_named_for_all_they_cost(lived):
    run, console = lived
    with without(run, 0) as version:
        verdict = replay_run(run, console, quiet=True)
    assert verdict.verified == STEPS - 101  # since the keyframe
    assert all("weights that are not kept" in why for why in verdict.unverified)
    assert verdict.missing == [f"weights {version}"]


def test_all_weights_that_are_gone_are_named(lived, tmp_path):
    run, console = lived
    shutil.copytree(run.path, tmp_path / "run")
    copy = RunFolder(tmp_path / "run")
    kept = sorted((copy.weights / "applied").glob("*.safetensors"))
    for path in kept[:-1]:
        path.unlink()
    verdict = replay_run(copy, console, quiet=True)
    first, last = int(kept[0].stem), int(kept[-2].stem)
    assert verdict.missing == [f"{len(kept) - 1} versions of the weights, {first} to {last}"]


def test_a_segment_without_an_end_is_said(lived, tmp_path):
    run, console = lived
    shutil.copytree(run.path, tmp_path / "run")
    copy = RunFolder(tmp_path / "run")
    shutil.rmtree(copy.session, ignore_errors=True)
    record(copy)
    (copy.session / "000000000500.live").write_bytes(b"")
    verdict = replay_run(copy, console, quiet=True)
    assert any("no end" in each for each in verdict.missing)
    assert "not there: the newest segment" in told(verdict)


def test_jpeg_is_not_verified(lived, tmp_path):
    run, console = lived
    shutil.copytree(run.path, tmp_path / "run")
    copy = RunFolder(tmp_path / "run")
    shutil.rmtree(copy.session, ignore_errors=True)
    record(copy, "session.camera=jpeg")
    with pytest.raises(BadInput, match="JPEG"):
        replay_run(copy, console, quiet=True)
