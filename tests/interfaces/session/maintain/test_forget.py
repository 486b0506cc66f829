"""After `forget` no file of the run holds anything of the deleted Steps."""

import numpy as np
import pytest
from typer.testing import CliRunner

from configs.load import load_config
from interfaces.cli.forget_command import app as forget_app
from interfaces.cli.session_commands import app
from interfaces.core.situation_responses import excluded_from_learning
from interfaces.core.step import value_field
from interfaces.core.world import Situation
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import LatentSnapshots, read_latent_snapshots
from interfaces.journal.segment import Segment, segment_paths
from interfaces.runtime.run_lock import shared_lock
from interfaces.session.format.messages import EVENTS
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.forget import forget
from interfaces.session.maintain.recover import fill_from_journal
from interfaces.session.maintain.select_steps import (
    TimeSpan,
    count_segments,
    newest_span,
    select_steps,
)
from tests.interfaces.session.maintain.forgetting import (
    all_bytes,
    forget_span,
    forgotten_indices,
    record_run,
    recorded_indices,
)
from tests.interfaces.session.recordings import (
    SPACES,
    TICK_NS,
    damage,
    layout_of,
    make_run,
    same,
    time_of,
    write_journal,
)

LATENT = np.array([0.123, -4.567, 8.9], np.float32)


@pytest.fixture
def run(awkward_path, steps):
    """A recorded run with exports, leftovers of a crash, a checkpoint and latent snapshots."""
    steps["vector"][1:, 2:] = steps["action"][:-1]  # the previous action, as a body writes it
    run = record_run(awkward_path, steps)
    run.exports.mkdir()
    (run.exports / "run.mp4").write_bytes(b"a video")
    run.replays.mkdir()
    (run.replays / "random.json").write_bytes(b"actions")
    (run.session / "000000000000.damaged").write_bytes(steps[599]["image"].tobytes())
    (run.session / "recovering").mkdir()
    (run.session / "recovering" / "000000000000.live").write_bytes(steps[598]["image"].tobytes())
    run.checkpoints.mkdir()
    (run.checkpoints / "000000000005.safetensors").write_bytes(b"weights")
    run.view.write_bytes(b"a picture")
    snapshots = LatentSnapshots(run.latent_snapshots, len(LATENT))
    snapshots.save_if_due(300, LATENT)
    snapshots.save_if_due(400, LATENT + 1)
    return run


def test_no_file_holds_a_deleted_step(run, steps):
    span = newest_span(run, 249 * TICK_NS * 1e-9)
    assert span == TimeSpan(time_of(350), time_of(599) + 1, 350)
    result = forget(run, select_steps(run, span))
    assert (result.journal_steps, result.session_steps) == (250, 250)
    names = ["run.mp4", "random.json", "000000000000.damaged"]
    assert [path.name for path in result.exports] == names
    assert [path.name for path in result.checkpoints] == ["000000000005.safetensors"]
    assert not run.exports.exists()
    assert not run.replays.exists()
    assert not run.view.exists()

    rows = JournalReader(run.journal).read(0, 600, verify=True)
    assert same(rows[:350], steps[:350])
    terms = [value_field(term) for term in layout_of(SPACES).reward_terms]
    for name in ("image", "vector", "action", "chosen", "world_reward", "log_prob", *terms):
        assert not rows[name][350:].any(), name
    assert (rows["situation"][350:] == Situation.FORGOTTEN).all()
    config = load_config(run.config_file)
    assert excluded_from_learning(config.world.situations) & Situation.FORGOTTEN

    assert Session(run.session).end == 350
    assert fill_from_journal(run.session, run.journal) == 0, "the journal does not restore it"
    left = all_bytes(run.path)
    for step in steps[350:]:
        assert step["image"].tobytes() not in left
    assert steps[10]["image"].tobytes() in left
    assert LATENT.tobytes() in left
    assert (LATENT + 1).tobytes() not in left, "the latent snapshot of a deleted Step"


def test_snapshots_of_steps_that_no_longer_exist_are_deleted_for_any_span(tmp_path, steps):
    """The journal deleted these Steps and no session has them: their times are unknown."""
    run = make_run(tmp_path)
    write_journal(run.journal, steps, max_steps=128).close()
    assert JournalReader(run.journal).first > 300
    snapshots = LatentSnapshots(run.latent_snapshots, len(LATENT))
    snapshots.save_if_due(0, LATENT)
    snapshots.save_if_due(500, LATENT + 1)
    words = [str(run.path), "--from", "2020-01-01T00:00", "--to", "2020-01-02T00:00", "--yes"]
    assert CliRunner().invoke(forget_app, words).exit_code == 2, "there is no Step in that span"
    assert read_latent_snapshots(run.latent_snapshots, len(LATENT)).keys() == {500}


def test_a_span_in_the_middle_becomes_a_gap_and_the_next_step_starts_an_episode(run, steps):
    result = forget_span(run, time_of(190), time_of(215))
    assert (result.journal_steps, result.session_steps) == (25, 25)
    session = Session(run.session)
    assert session.gaps == [(190, 25)]
    after = next(recorded for _, recorded in session.messages(215))
    assert EVENTS not in after.messages, "an event would describe the deleted Steps"
    kept = np.array([step for _, step in session.steps()])
    assert same(kept[:190], steps[:190])
    assert same(kept[191:], steps[216:])
    rows = JournalReader(run.journal).read(0, 600, verify=True)
    assert rows["is_first"][190:216].all()
    assert same(rows[216:], steps[216:])
    first = steps[215].copy()
    first["situation"] = Situation.AFTER_GAP
    first["is_first"], first["world_reward"] = True, 0.0
    for term in layout_of(SPACES).reward_terms:
        first[value_field(term)] = 0.0
    first["vector"][2:] = 0.0  # the previous action was in the span
    assert same(rows[215], first)
    assert same(kept[190], first)


def test_a_span_that_ends_with_a_segment_changes_the_next_segment(run, steps):
    forget_span(run, time_of(190), time_of(200))
    after = Session(run.session).read(200, 2)
    assert not after["vector"][0, 2:].any()
    assert after["is_first"][0]
    assert same(after[1], steps[201])


def test_progress_advances_once_per_segment(run):
    calls = []
    span = TimeSpan(time_of(190), time_of(215))
    selected = select_steps(run, span, lambda: calls.append("read"))
    total = count_segments(run)
    forget(run, selected, lambda: calls.append("deleted"))
    assert total > 3  # three of the session, and those of the journal
    assert calls == ["read"] * total + ["deleted"] * total


def test_an_interrupted_forget_can_be_repeated(run, monkeypatch):
    span = (time_of(190), time_of(215))

    def refuse(path, **_):
        raise PermissionError(f"{path} is open in another process")

    with monkeypatch.context() as patch:
        patch.setattr("configs.reading.busy_files.shutil.rmtree", refuse)
        with pytest.raises(PermissionError):
            forget_span(run, *span)
    assert run.exports.exists()
    assert forget_span(run, *span).session_steps == 25
    assert not run.exports.exists()


def test_no_step_is_lost_when_a_segment_cannot_be_replaced(run, monkeypatch):
    before = recorded_indices(run)

    def refuse(self, target):
        raise PermissionError(f"{target} is open in another process")

    with monkeypatch.context() as patch:
        patch.setattr("interfaces.session.maintain.forget.Path.replace", refuse)
        with pytest.raises(PermissionError):
            forget_span(run, time_of(190), time_of(215))
    assert recorded_indices(run) == before
    assert forget_span(run, time_of(190), time_of(215)).session_steps == 25
    assert Session(run.session).steps_recorded == 575


def test_a_span_without_steps_is_refused_and_changes_nothing(run):
    before = all_bytes(run.path)
    with pytest.raises(SessionError, match="has no Steps in that time span"):
        forget_span(run, 5, 10)
    assert all_bytes(run.path) == before


def test_truncated_steps_and_steps_behind_the_commit_counter_are_deleted(tmp_path, steps):
    run = record_run(tmp_path, steps, 0)
    writer = JournalWriter(
        run.journal, layout_of(SPACES), segment_steps=64, max_steps=10**6, background=False
    )
    writer.truncate(590)
    writer.close()
    assert steps[595]["image"].tobytes() in all_bytes(run.path)
    segment = Segment(segment_paths(run.journal)[-2], SPACES)
    segment.committed = 3  # as after a power cut: this page was not written
    del segment
    forget_span(run, time_of(570), time_of(600))
    left = all_bytes(run.path)
    assert not [i for i in range(570, 600) if steps[i]["image"].tobytes() in left]
    assert steps[569]["image"].tobytes() in left


def test_damage_outside_of_the_span_does_not_prevent_it(run):
    damage(segment_files(run.session)[0])
    assert forget_span(run, time_of(500), time_of(600)).session_steps == 100


def test_a_truncated_journal_segment_is_deleted_and_a_truncated_session_segment_refused(run, steps):
    """A session segment must be recovered first: the times of its Steps are unknown."""
    segment = segment_paths(run.journal)[0]
    segment.write_bytes(segment.read_bytes()[:-1000])
    file = segment_files(run.session)[0]
    content = file.read_bytes()
    file.write_bytes(content[:-1000])
    words = [str(run.path), "--last", "5s", "--yes"]
    done = CliRunner().invoke(forget_app, words)
    assert done.exit_code == 2
    assert "sessions recover" in done.output.replace("\n", " ")
    file.write_bytes(content)
    done = CliRunner().invoke(forget_app, words)
    assert done.exit_code == 0, done.output
    left = all_bytes(run.path)
    assert not [i for i in range(500, 600) if steps[i]["image"].tobytes() in left]


def test_the_question_lists_everything_that_will_be_deleted(run):
    for words, message in (
        (("--last", "0s"), "the time span is empty"),
        (("--from", "20s", "--to", "10s"), "--from 20s is not before --to 10s"),
    ):
        done = CliRunner().invoke(forget_app, [str(run.path), *words, "--yes"])
        assert done.exit_code == 2
        assert message in done.output
    done = CliRunner().invoke(forget_app, [str(run.path), "--last", "1s"], input="n\n")
    assert "and 3 exports, replays and damaged files" in done.output
    assert run.exports.exists()


def test_live_weights_are_listed_and_the_board_is_deleted(run):
    run.weights.mkdir()
    (run.weights / "live-12345678.mmap").write_bytes(b"weights")
    run.board.write_bytes(b"the last action")
    result = forget_span(run, time_of(190), time_of(215))
    assert [path.name for path in result.weights] == ["live-12345678.mmap"]
    assert not run.board.exists()


def test_a_run_in_use_is_not_changed(run):
    path = str(run.path)
    with shared_lock(run), shared_lock(run):  # several readers are allowed
        for commands, words in (
            (forget_app, [path, "--last", "5s", "--yes"]),
            (app, ["recover", path]),
            (app, ["prune", path, "--keep-gb", "0", "--yes"]),
        ):
            done = CliRunner().invoke(commands, words)
            assert done.exit_code == 2, done.output
            assert "being read by a replay or an export" in done.stderr.replace("\n", " ")
    assert not forgotten_indices(run)
    assert len(segment_files(run.path)) == 3
