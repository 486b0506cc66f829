"""NumPy arrays and videos, read back by NumPy, PyAV and ffprobe."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from interfaces.ipc.atomic_files import staging_path
from interfaces.session.export.arrays_and_video import to_mp4, to_npz
from interfaces.session.export.lerobot_dataset import to_lerobot
from interfaces.session.export.video_stream import crop_to_even
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from tests.interfaces.session.recordings import make_steps, record_segments

av = pytest.importorskip("av")


def test_the_arrays_hold_every_field(recorded, tmp_path):
    session, steps = recorded
    assert to_npz(session, tmp_path / "arrays") == 150
    (path,) = (tmp_path / "arrays").iterdir()
    with np.load(path) as arrays:
        for name in steps.dtype.names:
            np.testing.assert_array_equal(arrays[name], steps[name])
        assert arrays["features"].tolist() == ["VelocityX", "頭なで"]
        np.testing.assert_allclose(np.diff(arrays["time_s"]), 0.05)


@pytest.mark.parametrize(("export", "name"), [(to_npz, "arrays"), (to_lerobot, "set")])
def test_a_failed_export_leaves_no_file(recorded, tmp_path, export, name):
    pytest.importorskip("pyarrow")
    session, _ = recorded
    staging = staging_path(tmp_path / name)  # left by a killed export
    staging.mkdir()
    (tmp_path / f"{name}.part").mkdir()  # of another program
    (staging / "000000000000.npz").write_bytes(b"incomplete")

    def fail(_):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        export(session, tmp_path / name, fail)
    assert not staging.exists()
    assert not (tmp_path / name).exists()
    assert export(session, tmp_path / name) > 0
    assert (tmp_path / f"{name}.part").exists()


def test_the_video_has_each_picture_at_its_time(recorded, tmp_path):
    session, steps = recorded
    out = tmp_path / "run.mp4"
    assert to_mp4(session, out) == 150
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 150
    assert min(frames[0].width, frames[0].height) >= 256
    times = np.array([float(frame.pts * frame.time_base) for frame in frames])
    np.testing.assert_allclose(times - times[0], 0.05 * np.arange(150), atol=0.002)
    picture = frames[70].to_ndarray(format="rgb24")
    scale = picture.shape[0] // 16
    small = picture[scale // 2 :: scale, scale // 2 :: scale]
    assert np.abs(small.astype(int) - steps["image"][70]).mean() < 6


def test_long_pauses_are_left_out_of_the_video_and_kept_in_the_arrays(tmp_path):
    """A run resumed after one day and after thirty, and once after the clock went back."""
    steps = make_steps(40)
    day_ns = 86_400 * 10**9
    for first, days in ((10, 1), (20, 31), (30, -2)):
        steps["monotonic_ns"][first:] += days * day_ns
        steps["wall_ns"][first:] += days * day_ns
    record_segments(tmp_path / "session", steps, 10)
    session = Session(tmp_path)
    assert to_mp4(session, tmp_path / "run.mp4") == 40
    with av.open(str(tmp_path / "run.mp4")) as container:
        times = [float(f.pts * f.time_base) for f in container.decode(video=0)]
    np.testing.assert_allclose(np.diff(times), 0.05, atol=0.002)
    to_npz(session, tmp_path / "arrays")
    with np.load(next((tmp_path / "arrays").iterdir())) as arrays:
        elapsed_s = np.diff(arrays["time_s"])
    assert elapsed_s[[9, 19]].tolist() == pytest.approx([86_400.05, 31 * 86_400.05], rel=1e-6)
    np.testing.assert_allclose(np.delete(elapsed_s, [9, 19]), 0.05, atol=1e-6)


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="no ffprobe here")
def test_ffprobe_reads_the_video(recorded, tmp_path):
    session, _ = recorded
    to_mp4(session, tmp_path / "run.mp4")
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(tmp_path / "run.mp4")],
        capture_output=True,
        check=True,
    )
    (stream,) = json.loads(done.stdout)["streams"]
    assert stream["codec_name"] == "h264"
    assert float(stream["duration"]) == pytest.approx(7.5, abs=0.1)


def test_existing_files_and_other_suffixes_are_refused(recorded, tmp_path):
    session, _ = recorded
    (tmp_path / "there").mkdir()
    for export in (to_npz, to_lerobot):
        with pytest.raises(SessionError, match="never overwritten"):
            export(session, tmp_path / "there")
    with pytest.raises(SessionError, match=r"ends in \.mp4"):
        to_mp4(session, tmp_path / "run.avi")


def test_odd_sides_lose_a_row_and_a_column():
    assert crop_to_even(np.zeros((5, 7, 3), np.uint8)).shape == (4, 6, 3)
