"""A life in numbers, and its film: read back by PyAV."""

import numpy as np
import pytest

from configs.load import load_config, write_config
from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.export.annotated_video import to_film
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.playback_time import windows, with_holes
from interfaces.session.run_steps import Lived
from interfaces.session.timeline import read_diary
from tests.conftest import ROOT
from tests.interfaces.session.format.test_session import record
from tests.interfaces.session.recordings import make_steps


@pytest.fixture
def lived(awkward_path):
    """100 Steps at 20 Hz, five missing after the first 40, a person driving at the end."""
    steps = make_steps(105)
    steps["is_first"], steps["situation"], steps["sender"] = False, 0, Sender.POLICY
    steps["is_first"][[0, 60]] = True
    steps["sender"][100:], steps["situation"][100:] = Sender.HUMAN, Situation.AFK
    steps = np.delete(steps, np.arange(40, 45))
    run = RunFolder(awkward_path)
    record(run.session, steps)
    write_config(load_config(ROOT / "configs" / "tiny.yaml", ["beat.hz=20"]), run.config_file)
    return Lived(run), steps


def test_it_has_a_row_for_each_step_at_its_time(lived):
    lived, steps = lived
    diary = read_diary(lived)
    assert len(diary) == 100
    np.testing.assert_array_equal(diary.index, steps["index"])
    np.testing.assert_allclose(diary.seconds, steps["index"] * 0.05, atol=1e-9)
    np.testing.assert_array_equal(diary.felt, steps["vector"][:, :2])
    np.testing.assert_array_equal(diary.action, steps["action"])
    assert np.isnan(diary.value).all()
    assert [diary.row_at(at) for at in (0.0, 0.049, 0.05, 2.1, 99.0)] == [0, 0, 1, 39, 99]
    assert diary.state(0) == "policy"
    assert diary.state(99) == "human, afk"
    told = dict(diary.events)
    assert told[55] == "a life begins", "step 60 is row 55"
    assert told[95] == "a person drives; afk"


def test_a_clock_that_went_back_takes_no_time_away(awkward_path):
    steps = make_steps(20)
    steps["monotonic_ns"][10:] -= 10**9
    run = RunFolder(awkward_path)
    record(run.session, steps)
    seconds = read_diary(Lived(run)).seconds
    np.testing.assert_allclose(np.diff(seconds), 0.05, atol=1e-9)


def test_a_night_in_which_nothing_was_lived_is_a_moment(awkward_path):
    steps = make_steps(20)
    steps["monotonic_ns"][10:] += 12 * 3600 * 10**9
    run = RunFolder(awkward_path)
    record(run.session, steps)
    diary = read_diary(Lived(run))
    np.testing.assert_allclose(np.diff(diary.seconds), 0.05, atol=1e-9)
    assert (10, "12.0 h later") in diary.events


def test_any_step_is_found_by_its_index(lived):
    lived, steps = lived
    for row in (0, 39, 40, 99):
        found = lived.at(int(steps["index"][row]))
        assert found.tobytes() == steps[row].tobytes()


def test_the_film_shows_each_step_at_its_time(lived, tmp_path):
    av = pytest.importorskip("av")
    lived, _ = lived
    diary = read_diary(lived)
    diary.value[:] = np.arange(100)
    out = tmp_path / "film.mp4"
    assert to_film(lived, diary, "夢 $a$b_$c_{", out) == 100
    assert list(tmp_path.glob("film*")) == [out]
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert [round(frame.time, 2) for frame in frames] == [round(t, 2) for t in diary.seconds]
    assert (frames[0].width, frames[0].height) == (1280, 720)
    moved = [_cursor(frame.to_ndarray(format="rgb24")) for frame in frames[::20]]
    assert moved == sorted(moved)
    assert moved[-1] > moved[0]
    with pytest.raises(SessionError, match="exists already"):
        to_film(lived, diary, "夢", out)
    with pytest.raises(SessionError, match=r"ends in \.mp4"):
        to_film(lived, diary, "夢", tmp_path / "film.avi")


def _cursor(picture):
    """The column with most of the line's red in it, among the curves."""
    red = np.abs(picture[:, 670:].astype(int) - (200, 40, 40)).sum(-1) < 120
    return int(np.argmax(red.sum(0)))


def test_what_is_missing_is_drawn_as_a_hole():
    index, seconds = np.array([0, 1, 2, 7, 8]), np.array([0.0, 0.1, 0.2, 0.7, 0.8])
    did = np.arange(10.0).reshape(5, 2)
    at, drawn, value = with_holes(index, seconds, did, did[:, 0])
    np.testing.assert_allclose(at, [0.0, 0.1, 0.2, 0.3, 0.7, 0.8])
    assert np.isnan(drawn[3]).all()
    assert np.isnan(value[3])
    np.testing.assert_array_equal(np.delete(drawn, 3, axis=0), did)
    whole = with_holes(np.arange(5), seconds, did)
    assert whole[1] is did


def test_a_long_curve_is_drawn_by_windows_and_none_reaches_over_a_hole():
    index = np.array([0, 1, 2, 3, 4, 100, 101, 102])
    curve = np.array([1.0, 3.0, np.nan, 7.0, 9.0, 50.0, 70.0, np.nan], np.float32)
    mean, most = (windows(index, 2, what, curve)[0] for what in (np.nanmean, np.nanmax))
    np.testing.assert_array_equal(mean, [2.0, 7.0, 9.0, np.nan, 60.0, np.nan])
    np.testing.assert_array_equal(most, [3.0, 7.0, 9.0, np.nan, 70.0, np.nan])
    (each,) = windows(index, 1, np.nanmean, curve)
    np.testing.assert_array_equal(each, np.insert(curve, 5, np.nan))
