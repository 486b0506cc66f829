"""What somebody asked to be forgotten is nowhere any more."""

import numpy as np
import pytest
from filelock import FileLock
from typer.testing import CliRunner

from configs.load import load_config, write_config
from interfaces.cli.session_commands import app, beside
from interfaces.core.world import Situation
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import Keyframes, read_keyframes
from interfaces.journal.layout import Segment as JournalSegment
from interfaces.journal.layout import segment_paths
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import look_at
from interfaces.session.format.messages import EVENTS
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain import maintenance as care
from interfaces.session.maintain.forget import Span, choose, count_segments, newest
from interfaces.session.maintain.forget import forget as forget_chosen
from interfaces.session.maintain.recover import refill
from interfaces.vrchat.situation_detector import unlearned
from tests.conftest import ROOT
from tests.interfaces.session.format.test_session import record
from tests.interfaces.session.recordings import (
    BEAT_NS,
    BEGAN_NS,
    HEARING,
    SPACES,
    make_steps,
    same,
    write_journal,
)

MEMORY = np.array([0.123, -4.567, 8.9], np.float32)


def at(index):
    return BEGAN_NS + BEAT_NS * index


def forget(run, begin_ns, end_ns):
    return forget_chosen(run, choose(run, Span(begin_ns, end_ns)))


def forgotten(run):
    """Indices in the journal."""
    reader = JournalReader(run.journal)
    rows = reader.read(reader.first, reader.end - reader.first, verify=True)
    return rows["index"][rows["situation"] == Situation.FORGOTTEN].tolist()


def life(path, steps, each=200):
    """Its journal and, where `each` is not 0, its session, in segments of so many Steps."""
    run = RunFolder(path)
    write_journal(run.journal, steps).close()
    if each:
        record(run.session, steps, each)
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    return run


@pytest.fixture
def steps():
    steps = make_steps(600)
    steps["situation"], steps["frame_age_s"] = 0, 0.0
    return steps


@pytest.fixture
def run(awkward_path, steps):
    steps["vector"][1:, 2:] = steps["action"][:-1]  # the action before, as bodies write it
    run = life(awkward_path, steps)
    run.exports.mkdir()
    (run.exports / "life.mp4").write_bytes(b"a video")
    run.replays.mkdir()
    (run.replays / "random.json").write_bytes(b"what was done")
    (run.session / "000000000000.damaged").write_bytes(steps[599]["image"].tobytes())
    (run.session / "recovering").mkdir()
    (run.session / "recovering" / "000000000000.live").write_bytes(steps[598]["image"].tobytes())
    run.checkpoints.mkdir()
    (run.checkpoints / "000000000005.safetensors").write_bytes(b"weights")
    run.view.write_bytes(b"a picture")
    kept = Keyframes(run.keyframes, len(MEMORY))
    kept.take(300, MEMORY)
    kept.take(400, MEMORY + 1)
    return run, steps


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_of_the_span_is_left(run):
    run, steps = run
    span = newest(run, 249 * BEAT_NS * 1e-9)
    assert span == Span(at(350), at(599) + 1, 350)
    found = forget_chosen(run, choose(run, span))
    assert (found.journal_steps, found.session_steps) == (250, 250)
    names = ["life.mp4", "random.json", "000000000000.damaged"]
    assert [path.name for path in found.exports] == names
    assert [path.name for path in found.checkpoints] == ["000000000005.safetensors"]
    assert not run.exports.exists()
    assert not run.replays.exists()
    assert not run.view.exists()

    reader = JournalReader(run.journal)
    rows = reader.read(0, 600, verify=True)
    assert same(rows[:350], steps[:350])
    for name in ("image", "vector", "action", "chosen", "world_reward", "reward", "log_prob"):
        assert not rows[name][350:].any(), name
    assert (rows["situation"][350:] == Situation.FORGOTTEN).all()
    config = load_config(run.config_file)
    assert unlearned(config.world.situations) & Situation.FORGOTTEN

    session = Session(run.session)
    assert session.end == 350

    assert refill(run.session, run.journal) == 0, "the journal does not bring it back"
    left = everything(run.path)
    for step in steps[350:]:
        assert step["image"].tobytes() not in left
    assert steps[10]["image"].tobytes() in left
    assert MEMORY.tobytes() in left
    assert (MEMORY + 1).tobytes() not in left, "what the body had in mind then"


def test_a_memory_of_steps_that_are_gone_goes_whatever_is_asked(tmp_path, steps):
    """The journal has let go of them, nothing recorded them: nobody can say when they were."""
    run = RunFolder(tmp_path)
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    write_journal(run.journal, steps, max_steps=128).close()
    oldest = JournalReader(run.journal).first
    assert oldest > 300
    kept = Keyframes(run.keyframes, len(MEMORY))
    kept.take(0, MEMORY)
    kept.take(500, MEMORY + 1)
    words = [str(run.path), "--from", "2020-01-01T00:00", "--to", "2020-01-02T00:00", "--yes"]
    assert CliRunner().invoke(beside, words).exit_code == 2, "nothing of that is there"
    assert read_keyframes(run.keyframes, len(MEMORY)).keys() == {500}


def test_a_span_in_the_middle_is_a_gap_and_what_follows_begins_anew(run):
    run, steps = run
    found = forget(run, at(190), at(215))
    assert (found.journal_steps, found.session_steps) == (25, 25)
    session = Session(run.session)
    assert session.gaps == [(190, 25)]
    after = next(each for _, each in session.messages(215))
    assert EVENTS not in after.messages, "what changed meanwhile is not told either"
    kept = np.array([step for _, step in session.steps()])
    assert same(kept[:190], steps[:190])
    assert same(kept[191:], steps[216:])
    rows = JournalReader(run.journal).read(0, 600, verify=True)
    assert rows["is_first"][190:216].all()
    assert same(rows[216:], steps[216:])
    begun = steps[215].copy()
    begun["situation"] = Situation.AFTER_GAP
    begun["is_first"], begun["reward"], begun["world_reward"] = True, 0.0, 0.0
    begun["vector"][2:] = 0.0  # the action before it was in the span
    assert same(rows[215], begun)
    assert same(kept[190], begun)


def test_it_is_said_how_far_it_has_come(run):
    run, _ = run
    told = []
    chosen = choose(run, Span(at(190), at(215)), lambda: told.append("read"))
    of_all = count_segments(run)
    forget_chosen(run, chosen, lambda: told.append("forgotten"))
    assert of_all > 3  # three of the session, and the journal's
    assert told == ["read"] * of_all + ["forgotten"] * of_all


def test_where_the_span_ends_with_a_segment_the_next_one_begins_anew(run):
    run, steps = run
    forget(run, at(190), at(200))
    after = Session(run.session).read(200, 2)
    assert not after["vector"][0, 2:].any()
    assert after["is_first"][0]
    assert same(after[1], steps[201])


def test_one_that_was_cut_short_is_done_again(run, monkeypatch):
    run, _ = run
    span = (at(190), at(215))

    def refuse(path, ignore_errors=False):
        raise PermissionError(f"{path} is open elsewhere")

    with monkeypatch.context() as patch:
        patch.setattr("interfaces.session.maintain.forget.shutil.rmtree", refuse)
        with pytest.raises(PermissionError):
            forget(run, *span)
    assert run.exports.exists()
    assert forget(run, *span).session_steps == 25
    assert not run.exports.exists()


def test_a_span_in_which_nothing_was_lived_is_refused(run):
    run, _ = run
    before = everything(run.path)
    with pytest.raises(SessionError, match="nothing was lived"):
        forget(run, 5, 10)
    assert everything(run.path) == before


def test_the_same_words_mean_the_same_span_ever_after(tmp_path, steps):
    """--to 10s is ten seconds from the life's beginning: without a session, with its beginning
    pruned, and once more."""
    for name, each in (("journal", 0), ("pruned", 200)):
        run = life(tmp_path / name, steps, each)
        if each:
            care.prune(care.to_prune([run.path], older_days=0.0, keep_gb=None, now_s=1e12)[:1])
        for _ in range(2):
            done = CliRunner().invoke(beside, [str(run.path), "--to", "10s", "--yes"])
            assert done.exit_code == 0, done.output
            assert forgotten(run) == list(range(200))


@pytest.mark.parametrize("hours", [9, -9])
def test_somebody_sets_the_clock_meanwhile(tmp_path, steps, hours):
    steps["wall_ns"][300:] += hours * 3600 * 10**9
    steps = steps[:400]
    run = life(tmp_path, steps)
    span = newest(run, 4.0)
    assert choose(run, span).indices.tolist() == list(range(319, 400))
    forget_chosen(run, choose(run, span))
    assert forgotten(run) == list(range(319, 400))
    assert Session(run.session).end == 319
    assert steps[399]["image"].tobytes() not in everything(run.path)


def test_the_last_minutes_are_counted_over_a_clock_that_is_set(tmp_path, steps):
    steps["wall_ns"][500:] += 9 * 3600 * 10**9
    run = life(tmp_path, steps)
    assert choose(run, newest(run, 10.0)).indices.tolist() == list(range(399, 600))


def test_a_picture_that_was_seen_again_after_the_span_goes_too(tmp_path, steps):
    steps["image"][1::2] = steps["image"][0::2]  # a camera at half of the beat
    steps["frame_age_s"][1::2] = 0.051
    steps["image"][300:340] = steps["image"][300]  # and one that stood still
    steps["frame_age_s"][300:340] = 0.05 * np.arange(40)
    run = life(tmp_path, steps)
    forget(run, at(190), at(215))
    forget(run, at(290), at(310))
    assert forgotten(run) == [*range(190, 216), *range(290, 340)]
    left = everything(run.path)
    for index in (*range(190, 216), *range(290, 340)):
        assert steps[index]["image"].tobytes() not in left
    kept = {int(step["index"]) for _, step in Session(run.session).steps()}
    assert kept == set(range(600)) - {*range(190, 216), *range(290, 340)}


def test_a_sound_that_began_in_the_span_goes_too(tmp_path):
    steps = make_steps(100, HEARING)
    steps["situation"], steps["frame_age_s"] = 0, 0.0
    run = RunFolder(tmp_path)
    write_journal(run.journal, steps, HEARING).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    window_s = run.config.world.ears.window_s
    forget(run, at(10), at(20))
    assert forgotten(run) == list(range(10, 20 + round(window_s / (BEAT_NS * 1e-9))))


def test_what_lies_behind_the_counter_goes_too(tmp_path, steps):
    """Of Steps that were cut away nothing is left, and a power cut brings none of the span back."""
    run = life(tmp_path, steps, 0)
    writer = JournalWriter(run.journal, SPACES, segment_steps=64, max_steps=10**6, background=False)
    writer.truncate(590)
    writer.close()
    assert steps[595]["image"].tobytes() in everything(run.path)
    newest_segment = JournalSegment(segment_paths(run.journal)[-2], SPACES, write=True)
    newest_segment.committed = 3  # its page was not written
    del newest_segment
    forget(run, at(570), at(600))
    left = everything(run.path)
    assert not [i for i in range(570, 600) if steps[i]["image"].tobytes() in left]
    assert steps[569]["image"].tobytes() in left


def test_a_file_that_cannot_be_replaced_costs_nothing(run, monkeypatch):
    run, _ = run
    before = {int(step["index"]) for _, step in Session(run.session).steps()}

    def refuse(self, target):
        raise PermissionError(f"{target} is open elsewhere")

    with monkeypatch.context() as patch:
        patch.setattr("interfaces.session.maintain.forget.Path.replace", refuse)
        with pytest.raises(PermissionError):
            forget(run, at(190), at(215))
    assert {int(step["index"]) for _, step in Session(run.session).steps()} == before
    assert forget(run, at(190), at(215)).session_steps == 25
    assert Session(run.session).steps_recorded == 575


def test_damage_elsewhere_does_not_keep_anybody_in(run):
    run, _ = run
    file = segment_files(run.session)[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x55
    file.write_bytes(content)
    assert forget(run, at(500), at(600)).session_steps == 100


def test_another_boot_reaches_not_back(tmp_path, steps):
    """Its clock begins anew, and comes by the time at which the span ended."""
    steps["monotonic_ns"][300:] -= steps["monotonic_ns"][300]
    run = life(tmp_path, steps, 100)
    for whole in (True, False):
        assert choose(run, Span(at(100), at(350))).indices.tolist() == list(range(100, 350))
        if whole:
            for path in segment_paths(run.journal):
                path.unlink()


def test_a_picture_that_stood_for_longer_than_a_segment_goes_whole(tmp_path, steps):
    """Also where the journal has let go of it, and the session alone knows."""
    steps["image"][300:560] = steps["image"][300]
    steps["frame_age_s"][300:560] = 0.05 * np.arange(260)
    run = life(tmp_path, steps, 100)
    for path in segment_paths(run.journal):
        path.unlink()
    assert forget(run, at(290), at(301)).session_steps == 270
    kept = {int(step["index"]) for _, step in Session(run.session).steps()}
    assert kept == set(range(600)) - set(range(290, 560))


def test_what_has_lost_its_end_elsewhere_does_not_keep_anybody_in(run):
    """Of the journal it is set aside, and goes; of the session it must be recovered first, for when
    its Steps were lived nobody knows."""
    run, steps = run
    segment = segment_paths(run.journal)[0]
    segment.write_bytes(segment.read_bytes()[:-1000])
    file = segment_files(run.session)[0]
    content = file.read_bytes()
    file.write_bytes(content[:-1000])
    words = [str(run.path), "--last", "5s", "--yes"]
    done = CliRunner().invoke(beside, words)
    assert done.exit_code == 2
    assert "sessions recover" in done.output.replace("\n", " ")
    file.write_bytes(content)
    done = CliRunner().invoke(beside, words)
    assert done.exit_code == 0, done.output
    left = everything(run.path)
    assert not [i for i in range(500, 600) if steps[i]["image"].tobytes() in left]


def test_it_is_asked_with_all_that_goes(run):
    run, _ = run
    for words, told in (
        (("--last", "0s"), "no span"),
        (("--from", "20s", "--to", "10s"), "--from 20s is not before --to 10s"),
    ):
        done = CliRunner().invoke(beside, [str(run.path), *words, "--yes"])
        assert done.exit_code == 2
        assert told in done.output
    done = CliRunner().invoke(beside, [str(run.path), "--last", "1s"], input="n\n")
    assert "and 3 exports, replays and damaged files" in done.output
    assert run.exports.exists()


def test_all_that_may_have_learned_is_told(run):
    run, _ = run
    run.weights.mkdir()
    (run.weights / "live-12345678.mmap").write_bytes(b"weights")
    run.board.write_bytes(b"the last action")
    assert [path.name for path in forget(run, at(190), at(215)).weights] == ["live-12345678.mmap"]
    assert not run.board.exists()


def test_many_lives_are_pruned_or_none(tmp_path, monkeypatch, steps):
    """With fewer files open at once than there are lives."""
    runs = [life(tmp_path / f"life {i}", steps[:40]) for i in range(12)]
    words = ["prune", str(tmp_path), "--keep-gb", "0", "--yes"]
    with look_at(runs[-1]):
        assert CliRunner().invoke(app, words).exit_code == 2
    assert all(segment_files(run.path) for run in runs)
    held = []

    class Counted(FileLock):
        def acquire(self, *args, **kwargs):
            held.append(self)
            assert len(held) <= 8
            return super().acquire(*args, **kwargs)

        def release(self, *args, **kwargs):
            held.remove(self)
            super().release(*args, **kwargs)

    monkeypatch.setattr("interfaces.runtime.run_lock.FileLock", Counted)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert not any(segment_files(run.path) for run in runs)


def test_nobody_looks_meanwhile(run):
    run, _ = run
    path = str(run.path)
    with look_at(run), look_at(run):  # several may look
        for commands, words in (
            (beside, [path, "--last", "5s", "--yes"]),
            (app, ["recover", path]),
            (app, ["prune", path, "--keep-gb", "0", "--yes"]),
        ):
            done = CliRunner().invoke(commands, words)
            assert done.exit_code == 2, done.output
            assert "being looked at" in done.stderr.replace("\n", " ")
    assert not forgotten(run)
    assert len(segment_files(run.path)) == 3
