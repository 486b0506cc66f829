"""The timeline holds the numbers and events of every Step at its playback time."""

import numpy as np
import pytest

from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.run_steps import RunSteps
from interfaces.session.timeline import read_timeline
from tests.interfaces.session.recordings import make_run, make_steps, record_segments


@pytest.fixture
def recorded(awkward_path):
    """(RunSteps, records): 100 Steps at 20 Hz, with a gap of five after the first 40.

    A person drives in the last five.
    """
    steps = make_steps(105)
    steps["is_first"], steps["situation"], steps["sender"] = False, 0, Sender.POLICY
    steps["is_first"][[0, 60]] = True
    steps["sender"][100:], steps["situation"][100:] = Sender.HUMAN, Situation.AFK
    steps = np.delete(steps, np.arange(40, 45))
    run = make_run(awkward_path, None, "tick.hz=20")
    record_segments(run.session, steps)
    return RunSteps(run), steps


def test_each_step_is_a_row_at_its_time(recorded):
    run_steps, steps = recorded
    timeline = read_timeline(run_steps)
    assert len(timeline) == 100
    np.testing.assert_array_equal(timeline.index, steps["index"])
    np.testing.assert_allclose(timeline.seconds, steps["index"] * 0.05, atol=1e-9)
    np.testing.assert_array_equal(timeline.parameters, steps["vector"][:, :2])
    np.testing.assert_array_equal(timeline.action, steps["action"])
    assert np.isnan(timeline.value).all()
    assert [timeline.row_at(at) for at in (0.0, 0.049, 0.05, 2.1, 99.0)] == [0, 0, 1, 39, 99]
    assert timeline.describe_state(0) == "policy"
    assert timeline.describe_state(99) == "human, afk"
    events = dict(timeline.events)
    assert events[55] == "episode starts", "step 60 is row 55"
    assert events[95] == "a person drives; afk"


def test_time_advances_although_the_clock_goes_back(awkward_path):
    steps = make_steps(20)
    steps["monotonic_ns"][10:] -= 10**9
    run = RunFolder(awkward_path)
    record_segments(run.session, steps)
    seconds = read_timeline(RunSteps(run)).seconds
    np.testing.assert_allclose(np.diff(seconds), 0.05, atol=1e-9)


def test_a_long_pause_takes_one_tick_and_is_an_event(awkward_path):
    steps = make_steps(20)
    steps["monotonic_ns"][10:] += 12 * 3600 * 10**9
    run = RunFolder(awkward_path)
    record_segments(run.session, steps)
    timeline = read_timeline(RunSteps(run))
    np.testing.assert_allclose(np.diff(timeline.seconds), 0.05, atol=1e-9)
    assert (10, "12.0 h later") in timeline.events


def test_a_step_is_read_by_its_index(recorded):
    run_steps, steps = recorded
    for row in (0, 39, 40, 99):
        step = run_steps.at(int(steps["index"][row]))
        assert step.tobytes() == steps[row].tobytes()
