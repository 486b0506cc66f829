"""Parts are cut out of a session and joined, without touching other files."""

import pytest

from interfaces.ipc.atomic_files import staging_path
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.maintain.cut import cut, merge
from interfaces.session.maintain.overview import find_sessions
from tests.interfaces.session.recordings import (
    make_steps,
    read_all,
    record_segments,
    same,
    time_of,
)


def test_parts_are_cut_out_and_joined(tmp_path):
    steps = make_steps(600)
    record_segments(tmp_path / "session", steps, 200)
    assert cut(tmp_path, tmp_path / "a.mcap", time_of(0), time_of(150)) == 150
    assert cut(tmp_path, tmp_path / "b.mcap", time_of(150), time_of(450)) == 300
    assert same(read_all(tmp_path / "b.mcap"), steps[150:450])
    assert merge([tmp_path / "b.mcap", tmp_path / "a.mcap"], tmp_path / "c.mcap") == 450
    assert same(read_all(tmp_path / "c.mcap"), steps[:450])
    with pytest.raises(SessionError, match="or have the same Steps"):
        merge([tmp_path / "a.mcap", tmp_path / "c.mcap"], tmp_path / "d.mcap")
    with pytest.raises(SessionError, match="never overwritten"):
        cut(tmp_path, tmp_path / "a.mcap", time_of(0), time_of(150))
    with pytest.raises(SessionError, match="no Step in that time span"):
        cut(tmp_path, tmp_path / "e.mcap", time_of(700), time_of(800))


def test_a_part_beside_runs_is_not_taken_for_a_run(tmp_path):
    for name in ("one", "two"):
        record_segments(tmp_path / "runs" / name / "session", make_steps(100))
    one = tmp_path / "runs" / "one"
    cut(one, tmp_path / "runs" / "part.mcap", time_of(10), time_of(20))
    assert len(find_sessions([tmp_path / "runs"])) == 2
    assert Session(tmp_path / "runs" / "part.mcap").steps_recorded == 10
    with pytest.raises(SessionError, match="holds a session"):
        cut(one, one / "session" / "part.mcap", time_of(10), time_of(20))


def test_files_of_a_killed_cut_are_replaced(tmp_path):
    record_segments(tmp_path / "session", make_steps(100))
    staging = staging_path(tmp_path / "a.mcap")
    staging.mkdir()
    (staging / "000000000000.live").write_bytes(b"incomplete")
    assert cut(tmp_path, tmp_path / "a.mcap", time_of(0), time_of(50)) == 50
    assert not staging.exists()


def test_other_files_beside_a_cut_stay(tmp_path):
    record_segments(tmp_path / "run", make_steps(50))
    mine = tmp_path / ".config" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    cut(tmp_path / "run", tmp_path / "config.mcap", time_of(0), time_of(50))
    assert mine.read_text(encoding="utf-8") == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"run", ".config", "config.mcap"}
