"""A session is read by index and by time across its segments and gaps."""

import shutil

import numpy as np
import pytest

from configs.load import load_config
from interfaces.runtime.run_folder import RunError, create_run
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.maintain.cut import cut
from tests.conftest import ROOT
from tests.interfaces.session.recordings import (
    make_steps,
    read_all,
    record_segments,
    same,
    time_of,
    troubles,
)


def test_steps_are_read_by_index_and_by_time(awkward_path):
    steps = make_steps(1_000)
    record_segments(awkward_path, steps, 300)
    session = Session(awkward_path)
    assert (session.first, session.end, session.steps_recorded) == (0, 1_000, 1_000)
    assert len(session.infos) == 4
    assert same(read_all(awkward_path), steps)
    for start, length in ((0, 1), (299, 3), (555, 10), (999, 5)):
        assert same(session.read(start, length), steps[start : start + length])
    for index in (0, 1, 298, 300, 777, 999):
        assert session.index_at(time_of(index)) == index
        assert session.index_at(time_of(index) - 1) == index
    assert session.index_at(time_of(0) + 10**15) == 1_000
    assert session.gaps == []


def test_missing_steps_are_recorded_as_gaps(tmp_path):
    steps = np.concatenate([make_steps(20), make_steps(30, first=27), make_steps(10, first=60)])
    writer = record_segments(tmp_path, steps[:50])
    assert writer.missing == 7
    record_segments(tmp_path, steps[50:])
    session = Session(tmp_path)
    assert session.gaps == [(20, 7), (57, 3)]
    assert [int(step["index"]) for _, step in session.steps(25, 62)] == [*range(27, 57), 60, 61]
    assert troubles(tmp_path) == []


def test_log_times_increase_although_a_clock_goes_back(tmp_path):
    steps = make_steps(30)
    steps["monotonic_ns"][10:] -= steps["monotonic_ns"][10] - 7  # a reboot
    steps["wall_ns"][20:] -= 10**12
    record_segments(tmp_path, steps)
    times = [at for at, _ in Session(tmp_path).steps()]
    assert (np.diff(times) > 0).all()
    assert same(read_all(tmp_path), steps)


def test_segments_with_the_same_steps_are_refused(tmp_path):
    record_segments(tmp_path / "session", make_steps(100))
    cut(tmp_path, tmp_path / "part.mcap", time_of(10), time_of(20))
    shutil.copy(tmp_path / "part.mcap", tmp_path / "session" / "000000000010.mcap")
    with pytest.raises(SessionError, match="have the same Steps"):
        Session(tmp_path)


def test_a_path_without_a_session_is_refused(tmp_path):
    (tmp_path / "000000000000.mcap").write_bytes(b"another format, and longer than a short header")
    with pytest.raises(SessionError, match="is not an MCAP file"):
        Session(tmp_path)
    with pytest.raises(SessionError, match="holds no session"):
        Session(tmp_path / "nowhere")


@pytest.mark.parametrize("close", [True, False])
def test_a_new_run_is_refused_in_a_folder_with_a_session(tmp_path, close):
    record_segments(tmp_path / "session", make_steps(10), close=close).abandon()
    config = load_config(ROOT / "configs" / "tiny.yaml")
    with pytest.raises(RunError, match="--out"):
        create_run(tmp_path, config, "tiny", ROOT)
    assert {path.name for path in tmp_path.iterdir()} == {"session"}
