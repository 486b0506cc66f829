"""Segments: whole, cut anywhere, with gaps; read by index, by time and by mcap's own reader."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory
from typer.testing import CliRunner

from configs.load import load_config, write_config
from interfaces.cli.session_commands import app
from interfaces.ipc.atomic_files import workshop
from interfaces.ipc.board import Board
from interfaces.journal.layout import segment_paths
from interfaces.runtime.run_folder import RunError, RunFolder, create_run
from interfaces.runtime.run_lock import claim
from interfaces.session.format.messages import CAMERA, STEP, Codec
from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import Session, live_files, segment_files
from interfaces.session.maintain import maintenance as care
from interfaces.session.maintain.recover import recover, recover_run, refill
from tests.conftest import ROOT
from tests.interfaces.session.recordings import (
    BEAT_NS,
    BEGAN_NS,
    SPACES,
    make_steps,
    same,
    write_journal,
)


def record(folder, steps, each=1000, *, close=True, about=None):
    """These Steps in segments of so many."""
    writer = None
    for start in range(0, len(steps), each):
        part = steps[start : start + each]
        writer = SegmentWriter(folder, int(part["index"][0]), Codec(SPACES), about or {})
        for i in range(len(part)):
            writer.put(part[i, ...])
        if close or start + each < len(steps):
            writer.close()
    return writer


def all_steps(path):
    session = Session(path)
    found = np.array([step for _, step in session.steps()], session.read(0, 1).dtype)

    return found


def test_what_is_recorded_is_read_by_index_and_by_time(awkward_path):
    steps = make_steps(1_000)
    record(awkward_path, steps, 300)
    session = Session(awkward_path)
    assert (session.first, session.end, session.steps_recorded) == (0, 1_000, 1_000)
    assert len(session.infos) == 4
    assert same(all_steps(awkward_path), steps)
    for start, length in ((0, 1), (299, 3), (555, 10), (999, 5)):
        assert same(session.read(start, length), steps[start : start + length])
    for index in (0, 1, 298, 300, 777, 999):
        assert session.index_at(BEGAN_NS + BEAT_NS * index) == index
        assert session.index_at(BEGAN_NS + BEAT_NS * index - 1) == index
    assert session.index_at(BEGAN_NS + 10**15) == 1_000
    assert session.gaps == []


def test_steps_that_fill_several_chunks_are_found(tmp_path, monkeypatch):
    """512 x 512 and a second of sound do."""
    monkeypatch.setattr("interfaces.session.format.segment_writer.CHUNK_BYTES", 200)
    steps = make_steps(40)
    record(tmp_path / "session", steps)
    session = Session(tmp_path)
    assert len(session.segments[0]._chunks) > 2 * len(steps)
    for index in range(40):
        assert same(session.read(index, 2), steps[index : index + 2])
        assert session.index_at(BEGAN_NS + BEAT_NS * index) == index
    at = lambda index: BEGAN_NS + BEAT_NS * index  # noqa: E731
    assert care.cut(tmp_path, tmp_path / "part.mcap", at(10), at(20)) == 10
    assert same(all_steps(tmp_path / "part.mcap"), steps[10:20])


def test_mcaps_own_reader_reads_it(tmp_path):
    steps = make_steps(50)
    record(tmp_path, steps, about={"seed": "7"})
    with segment_files(tmp_path)[0].open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        pictures = list(reader.iter_decoded_messages(topics=[CAMERA]))
        assert [each.decoded_message.format for each in pictures] == ["png"] * 50
        told = [json.loads(message.data) for _, _, message in reader.iter_messages([STEP])]
        assert [each["index"] for each in told] == list(range(50))
        assert {each.name for each in reader.iter_metadata()} >= {"yume.run", "yume.spaces"}


def test_what_is_missing_is_written_down(tmp_path):
    steps = np.concatenate([make_steps(20), make_steps(30, first=27), make_steps(10, first=60)])
    writer = record(tmp_path, steps[:50])
    assert writer.missing == 7
    record(tmp_path, steps[50:])
    session = Session(tmp_path)
    assert session.gaps == [(20, 7), (57, 3)]
    assert [int(step["index"]) for _, step in session.steps(25, 62)] == [*range(27, 57), 60, 61]
    assert not [each for each in care.verify(tmp_path) if each.trouble]


def test_a_clock_that_goes_back_does_not_take_time_with_it(tmp_path):
    steps = make_steps(30)
    steps["monotonic_ns"][10:] -= steps["monotonic_ns"][10] - 7  # another boot
    steps["wall_ns"][20:] -= 10**12
    record(tmp_path, steps)
    session = Session(tmp_path)
    times = [at for at, _ in session.steps()]
    assert (np.diff(times) > 0).all()
    assert same(all_steps(tmp_path), steps)


def test_wherever_it_is_cut_it_is_recovered_and_filled_up(tmp_path):
    steps = make_steps(700)
    write_journal(tmp_path / "journal", steps).close()
    record(tmp_path / "whole", steps)
    content = segment_files(tmp_path / "whole")[0].read_bytes()
    chance = np.random.default_rng(0)
    saved = []
    for number, size in enumerate(chance.integers(2_000, len(content), 12)):
        folder = tmp_path / f"cut{number}" / "session"
        folder.mkdir(parents=True)
        (folder / "000000000000.live").write_bytes(content[:size])
        with pytest.raises(SessionError, match="sessions recover"):
            Session(folder)
        found = recover(folder)
        saved.append(found[0].steps)
        if found[0].steps:
            part = all_steps(folder)
            assert same(part, steps[: len(part)])
            assert refill(folder, tmp_path / "journal") == 700 - len(part)
            assert same(all_steps(folder), steps)
            assert not [each for each in care.verify(folder) if each.trouble]
        assert not live_files(folder)
    assert max(saved) > 500


def test_killed_before_anything_was_whole_it_is_made_of_the_journal(tmp_path):
    run = RunFolder(tmp_path)
    steps = make_steps(100)
    write_journal(run.journal, steps).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    run.processes.write_text("{}")  # it has lived
    record(run.session, steps[:30], close=False).abandon()
    found, filled = recover_run(run)
    assert [each.steps for each in found] == [0]
    assert filled == 100
    assert same(all_steps(tmp_path), steps)
    assert Session(tmp_path).infos[0].about["config"]
    assert recover_run(run) == ([], 0)


def test_what_others_lived_is_not_made_its_own(tmp_path):
    run = RunFolder(tmp_path)
    steps = make_steps(100)
    write_journal(run.journal, steps).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    run.processes.write_text("{}")
    run.sources.write_text('{"sessions": [], "steps": 60}')
    assert recover_run(run) == ([], 40)
    assert Session(tmp_path).first == 60
    assert recover_run(run) == ([], 0)


@pytest.mark.parametrize("lived", [True, False])
def test_who_was_not_to_be_recorded_gets_no_session(tmp_path, lived):
    run = RunFolder(tmp_path)
    write_journal(run.journal, make_steps(10)).close()
    words = ["session.record=false"] if lived else []
    write_config(load_config(ROOT / "configs" / "tiny.yaml", words), run.config_file)
    if lived:  # else it was trained in lockstep
        run.processes.write_text("{}")
    with pytest.raises(SessionError, match="holds no session"):
        recover_run(run)


def test_a_live_segment_is_saved_whatever_the_settings_have_become(tmp_path):
    run = RunFolder(tmp_path)
    record(run.session, make_steps(700), close=False).abandon()
    run.config_file.write_text("a_setting_of_another_version: 1")
    found, _ = recover_run(run)
    assert found[0].steps > 0


def test_what_was_pruned_does_not_come_back(tmp_path):
    run = RunFolder(tmp_path)
    steps = make_steps(300)
    write_journal(run.journal, steps).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    run.processes.write_text("{}")
    record(run.session, steps, 100)
    doomed = care.to_prune([tmp_path], older_days=0.0, keep_gb=None, now_s=1e12)
    care.prune(doomed[:2])
    assert recover_run(run) == ([], 0)
    assert Session(tmp_path).first == 200


def test_a_session_named_twice_is_pruned_once(tmp_path):
    record(tmp_path / "life" / "session", make_steps(300), 100)
    run = tmp_path / "life"
    segment = segment_files(run)[2]
    paths = [run, run / "session", segment, tmp_path]
    assert care.find_sessions([run, run / "session"]) == [run]
    size = sum(file.stat().st_size for file in segment_files(run))
    keep_gb = (size + 1) / 1e9
    assert not care.to_prune(paths, older_days=None, keep_gb=keep_gb, now_s=1e12)
    assert len(care.to_prune(paths, older_days=0.0, keep_gb=None, now_s=1e12)) == 3


def test_one_rotten_step_of_the_journal_costs_no_other(tmp_path):
    run = RunFolder(tmp_path)
    steps = make_steps(100)
    write_journal(run.journal, steps).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    run.processes.write_text("{}")
    file = segment_paths(run.journal)[0]
    content = file.read_bytes()
    place = content.index(steps[30]["image"].tobytes())
    file.write_bytes(content[:place] + b"rotten" + content[place + 6 :])
    assert recover_run(run) == ([], 99)
    assert Session(tmp_path).gaps == [(30, 1)]
    assert same(all_steps(tmp_path), np.delete(steps, 30))
    assert recover_run(run) == ([], 0)


def test_a_damaged_segment_of_the_journal_is_set_aside(tmp_path):
    run = RunFolder(tmp_path)
    steps = make_steps(200)
    write_journal(run.journal, steps).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    record(run.session, steps)
    file = segment_paths(run.journal)[0]
    file.write_bytes(file.read_bytes()[:1000])
    done = CliRunner().invoke(app, ["recover", str(run.session)])
    assert done.exit_code == 0, done.output
    assert "000000000000.bad" in done.output.replace("\n", "")
    assert "whole" not in done.output


def test_a_living_session_is_not_recovered_by_its_other_name(tmp_path):
    run = RunFolder(tmp_path)
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    record(run.session, make_steps(100), close=False).abandon()
    with claim(run):
        for path in (run.path, run.session, live_files(run.session)[0]):
            assert CliRunner().invoke(app, ["recover", str(path)]).exit_code == 2
    assert len(live_files(run.session)) == 1


@pytest.mark.parametrize("close", [True, False])
def test_a_new_life_does_not_begin_in_anothers_session(tmp_path, close):
    record(tmp_path / "session", make_steps(10), close=close).abandon()
    config = load_config(ROOT / "configs" / "tiny.yaml")
    with pytest.raises(RunError, match="another life"):
        create_run(tmp_path, config, "tiny", ROOT)
    assert {path.name for path in tmp_path.iterdir()} == {"session"}


def test_a_byte_gone_wrong_is_found_and_the_file_is_kept(tmp_path):
    steps = make_steps(700)
    record(tmp_path, steps)
    path = segment_files(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    verdict = [each for each in care.verify(tmp_path) if each.trouble]
    assert len(verdict) == 1
    path.write_bytes(content[: len(content) - 20])  # and its end is gone
    found = recover(tmp_path)
    assert found[0].kept.exists()
    part = all_steps(tmp_path)
    kept = part["index"].astype(int)
    assert 0 < len(part) < 700
    assert same(part, steps[kept])
    assert kept[-1] > 600, "what is whole behind the damage is saved too"
    assert not [each for each in care.verify(tmp_path) if each.trouble]


def damage(path, place=0.5):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x55
    path.write_bytes(content)


def test_damage_in_the_middle_of_a_file_that_was_ended_is_mended(tmp_path):
    run = RunFolder(tmp_path)
    steps = make_steps(700)
    write_journal(run.journal, steps).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    record(run.session, steps)
    damage(segment_files(tmp_path)[0])
    assert [each for each in care.verify(tmp_path) if each.trouble]
    found, filled = recover_run(run)
    assert found[0].steps + filled == 700
    assert 0 < filled < 300
    assert same(all_steps(tmp_path), steps)
    assert not [each for each in care.verify(tmp_path) if each.trouble]


def test_whatever_byte_goes_wrong_it_is_told_as_one(tmp_path):
    """No command ends in an unhandled error, and nearly always most of it is saved: only the
    description of what the Steps look like is there but once."""
    record(tmp_path / "whole", make_steps(250))
    content = segment_files(tmp_path / "whole")[0].read_bytes()
    chance, saved = np.random.default_rng(0), []
    places = [*chance.integers(0, len(content), 15), *range(len(content) - 60, len(content), 8)]
    for number, place in enumerate(places):
        folder = tmp_path / f"{number}" / "session"
        folder.mkdir(parents=True)
        wrong = bytearray(content)
        wrong[place] ^= 1 << int(chance.integers(8))
        (folder / "000000000000.mcap").write_bytes(wrong)
        care.overview(folder)
        list(care.verify(folder))
        try:
            recover(folder)
            assert all(not each.trouble for each in care.verify(folder)), place
            saved.append(Session(folder).steps_recorded)
        except SessionError:
            saved.append(0)
    assert sum(steps > 50 for steps in saved) > 0.8 * len(places)


def test_a_recovery_that_is_killed_is_gone_on_with(tmp_path, monkeypatch):
    steps = make_steps(700)
    record(tmp_path, steps)
    file = segment_files(tmp_path)[0]
    damage(file)
    rename = Path.replace

    def killed(self, target):
        if Path(target) == file:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr("interfaces.session.maintain.recover.Path.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            recover(tmp_path)
    assert not segment_files(tmp_path)
    recover(tmp_path)
    part = all_steps(tmp_path)
    assert len(part) > 400
    assert same(part, steps[part["index"].astype(int)])
    assert not [each for each in care.verify(tmp_path) if each.trouble]


@pytest.mark.parametrize("moment", ["made", "put"])
def test_a_life_whose_recovery_was_killed_is_gone_on_with(tmp_path, monkeypatch, moment):
    """Between what was made of its last segment and that one's end."""
    steps = make_steps(700)
    record(tmp_path, steps, close=False).abandon()
    (live,) = live_files(tmp_path)

    def killed(self, *_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        method = {"made": "replace", "put": "unlink"}[moment]
        own = getattr(Path, method)
        patch.setattr(
            f"interfaces.session.maintain.recover.Path.{method}",
            lambda self, *words, **more: (
                killed(self)
                if self == live or (method == "replace" and self.suffix == ".mcap")
                else own(self, *words, **more)
            ),
        )
        with pytest.raises(KeyboardInterrupt):
            recover(tmp_path)
    assert live.exists()
    recover(tmp_path)
    assert not live.exists()
    part = all_steps(tmp_path)
    assert len(part) > 400
    assert same(part, steps[: len(part)])


def test_a_part_that_was_moved_into_a_life_is_recovered_as_a_part(tmp_path):
    run = RunFolder(tmp_path / "life")
    record(run.session, make_steps(700))
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    care.cut(run.path, tmp_path / "part.mcap", BEGAN_NS, BEGAN_NS + BEAT_NS * 600)
    part = run.session / "part.mcap"
    shutil.move(tmp_path / "part.mcap", part)
    part.write_bytes(part.read_bytes()[:-1000])
    done = CliRunner().invoke(app, ["recover", str(part)])
    assert done.exit_code == 0, done.output
    assert "steps saved as part.mcap" in done.output.replace("\n", " ")
    assert Session(part).steps_recorded > 500


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path, monkeypatch):
    record(tmp_path, make_steps(10))

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("interfaces.session.format.segment_reader.Path.open", refused)
    with pytest.raises(SessionError, match="Permission denied"):
        Session(tmp_path)


def test_a_part_is_no_life(tmp_path):
    """A file that was cut stands beside runs, and is not taken for one of theirs."""
    for name in ("one", "two"):
        record(tmp_path / "runs" / name / "session", make_steps(100))
    at = lambda index: BEGAN_NS + BEAT_NS * index  # noqa: E731
    one = tmp_path / "runs" / "one"
    care.cut(one, tmp_path / "runs" / "part.mcap", at(10), at(20))
    assert len(care.find_sessions([tmp_path / "runs"])) == 2
    assert Session(tmp_path / "runs" / "part.mcap").steps_recorded == 10
    with pytest.raises(SessionError, match="holds a session"):
        care.cut(one, one / "session" / "part.mcap", at(10), at(20))
    shutil.copy(tmp_path / "runs" / "part.mcap", one / "session" / "000000000010.mcap")
    with pytest.raises(SessionError, match="the same Steps"):
        Session(one)


def test_a_part_that_is_recovered_keeps_its_name_and_its_neighbours(tmp_path):
    record(tmp_path / "life" / "session", make_steps(700))
    care.cut(tmp_path / "life", tmp_path / "my part.mcap", BEGAN_NS, BEGAN_NS + BEAT_NS * 600)
    record(tmp_path, make_steps(50, seed=1))  # another life, whose first Step has the same number
    before = segment_files(tmp_path)[0].read_bytes()
    part = tmp_path / "my part.mcap"
    damage(part)
    part.write_bytes(part.read_bytes()[:-20])
    done = CliRunner().invoke(app, ["recover", str(part)])
    assert done.exit_code == 0, done.output
    assert "as my part.mcap, my part-2.mcap" in done.output.replace("\n", " ")
    assert segment_files(tmp_path)[0].read_bytes() == before
    assert Session(part).first == 0
    assert Session(tmp_path / "my part-2.mcap").end == 600
    assert (tmp_path / "my part.damaged").exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("life", "000000000000.mcap", "my part.mcap", "my part-2.mcap", "my part.damaged"),
    }
    found = care.find_sessions([tmp_path])
    assert found == [tmp_path, tmp_path / "life"], "a file beside runs does not hide them"


def test_what_is_no_session_file_is_told_plainly(tmp_path):
    record(tmp_path / "session", make_steps(50))
    file = segment_files(tmp_path)[0]
    content = file.read_bytes()
    for wrong, told in ((b"", "is empty"), (b"beat:\n", "no MCAP file"), (content[:-9], "its end")):
        file.write_bytes(wrong)
        with pytest.raises(SessionError, match=told):
            Session(tmp_path)
        (verdict,) = care.verify(tmp_path)
        assert str(file) not in verdict.trouble, "the path stands before it"


def test_a_life_that_is_being_recorded_is_no_fault(tmp_path):
    run = RunFolder(tmp_path)
    write_config(load_config(ROOT / "configs" / "tiny.yaml"), run.config_file)
    record(run.session, make_steps(100), 60, close=False).abandon()
    words = ["verify", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 1, "nobody records it any more"
    Board(run.board, create=True).beat("guard")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "60 steps are whole; the newest are being recorded" in done.output.replace("\n", " ")


def test_a_cut_that_was_killed_is_in_nobodys_way(tmp_path):
    record(tmp_path / "session", make_steps(100))
    half = workshop(tmp_path / "a.mcap")
    half.mkdir()
    (half / "000000000000.live").write_bytes(b"half")
    assert care.cut(tmp_path, tmp_path / "a.mcap", BEGAN_NS, BEGAN_NS + BEAT_NS * 50) == 50
    assert not half.exists()


def test_paths_and_what_a_file_says_are_no_markup(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record(Path("[old]life/session"), make_steps(10), about={"git_commit": "[/b]"})
    for words in (["list", "[old]life"], ["info", "[old]life"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert "[old]life" in done.output


def test_what_lies_beside_a_cut_stays(tmp_path):
    record(tmp_path / "run", make_steps(50))
    mine = tmp_path / ".config" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    care.cut(tmp_path / "run", tmp_path / "config.mcap", BEGAN_NS, BEGAN_NS + BEAT_NS * 50)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"run", ".config", "config.mcap"}


def test_parts_are_cut_out_and_joined(tmp_path):
    steps = make_steps(600)
    record(tmp_path / "session", steps, 200)
    at = lambda index: BEGAN_NS + BEAT_NS * index  # noqa: E731
    assert care.cut(tmp_path, tmp_path / "a.mcap", at(0), at(150)) == 150
    assert care.cut(tmp_path, tmp_path / "b.mcap", at(150), at(450)) == 300
    assert same(all_steps(tmp_path / "b.mcap"), steps[150:450])
    assert care.merge([tmp_path / "b.mcap", tmp_path / "a.mcap"], tmp_path / "c.mcap") == 450
    assert same(all_steps(tmp_path / "c.mcap"), steps[:450])
    with pytest.raises(SessionError, match="or have the same Steps"):
        care.merge([tmp_path / "a.mcap", tmp_path / "c.mcap"], tmp_path / "d.mcap")
    with pytest.raises(SessionError, match="written over"):
        care.cut(tmp_path, tmp_path / "a.mcap", at(0), at(150))
    with pytest.raises(SessionError, match="no Step in that span"):
        care.cut(tmp_path, tmp_path / "e.mcap", at(700), at(800))


def test_old_segments_are_shown_and_go(tmp_path):
    for name in ("one", "two"):
        record(tmp_path / name / "session", make_steps(300), 100)
    now_s = (BEGAN_NS + BEAT_NS * 300) / 1e9
    assert care.to_prune([tmp_path], older_days=1.0, keep_gb=None, now_s=now_s) == []
    size = segment_files(tmp_path / "one")[0].stat().st_size
    doomed = care.to_prune([tmp_path], older_days=None, keep_gb=4.1 * size / 1e9, now_s=now_s)
    assert [each.path.name for each in doomed] == ["000000000000.mcap"] * 2
    assert care.prune(doomed) == sum(each.bytes for each in doomed)
    assert len(segment_files(tmp_path / "one")) == 2
    assert len(care.to_prune([tmp_path], older_days=1, keep_gb=None, now_s=now_s + 1e6)) == 4


def test_no_session_is_said(tmp_path):
    (tmp_path / "000000000000.mcap").write_bytes(
        b"something else entirely, and long enough to be looked at"
    )
    with pytest.raises(SessionError, match="is no MCAP file"):
        Session(tmp_path)
    with pytest.raises(SessionError, match="holds no session"):
        Session(tmp_path / "nowhere")
