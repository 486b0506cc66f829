"""The annotated video, decoded by PyAV."""

import numpy as np
import pytest

from interfaces.core.sense_map import PlacedSense, SenseMap
from interfaces.session.export.annotated_video import to_annotated_video
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.run_steps import RunSteps
from interfaces.session.timeline import read_timeline
from tests.interfaces.session.recordings import make_run, make_steps, record_segments

av = pytest.importorskip("av")


def test_each_step_is_a_frame_at_its_time(awkward_path, tmp_path):
    steps = np.delete(make_steps(105), np.arange(40, 45))
    run = make_run(awkward_path, None, "tick.hz=20")
    record_segments(run.session, steps)
    run_steps = RunSteps(run)
    timeline = read_timeline(run_steps)
    timeline.value[:] = np.arange(100)
    out = tmp_path / "annotated.mp4"
    assert to_annotated_video(run_steps, timeline, "夢 $a$b_$c_{", out) == 100
    assert list(tmp_path.glob("annotated*")) == [out]
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert [round(frame.time, 2) for frame in frames] == [round(t, 2) for t in timeline.seconds]
    assert (frames[0].width, frames[0].height) == (1280, 720)
    cursor = [cursor_column(frame.to_ndarray(format="rgb24")) for frame in frames[::20]]
    assert cursor == sorted(cursor)
    assert cursor[-1] > cursor[0]
    with pytest.raises(SessionError, match="exists already"):
        to_annotated_video(run_steps, timeline, "夢", out)
    with pytest.raises(SessionError, match=r"ends in \.mp4"):
        to_annotated_video(run_steps, timeline, "夢", tmp_path / "annotated.avi")


def test_contacts_and_rays_are_beside_the_picture(tmp_path):
    run = make_run(tmp_path / "run", make_steps(10), "tick.hz=20")
    run_steps, frames = RunSteps(run), {}
    for closeness in (0.0, 1.0):
        timeline = read_timeline(run_steps)
        timeline.senses = SenseMap((PlacedSense("Near", "contact", 0.0, 3.0),), (0,), (1,))
        timeline.parameters[:] = closeness, 1.0
        out = tmp_path / f"{closeness}.mp4"
        to_annotated_video(run_steps, timeline, "run", out)
        with av.open(str(out)) as container:
            frames[closeness] = next(container.decode(video=0)).to_ndarray(format="rgb24")
    far, near = (frames[each][72:336, 300:564].astype(int) for each in (0.0, 1.0))
    assert near.mean() > 2 * far.mean()


def cursor_column(picture):
    """The column among the curves with the most pixels of the cursor's red."""
    red = np.abs(picture[:, 670:].astype(int) - (200, 40, 40)).sum(-1) < 120
    return int(np.argmax(red.sum(0)))
