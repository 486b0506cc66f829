"""Repairs and deletions first prove that a file is part of a session."""

import os
import sys

import pytest
from mcap.writer import Writer
from typer.testing import CliRunner

from interfaces.cli.session_commands import app
from interfaces.session.format.ownership import is_ours
from interfaces.session.format.segment_reader import SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import segment_files
from interfaces.session.maintain.forget import forget
from interfaces.session.maintain.select_steps import newest_span, select_steps
from tests.interfaces.session.recordings import make_run, make_steps, record_segments

FILM = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 400
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")


def run_command(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def foreign_mcap(path, *, summary=True):
    """A healthy MCAP file of another program."""
    with path.open("wb") as file:
        writer = Writer(file, use_summary_offsets=summary, use_statistics=summary)
        writer.start("ros2", "other")
        schema = writer.register_schema("a", "jsonschema", b"{}")
        channel = writer.register_channel("/step", "json", schema)
        writer.add_message(channel, log_time=5, publish_time=5, data=b"{}", sequence=1)
        writer.finish()


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(FILM), foreign_mcap])
@pytest.mark.parametrize("name", ["holiday.mp4", "film.mcap", "000000000060.mcap"])
def test_a_file_of_somebody_else_is_not_recovered(tmp_path, name, make):
    path = tmp_path / name
    make(path)
    before = path.read_bytes()
    done = run_command("recover", path)
    assert done.exit_code == 2, done.output
    assert "not part of a Yume session" in done.output.replace("\n", " ")
    assert os.listdir(tmp_path) == [name]
    assert path.read_bytes() == before
    with pytest.raises(SessionError) as refused:
        SessionSegment(path)
    assert "recover" not in str(refused.value)


@pytest.mark.parametrize("name", ["000000000100.mcap", "000000000100.live"])
def test_a_foreign_file_among_the_segments_is_named_and_nothing_is_changed(tmp_path, name):
    run = make_run(tmp_path)
    record_segments(run.session, make_steps(90), 30, close=False).abandon()
    path = run.session / name
    path.write_bytes(FILM)
    before = sorted(os.listdir(run.session))
    done = run_command("recover", run.path)
    assert done.exit_code == 2
    assert name in done.output.replace("\n", "")
    assert path.read_bytes() == FILM
    assert sorted(os.listdir(run.session)) == before
    path.unlink()
    assert run_command("recover", run.path).exit_code == 0


def test_a_folder_named_recovering_elsewhere_is_left_alone(tmp_path):
    (tmp_path / "recovering").mkdir()
    (tmp_path / "recovering" / "letter.txt").write_text("mine")
    assert run_command("recover", tmp_path).exit_code == 2
    record_segments(tmp_path, make_steps(30))
    assert run_command("recover", tmp_path).exit_code == 0
    assert (tmp_path / "recovering" / "letter.txt").read_text() == "mine"


def test_a_recovery_that_saves_nothing_has_exit_code_1(tmp_path):
    record_segments(tmp_path, make_steps(60))
    file = segment_files(tmp_path)[0]
    content = file.read_bytes()
    file.write_bytes(content[:900] + bytes(len(content) - 900))
    done = run_command("recover", tmp_path)
    assert done.exit_code == 1, done.output
    assert "0 steps saved" in done.output.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["000000000000.mcap.damaged"]


@pytest.mark.parametrize("place", [0, 5, 40, 2000, -3])
def test_a_damaged_segment_is_still_recognised(tmp_path, place):
    record_segments(tmp_path, make_steps(60))
    file = segment_files(tmp_path)[0]
    content = bytearray(file.read_bytes())
    content[place] ^= 8
    file.write_bytes(content)
    assert is_ours(file)
    file.write_bytes(content[: len(content) // 2])
    assert is_ours(file), "after a crash"
    file.write_bytes(bytes(5000))
    assert is_ours(file), "after a power cut, by its name"
    other = file.rename(tmp_path / "part.mcap")
    assert not is_ours(other)


@POSIX
def test_exports_behind_a_link_are_not_deleted(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "film.mp4").write_bytes(FILM)
    run = make_run(tmp_path / "run", make_steps(60))
    run.exports.symlink_to(tmp_path / "mine")
    selected = select_steps(run, newest_span(run, 1.0))
    with pytest.raises(SessionError, match="link"):
        forget(run, selected)
    assert (tmp_path / "mine" / "film.mp4").read_bytes() == FILM


@POSIX
def test_a_link_that_leads_nowhere_is_not_overwritten(tmp_path):
    record_segments(tmp_path / "session", make_steps(60))
    out = tmp_path / "part.mcap"
    out.symlink_to(tmp_path / "missing")
    words = ("cut", tmp_path / "session", "--from", "0s", "--to", "2s", "--out", out)
    assert run_command(*words).exit_code == 2
    assert run_command("export", tmp_path / "session", "--to", "npz", "--out", out).exit_code == 2
    assert out.is_symlink()


@POSIX
def test_one_broken_link_does_not_hide_the_other_sessions(tmp_path):
    record_segments(tmp_path / "one" / "session", make_steps(60))
    (tmp_path / "two" / "session").mkdir(parents=True)
    (tmp_path / "two" / "session" / "000000000000.mcap").symlink_to(tmp_path / "gone")
    done = run_command("list", tmp_path)
    assert done.exit_code == 0, done.output
    assert " 60 " in done.output
