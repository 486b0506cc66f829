"""What other tools get: read back by NumPy, pyarrow, PyAV and ffprobe, not by us."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from configs.load import dump_config, load_config
from interfaces.ipc.atomic_files import workshop
from interfaces.session.export import arrays_and_video as export
from interfaces.session.export.arrays_and_video import episodes, to_mp4, to_npz
from interfaces.session.export.lerobot_dataset import ACTION, CAMERA, STATE, to_lerobot
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from tests.conftest import ROOT
from tests.interfaces.session.format.test_session import record
from tests.interfaces.session.recordings import SPACES, make_steps

av = pytest.importorskip("av")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def lived(tmp_path):
    """150 Steps at 20 Hz of two lives, one beat skipped in the second; smooth pictures."""
    steps = make_steps(150)
    steps["is_first"] = steps["is_last"] = False
    steps["is_first"][[0, 60]] = True
    steps["skipped"][100] = 1
    ramp = np.linspace(0, 200, 16 * 12).reshape(16, 12, 1)
    steps["image"] = (ramp + np.arange(150)[:, None, None, None] % 50).astype(np.uint8)
    config = load_config(ROOT / "configs" / "tiny.yaml", ["beat.hz=20"])
    record(tmp_path / "夢 の 家" / "session", steps, about={"config": dump_config(config)})
    return Session(tmp_path / "夢 の 家"), steps


def test_an_episode_is_what_follows_without_a_break(lived):
    session, _ = lived
    assert [len(each.steps) for each in episodes(session, 1000)] == [60, 40, 50]
    assert [len(each.steps) for each in episodes(session, 45)] == [45, 15, 40, 45, 5]


def test_numpy_has_every_field(lived, tmp_path):
    session, steps = lived
    assert to_npz(session, tmp_path / "arrays") == 150
    (path,) = (tmp_path / "arrays").iterdir()
    with np.load(path) as found:
        for name in steps.dtype.names:
            np.testing.assert_array_equal(found[name], steps[name])
        assert found["features"].tolist() == ["VelocityX", "頭なで"]
        np.testing.assert_allclose(np.diff(found["time_s"]), 0.05)


@pytest.mark.parametrize(("to", "name"), [(to_npz, "arrays"), (to_lerobot, "set")])
def test_an_export_that_ends_early_leaves_nothing(lived, tmp_path, to, name):
    session, _ = lived
    half = workshop(tmp_path / name)  # of one that was killed
    half.mkdir()
    (tmp_path / f"{name}.part").mkdir()  # somebody else's
    (half / "000000000000.npz").write_bytes(b"half")

    def full(_):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        to(session, tmp_path / name, full)
    assert not half.exists()
    assert not (tmp_path / name).exists()
    assert to(session, tmp_path / name) > 0
    assert (tmp_path / f"{name}.part").exists()


def test_the_video_has_each_picture_at_its_time(lived, tmp_path):
    session, steps = lived
    out = tmp_path / "life.mp4"
    assert to_mp4(session, out) == 150
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 150
    assert min(frames[0].width, frames[0].height) >= 256
    times = np.array([float(frame.pts * frame.time_base) for frame in frames])
    np.testing.assert_allclose(times - times[0], 0.05 * np.arange(150), atol=0.002)
    seen = frames[70].to_ndarray(format="rgb24")
    scale = seen.shape[0] // 16
    small = seen[scale // 2 :: scale, scale // 2 :: scale]
    assert np.abs(small.astype(int) - steps["image"][70]).mean() < 6


def test_a_life_of_many_days_is_no_film_of_them(tmp_path):
    """Ended and resumed, a day later and thirty, and once after the clock was set back."""
    steps = make_steps(40)
    day_ns = 86_400 * 10**9
    for first, days in ((10, 1), (20, 31), (30, -2)):
        steps["monotonic_ns"][first:] += days * day_ns
        steps["wall_ns"][first:] += days * day_ns
    record(tmp_path / "session", steps, 10)
    session = Session(tmp_path)
    assert to_mp4(session, tmp_path / "life.mp4") == 40
    with av.open(str(tmp_path / "life.mp4")) as container:
        times = [float(f.pts * f.time_base) for f in container.decode(video=0)]
    np.testing.assert_allclose(np.diff(times), 0.05, atol=0.002)
    to_npz(session, tmp_path / "arrays")
    with np.load(next((tmp_path / "arrays").iterdir())) as found:
        gone_s = np.diff(found["time_s"])
    assert gone_s[[9, 19]].tolist() == pytest.approx([86_400.05, 31 * 86_400.05], rel=1e-6)
    np.testing.assert_allclose(np.delete(gone_s, [9, 19]), 0.05, atol=1e-6)


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="no ffprobe here")
def test_ffprobe_knows_the_video(lived, tmp_path):
    session, _ = lived
    to_mp4(session, tmp_path / "life.mp4")
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(tmp_path / "life.mp4")],
        capture_output=True,
        check=True,
    )
    (stream,) = json.loads(told.stdout)["streams"]
    assert stream["codec_name"] == "h264"
    assert float(stream["duration"]) == pytest.approx(7.5, abs=0.1)


def test_lerobot_finds_what_its_format_says(lived, tmp_path):
    session, steps = lived
    out = tmp_path / "dataset"
    assert to_lerobot(session, out) == 3
    info = json.loads((out / "meta" / "info.json").read_text(encoding="utf-8"))
    assert (info["codebase_version"], info["fps"]) == ("v3.0", 20)
    assert (info["total_episodes"], info["total_frames"]) == (3, 150)
    assert info["features"][ACTION]["names"] == [action.name for action in SPACES.actions]
    data = parquet.read_table(out / info["data_path"].format(chunk_index=0, file_index=0))
    np.testing.assert_array_equal(np.array(data[ACTION].to_pylist(), np.float32), steps["action"])
    np.testing.assert_array_equal(np.array(data[STATE].to_pylist(), np.float32), steps["vector"])
    assert data["index"].to_pylist() == list(range(150))
    assert data["frame_index"].to_pylist() == [*range(60), *range(40), *range(50)]
    rows = parquet.read_table(out / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    rows = rows.to_pylist()
    assert [row["length"] for row in rows] == [60, 40, 50]
    assert [row["dataset_from_index"] for row in rows] == [0, 60, 100]
    assert [row[f"videos/{CAMERA}/from_timestamp"] for row in rows] == [0.0, 3.0, 5.0]
    tasks = parquet.read_table(out / "meta" / "tasks.parquet")
    assert tasks.to_pylist() == [{"task_index": 0, "task": "live"}]
    statistics = json.loads((out / "meta" / "stats.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(statistics[ACTION]["mean"], steps["action"].mean(0), atol=1e-5)
    np.testing.assert_allclose(statistics[ACTION]["std"], steps["action"].std(0), atol=1e-4)
    assert np.shape(statistics[CAMERA]["mean"]) == (3, 1, 1)
    path = info["video_path"].format(video_key=CAMERA, chunk_index=0, file_index=0)
    with av.open(str(out / path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 150
    assert [round(20 * float(f.pts * f.time_base)) for f in frames] == list(range(150))


def test_what_cannot_be_exported_is_said_and_nothing_is_written_over(lived, tmp_path):
    session, _ = lived
    (tmp_path / "there").mkdir()
    for to in (to_npz, to_lerobot):
        with pytest.raises(SessionError, match="written over"):
            to(session, tmp_path / "there")
    with pytest.raises(SessionError, match=r"ends in \.mp4"):
        to_mp4(session, tmp_path / "life.avi")
    strange = load_config(ROOT / "configs" / "tiny.yaml", ["beat.hz=12.5"])
    record(tmp_path / "odd", make_steps(5), about={"config": dump_config(strange)})
    with pytest.raises(SessionError, match=r"not 12\.5"):
        to_lerobot(Session(tmp_path / "odd"), tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()
    odd = export.even(np.zeros((5, 7, 3), np.uint8))
    assert odd.shape == (4, 6, 3)


def test_rerun_shows_pictures_curves_and_events(lived, tmp_path):
    pytest.importorskip("rerun", reason="extra [rerun] is not installed")
    from interfaces.session.export.rerun_recording import to_rerun

    session, _ = lived
    out = tmp_path / "life.rrd"
    assert to_rerun(session, out) == 150
    told = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", str(out)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for what in ("/camera - ", "/events - ", "/action/Jump - ", "/feeling/VelocityX - "):
        assert what in told
    assert "with 150 rows" in told
    with pytest.raises(SessionError, match="exists already"):
        to_rerun(session, out)


def test_lerobots_own_loader_reads_it(lived, tmp_path):
    datasets = pytest.importorskip(
        "lerobot.datasets.lerobot_dataset", reason="LeRobot is not installed"
    )
    session, steps = lived
    out = tmp_path / "dataset"
    assert to_lerobot(session, out) == 3
    found = datasets.LeRobotDataset("yume/life", root=out)
    assert (len(found), found.meta.total_episodes) == (150, 3)
    for i in (0, 59, 60, 99, 100, 149):  # both sides of each border
        row = found[i]
        np.testing.assert_array_equal(row[ACTION], steps["action"][i])
        np.testing.assert_array_equal(row[STATE], steps["vector"][i])
        picture = 255 * row[CAMERA].numpy().transpose(1, 2, 0)
        assert np.abs(picture - steps["image"][i]).mean() < 4
