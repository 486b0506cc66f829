"""`verify` reports damaged files, and accepts a segment that is being recorded."""

from typer.testing import CliRunner

from interfaces.cli.session_commands import app
from interfaces.ipc.board import Board
from interfaces.journal.segment import segment_paths
from interfaces.session.format.session import segment_files
from tests.interfaces.session.recordings import (
    damage,
    make_run,
    make_steps,
    record_segments,
    troubles,
)


def test_a_flipped_byte_is_reported(tmp_path):
    record_segments(tmp_path, make_steps(700))
    assert troubles(tmp_path) == []
    damage(segment_files(tmp_path)[0])
    assert len(troubles(tmp_path)) == 1


def test_an_unfinished_segment_is_an_error_only_without_a_running_run(tmp_path):
    run = make_run(tmp_path)
    record_segments(run.session, make_steps(100), 60, close=False).abandon()
    words = ["verify", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 1, "no process records it"
    Board(run.board, create=True).heartbeat("guard")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "60 steps are intact; the newest are being recorded" in done.output.replace("\n", " ")


def test_damage_to_the_journal_of_a_run_is_reported(tmp_path):
    steps = make_steps(200)
    run = make_run(tmp_path, steps)
    record_segments(run.session, steps)
    assert troubles(tmp_path) == []
    path = segment_paths(run.journal)[1]
    damage(path)
    assert len(troubles(tmp_path)) == 1
    assert "damaged Steps, the first is" in troubles(tmp_path)[0]
    damage(path)
    with path.open("r+b") as file:
        file.seek(32)  # the commit counter
        file.write(b"\x07")
    (reported,) = troubles(tmp_path)
    assert "damaged header" in reported
    path.unlink()
    (reported,) = troubles(tmp_path)
    assert "Steps 64 to 128 before it are missing" in reported


def test_changed_metadata_are_reported(tmp_path):
    record_segments(tmp_path, make_steps(60), run_metadata={"seed": "12345"})
    file = segment_files(tmp_path)[0]
    file.write_bytes(file.read_bytes().replace(b"12345", b"12346"))
    (reported,) = troubles(tmp_path)
    assert "metadata" in reported
