"""`recover` restores what is intact after crashes and damage, and adds Steps from the journal."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from interfaces.cli.session_commands import app
from interfaces.journal.segment import segment_paths
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import claim
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, live_files, segment_files
from interfaces.session.maintain.cut import cut
from interfaces.session.maintain.overview import find_sessions, overview
from interfaces.session.maintain.recover import fill_from_journal, recover, recover_run
from interfaces.session.maintain.verify import verify
from tests.interfaces.session.recordings import (
    damage,
    make_run,
    make_steps,
    read_all,
    record_segments,
    same,
    time_of,
    troubles,
    write_journal,
)


def test_a_truncated_segment_is_recovered_and_filled_from_the_journal(tmp_path):
    steps = make_steps(700)
    write_journal(tmp_path / "journal", steps).close()
    record_segments(tmp_path / "complete", steps)
    content = segment_files(tmp_path / "complete")[0].read_bytes()
    rng = np.random.default_rng(0)
    saved = []
    for number, size in enumerate(rng.integers(2_000, len(content), 12)):
        folder = tmp_path / f"cut{number}" / "session"
        folder.mkdir(parents=True)
        (folder / "000000000000.live").write_bytes(content[:size])
        with pytest.raises(SessionError, match="sessions recover"):
            Session(folder)
        results = recover(folder)
        saved.append(results[0].steps)
        if results[0].steps:
            part = read_all(folder)
            assert same(part, steps[: len(part)])
            assert fill_from_journal(folder, tmp_path / "journal") == 700 - len(part)
            assert same(read_all(folder), steps)
            assert troubles(folder) == []
        assert not live_files(folder)
    assert max(saved) > 500


def test_without_an_intact_segment_the_session_comes_from_the_journal(tmp_path):
    steps = make_steps(100)
    run = make_run(tmp_path, steps, live=True)
    record_segments(run.session, steps[:30], close=False).abandon()
    results, filled = recover_run(run)
    assert [each.steps for each in results] == [0]
    assert filled == 100
    assert same(read_all(tmp_path), steps)
    assert Session(tmp_path).infos[0].run_metadata["config"]
    assert recover_run(run) == ([], 0)


def test_imported_steps_are_not_added(tmp_path):
    run = make_run(tmp_path, make_steps(100), live=True)
    run.sources.write_text('{"sessions": [], "steps": 60}')
    assert recover_run(run) == ([], 40)
    assert Session(tmp_path).first == 60
    assert recover_run(run) == ([], 0)


@pytest.mark.parametrize("live", [True, False])
def test_a_run_without_recording_gets_no_session(tmp_path, live):
    """A live run with session.record=false, or a run in lockstep."""
    words = ["session.record=false"] if live else []
    run = make_run(tmp_path, make_steps(10), *words, live=live)
    with pytest.raises(SessionError, match="holds no session"):
        recover_run(run)


def test_an_unfinished_segment_is_recovered_without_valid_settings(tmp_path):
    run = RunFolder(tmp_path)
    record_segments(run.session, make_steps(700), close=False).abandon()
    run.config_file.write_text("a_setting_of_another_version: 1")
    results, _ = recover_run(run)
    assert results[0].steps > 0


def test_a_damaged_step_of_the_journal_is_left_out(tmp_path):
    steps = make_steps(100)
    run = make_run(tmp_path, steps, live=True)
    file = segment_paths(run.journal)[0]
    content = file.read_bytes()
    place = content.index(steps[30]["image"].tobytes())
    file.write_bytes(content[:place] + b"rotten" + content[place + 6 :])
    assert recover_run(run) == ([], 99)
    assert Session(tmp_path).gaps == [(30, 1)]
    assert same(read_all(tmp_path), np.delete(steps, 30))
    assert recover_run(run) == ([], 0)


def test_a_damaged_segment_of_the_journal_is_set_aside(tmp_path):
    steps = make_steps(200)
    run = make_run(tmp_path, steps)
    record_segments(run.session, steps)
    file = segment_paths(run.journal)[0]
    file.write_bytes(file.read_bytes()[:1000])
    done = CliRunner().invoke(app, ["recover", str(run.session)])
    assert done.exit_code == 0, done.output
    assert "000000000000.bad" in done.output.replace("\n", "")
    assert "intact" not in done.output


def test_the_session_of_a_running_run_is_not_recovered_by_any_of_its_paths(tmp_path):
    run = make_run(tmp_path)
    record_segments(run.session, make_steps(100), close=False).abandon()
    with claim(run):
        for path in (run.path, run.session, live_files(run.session)[0]):
            assert CliRunner().invoke(app, ["recover", str(path)]).exit_code == 2
    assert len(live_files(run.session)) == 1


def test_steps_around_damage_are_saved_and_the_damaged_file_is_kept(tmp_path):
    steps = make_steps(700)
    record_segments(tmp_path, steps)
    path = segment_files(tmp_path)[0]
    damage(path)
    path.write_bytes(path.read_bytes()[:-20])  # the end is missing too
    results = recover(tmp_path)
    assert results[0].kept.exists()
    part = read_all(tmp_path)
    kept = part["index"].astype(int)
    assert 0 < len(part) < 700
    assert same(part, steps[kept])
    assert kept[-1] > 600, "intact Steps after the damage are saved too"
    assert troubles(tmp_path) == []


def test_damage_inside_a_finished_segment_is_filled_from_the_journal(tmp_path):
    steps = make_steps(700)
    run = make_run(tmp_path, steps)
    record_segments(run.session, steps)
    damage(segment_files(tmp_path)[0])
    assert troubles(tmp_path)
    results, filled = recover_run(run)
    assert results[0].steps + filled == 700
    assert 0 < filled < 300
    assert same(read_all(tmp_path), steps)
    assert troubles(tmp_path) == []


def test_any_flipped_bit_is_handled(tmp_path):
    """No other error is raised, and most Steps are saved unless the spaces are damaged."""
    record_segments(tmp_path / "complete", make_steps(250))
    content = segment_files(tmp_path / "complete")[0].read_bytes()
    rng, saved = np.random.default_rng(0), []
    places = [*rng.integers(0, len(content), 15), *range(len(content) - 60, len(content), 8)]
    for number, place in enumerate(places):
        folder = tmp_path / f"{number}" / "session"
        folder.mkdir(parents=True)
        wrong = bytearray(content)
        wrong[place] ^= 1 << int(rng.integers(8))
        (folder / "000000000000.mcap").write_bytes(wrong)
        overview(folder)
        list(verify(folder))
        try:
            recover(folder)
            assert troubles(folder) == [], place
            saved.append(Session(folder).steps_recorded)
        except SessionError:
            saved.append(0)
    assert sum(steps > 50 for steps in saved) > 0.8 * len(places)


def test_a_killed_recovery_of_a_damaged_segment_is_continued(tmp_path, monkeypatch):
    steps = make_steps(700)
    record_segments(tmp_path, steps)
    file = segment_files(tmp_path)[0]
    damage(file)
    rename = Path.replace

    def kill(self, target):
        if Path(target) == file:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr("interfaces.session.maintain.recover.Path.replace", kill)
        with pytest.raises(KeyboardInterrupt):
            recover(tmp_path)
    assert not segment_files(tmp_path)
    recover(tmp_path)
    part = read_all(tmp_path)
    assert len(part) > 400
    assert same(part, steps[part["index"].astype(int)])
    assert troubles(tmp_path) == []


@pytest.mark.parametrize("moment", ["written", "moved"])
def test_a_killed_recovery_of_an_unfinished_segment_is_continued(tmp_path, monkeypatch, moment):
    """Killed before the new segment is moved, or before the unfinished one is deleted."""
    steps = make_steps(700)
    record_segments(tmp_path, steps, close=False).abandon()
    (live,) = live_files(tmp_path)

    def kill(self, *_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        method = {"written": "replace", "moved": "unlink"}[moment]
        original = getattr(Path, method)
        patch.setattr(
            f"interfaces.session.maintain.recover.Path.{method}",
            lambda self, *words, **more: (
                kill(self)
                if self == live or (method == "replace" and self.suffix == ".mcap")
                else original(self, *words, **more)
            ),
        )
        with pytest.raises(KeyboardInterrupt):
            recover(tmp_path)
    assert live.exists()
    recover(tmp_path)
    assert not live.exists()
    part = read_all(tmp_path)
    assert len(part) > 400
    assert same(part, steps[: len(part)])


def test_a_cut_file_inside_a_session_folder_is_recovered_as_a_cut_file(tmp_path):
    run = make_run(tmp_path / "run")
    record_segments(run.session, make_steps(700))
    cut(run.path, tmp_path / "part.mcap", time_of(0), time_of(600))
    part = run.session / "part.mcap"
    shutil.move(tmp_path / "part.mcap", part)
    part.write_bytes(part.read_bytes()[:-1000])
    done = CliRunner().invoke(app, ["recover", str(part)])
    assert done.exit_code == 0, done.output
    assert "steps saved as part.mcap" in done.output.replace("\n", " ")
    assert Session(part).steps_recorded > 500


def test_a_recovered_cut_file_keeps_its_name_and_other_files_stay(tmp_path):
    record_segments(tmp_path / "run" / "session", make_steps(700))
    cut(tmp_path / "run", tmp_path / "my part.mcap", time_of(0), time_of(600))
    record_segments(tmp_path, make_steps(50, seed=1))  # another run with the same first index
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
    assert (tmp_path / "my part.mcap.damaged").exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("run", "000000000000.mcap", "my part.mcap", "my part-2.mcap", "my part.mcap.damaged"),
    }
    sessions = find_sessions([tmp_path])
    assert sessions == [tmp_path, tmp_path / "run"], "a file beside runs does not hide them"
