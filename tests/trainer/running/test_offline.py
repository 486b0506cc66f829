"""Learning from records: what is imported, what is held out, and where a life goes on from."""

import errno
import json
import math
import threading

import numpy as np
import pytest
import torch

from configs.errors import BadInput
from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.journal.layout import create_segment
from interfaces.runtime.lockstep_worlds import make_lockstep_worlds
from interfaces.runtime.run_folder import RunFolder, create_run
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.maintain import maintenance as care
from interfaces.session.recorder import Recorder
from interfaces.session.run_steps import Lived
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from tests.interfaces.session.format.test_session import record
from tests.interfaces.session.recordings import make_steps
from trainer.data.replay_buffer import Replay
from trainer.evaluation.what_if import compare, write
from trainer.running.checkpoints import Checkpoints
from trainer.running.lockstep import Lockstep
from trainer.running.offline import (
    Interrupted,
    Offline,
    _boundary,
    check_spaces,
    default_updates,
    find,
    import_sessions,
)
from trainer.running.train_ratio import TrainRatio

TINY = ROOT / "configs" / "tiny.yaml"


def live(folder, steps, seed, *words) -> RunFolder:
    """A life in lockstep, recorded."""
    config = load_config(TINY, [f"seed={seed}", "trainer.prefill=1000", *words])
    run = create_run(folder, config, "tiny", ROOT)
    Lockstep(run, config, make_lockstep_worlds(config, seed)).run(
        steps, lambda _: None, lambda: False
    )
    recorder = Recorder(run.journal, run.session, config, {})
    recorder.carry()
    recorder.close()
    return run


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("夢 records")
    for seed in (1, 2, 3):
        live(folder / f"life{seed}", 80, seed)
    return folder


def imported(tmp_path, lives, *words):
    config = load_config(TINY, ["trainer.prefill=30", "trainer.holdout=0.2", *words])
    run = create_run(tmp_path / "run", config, "tiny", ROOT)
    return run, config, import_sessions(run, config, find([str(lives / "life*" / "session")]))


def test_sessions_become_one_journal_with_whole_ones_held_out(tmp_path, lives):
    run, _, found = imported(tmp_path, lives)
    assert (found.steps, found.held_out_from) == (240, 160)
    rows = JournalReader(run.journal).read(0, 240, verify=True)
    for i in range(3):
        own = JournalReader(lives / f"life{i + 1}" / "journal").read(0, 80)
        part = rows[80 * i : 80 * (i + 1)]
        for name in ("image", "vector", "action", "log_prob", "tick"):
            np.testing.assert_array_equal(part[name], own[name])
        assert part["is_first"][0]
        assert part["is_last"][-1]


def test_a_gap_is_an_end_and_a_beginning(tmp_path):
    steps = np.concatenate([make_steps(25), make_steps(25, first=40)])
    steps["is_first"] = steps["is_last"] = False
    record(tmp_path / "session", steps)
    config = load_config(TINY)
    run = RunFolder(tmp_path / "run")
    import_sessions(run, config, find([str(tmp_path / "session")]))
    rows = JournalReader(run.journal).read(0, 50, verify=True)
    assert np.flatnonzero(rows["is_first"]).tolist() == [0, 25]
    assert np.flatnonzero(rows["is_last"]).tolist() == [24, 49]
    assert not rows["reward"][[0, 25]].any()


def test_records_that_do_not_fit_on_the_disk_are_not_taken_for_all(tmp_path, lives, monkeypatch):
    made = []

    def create(*words):
        made.append(words)
        if len(made) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return create_segment(*words)

    words = ["journal.segment_steps=64"]
    with monkeypatch.context() as patch:
        patch.setattr("interfaces.journal.writer.create_segment", create)
        with pytest.raises(OSError, match="disk is full"):
            imported(tmp_path, lives, *words)
    run = RunFolder(tmp_path / "run")
    assert not run.sources.exists()
    config = load_config(TINY, ["trainer.holdout=0.2", *words])
    again = import_sessions(run, config, find([str(lives / "life*" / "session")]))
    assert again.steps == 240, "with room it begins anew"


def test_it_learns_goes_on_and_is_carried_into_a_life(tmp_path, lives):
    run, config, found = imported(tmp_path, lives)
    offline = Offline(run, config, found)
    before = [p.clone() for p in offline.learner.networks.parameters()]
    first = offline.held_out_loss()
    offline.run(40, lambda _: None, threading.Event())
    assert offline.held_out_loss() < first
    changed = zip(before, offline.learner.networks.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in changed)
    again = Offline(run, config, found)
    assert again.learner.updates == 40
    assert again.held_out_loss() == pytest.approx(offline.held_out_loss())
    for until in (43, 45):  # it may be asked more than once
        again.run(until, lambda _: None, threading.Event())
    newest = Checkpoints(run.checkpoints, 3).newest()
    assert newest.updates == 45
    # A life that goes on is neither charged for what was learned before it nor owes what was not.
    free, ratio = newest.tensors["ratio/free"].clone(), TrainRatio(config.trainer)
    assert not ratio.allows(240, newest.updates, free)
    later = math.ceil(240 + 3 * config.replayed_per_update / config.trainer.train_ratio)
    assert ratio.allows(later, newest.updates + 2, free)
    assert not ratio.allows(later, newest.updates + 3, free)
    # A ratio that was lowered counts from where it was.
    lower = TrainRatio(config.trainer.model_copy(update={"train_ratio": 4.0}))
    assert not lower.allows(later, newest.updates + 3, free)
    later += math.ceil(2 * config.replayed_per_update / 4.0)
    assert lower.allows(later, newest.updates + 4, free)
    assert not lower.allows(later, newest.updates + 5, free)
    # And it learned from what is not held out, alone.
    assert again._replay.held_out_from == 160


@pytest.mark.parametrize(
    ("steps", "updates"), [(300, 100), (3_000, 1000), (108_000, 1000), (384_000, 3000)]
)
def test_how_long_it_learns_where_nobody_says(steps, updates):
    """records: batches of 8 x 48 Steps, and a life would replay 128 for each."""
    assert default_updates(steps, load_config(ROOT / "configs" / "records.yaml")) == updates


def test_no_part_of_the_records_is_the_present(tmp_path, lives, monkeypatch):
    run, config, found = imported(tmp_path, lives, "trainer.recent=0.5", "trainer.recent_steps=20")
    drawn: list[int] = []
    windows = Replay.windows

    def watched(self, starts, length):
        drawn.extend(starts.tolist())
        return windows(self, starts, length)

    offline = Offline(run, config, found)
    monkeypatch.setattr(Replay, "windows", watched)
    for update in range(50):
        offline._replay.sample(update)
    last = found.held_out_from - config.trainer.length
    assert len(drawn) == 50 * config.trainer.batch
    assert np.mean(np.array(drawn) < last / 2) == pytest.approx(0.5, abs=0.12)


def test_another_reward_teaches_something_new_from_an_old_life(tmp_path, lives):
    run, config, found = imported(tmp_path, lives, "reward.action_cost=5", "reward.surprise=0")
    offline = Offline(run, config, found)
    batch = offline._replay.windows(np.array([1, 30]), 8)
    assert float(batch.reward.mean()) < -0.5


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["method=ppo", "model.core=none", "reward.surprise=0"], "method ppo"),
        (["trainer.prefill=5000"], "too few"),
    ],
)
def test_what_cannot_learn_from_records_says_so(tmp_path, lives, words, named):
    with pytest.raises(BadInput, match=named):
        Offline(*imported(tmp_path, lives, *words))


def test_too_few_is_said_before_anything_is_written(tmp_path, lives):
    with pytest.raises(BadInput, match="240 steps are too few"):
        imported(tmp_path, lives, "trainer.prefill=5000")
    assert not (tmp_path / "run" / "journal").exists()


def test_an_import_that_is_ended_is_begun_anew(tmp_path, lives):
    stopped, run = threading.Event(), RunFolder(tmp_path / "run")
    config, sessions = load_config(TINY), find([str(lives / "life*" / "session")])
    with pytest.raises(Interrupted):
        import_sessions(
            run, config, sessions, lambda steps: stopped.set() if steps > 100 else None, stopped
        )
    assert not run.sources.exists()
    assert import_sessions(run, config, sessions).steps == 240


class Sized:
    def __init__(self, steps):
        self.steps_recorded = steps


@pytest.mark.parametrize(
    ("sizes", "held"),
    [
        ([1_000], 100),
        ([450, 450, 100], 100),  # a whole one
        ([800, 110, 90], 200),  # two of them are no more than twice what is wanted
        ([500, 500], 100),  # too long: its newest part
        ([100, 50_000], 2_000),
        ([6_000, 400_000], 2_000),
        ([90_000, 9_000, 1_000], 1_000),
        ([90_000, 9_990, 10], 2_000),
    ],
)
def test_no_more_is_held_out_than_about_what_is_asked_for(sizes, held):
    config = load_config(TINY, ["trainer.holdout=0.1", "trainer.holdout_steps=2000"])
    assert sum(sizes) - _boundary([Sized(size) for size in sizes], config) == held


def test_no_life_is_learned_from_twice(tmp_path, lives):
    twice = [str(lives / "life1"), str(lives / "life1" / "session")]
    assert len(find(twice)) == 1
    part = tmp_path / "part.mcap"
    began = Session(lives / "life1").infos[0].began_ns
    care.cut(lives / "life1", part, began + 10**9, began + 2 * 10**9)
    with pytest.raises(SessionError, match="have the same Steps"):
        find([*twice, str(part)])
    assert len(find([str(lives / "life2"), str(part)])) == 2


def test_what_others_lived_is_not_replayed_as_its_own(tmp_path, lives):
    run, *_ = imported(tmp_path, lives)
    with pytest.raises(SessionError, match="nothing was lived"):
        Lived(run)


def test_what_is_no_session_or_of_other_spaces_is_named(tmp_path, lives):
    with pytest.raises(SessionError, match="no session there"):
        find([str(tmp_path / "nothing*")])
    (session,) = find([str(lives / "life1")])
    other = load_config(TINY, ["world.camera.width=16", "world.camera.height=16"])
    with pytest.raises(SessionError, match=r"image_shape.*\[32, 32, 3\].*\[16, 16, 3\]"):
        check_spaces(session, vrchat_spaces(other.world), "the configuration")


def test_another_brain_over_the_same_life(tmp_path, lives):
    from interfaces.runtime.run_folder import open_run

    run = open_run(lives / "life1")
    found = compare(run, lives / "life2")
    assert [track.name for track in found.tracks] == ["as lived", "life2"]
    assert all(len(track.value) == 80 for track in found.tracks)
    lived = JournalReader(run.journal).read(0, 80)
    np.testing.assert_array_equal(found.tracks[0].action, lived["action"])
    assert not np.array_equal(found.tracks[1].action, lived["action"])
    for wrong, named in (("nowhere", "nowhere is not a run"), ("empty", "is not a run")):
        (tmp_path / "empty").mkdir(exist_ok=True)
        thought = []
        with pytest.raises(BadInput, match=named):
            compare(run, tmp_path / wrong, thought.append)
        assert not thought, "said before a life is thought"
    for name in ("page.json", "page", "page.mp4"):
        with pytest.raises(BadInput, match=r"ends in \.png"):
            write(found, tmp_path / name)
    page = tmp_path / "replays" / "page.png"
    write(found, page)
    assert page.stat().st_size > 10_000
    assert sorted(path.name for path in page.parent.iterdir()) == ["page.json", "page.png"]
    told = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["index"] == list(range(80))
    assert [track["name"] for track in told["tracks"]] == ["as lived", "life2"]
    for number, action in enumerate(Lived(run).spaces.actions):
        done = told["tracks"][0]["action"][action.name]
        np.testing.assert_allclose(done, lived["action"][:, number], atol=1e-5)
    with pytest.raises(BadInput, match="written over"):
        write(found, page)
    chance = compare(run, None).tracks[1]
    assert np.isnan(chance.value).all()
    buttons = [action.kind != "axis" for action in Lived(run).spaces.actions]
    assert set(np.unique(chance.action[:, buttons])) == {0.0, 1.0}
    assert np.abs(chance.action).max() <= 1
