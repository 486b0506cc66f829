"""A video and a table become a session: each Step has the newest of both, and nothing later."""

import json

import cv2
import numpy as np
import pytest

from configs.load import load_config
from interfaces.session.action_table import read_table
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.import_video import import_video
from tests.conftest import ROOT
from tests.interfaces.videos import write_video

FPS, SECONDS = 25, 4


@pytest.fixture
def video(awkward_path):
    """In frame k red is k and blue is 60 + k."""
    path = awkward_path / "動画.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 64))
    for k in range(FPS * SECONDS):
        frame = np.zeros((64, 64, 3), np.uint8)
        frame[..., 0], frame[..., 2] = 60 + k, k
        writer.write(frame)
    writer.release()
    return path


def write_table(folder, rows, name="actions.csv"):
    path = folder / name
    if name.endswith(".csv"):
        lines = [",".join(rows[0])] + [",".join(map(str, row.values())) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def config(*words):
    return load_config(ROOT / "configs" / "tiny.yaml", ["tick.hz=10", *words])


def ramp(step_s=0.03):
    """Rows from second 10 on, with a rising axis and a button that goes down after two seconds."""
    return [
        {"time_s": round(10.0 + t, 3), "Vertical": round(t / SECONDS, 4), "Jump": int(t > 2)}
        for t in np.arange(0, SECONDS, step_s)
    ]


@pytest.mark.parametrize("name", ["actions.csv", "actions.jsonl"])
def test_each_step_has_the_newest_frame_and_the_newest_row(video, tmp_path, name):
    table = read_table(write_table(tmp_path, ramp(), name))
    result = import_video(config(), video, table, tmp_path / "run", offset_s=-10.0)
    session = Session(tmp_path / "run")
    steps = session.read(0, result.steps)
    assert 38 <= result.steps <= 50
    assert result.used == ("Vertical", "Jump")
    assert "Horizontal" in result.missing
    for k, step in enumerate(steps[:38]):
        at = k * 0.1
        frame = int(np.floor(at * FPS + 1e-6))
        assert abs(float(step["image"][..., 2].mean()) - (60 + frame)) < 4, "RGB: blue is last"
        assert abs(float(step["image"][..., 0].mean()) - frame) < 4
        assert step["frame_age_s"] == pytest.approx(at - frame / FPS, abs=1e-3)
        row = int(np.floor(at / 0.03 + 1e-6))
        assert step["action"][0] == pytest.approx(row * 0.03 / SECONDS, abs=2e-4)
        assert step["action"][3] == float(row * 0.03 > 2)
    np.testing.assert_array_equal(steps["vector"][1:, -5:], steps["action"][:-1])
    assert steps["is_first"].tolist() == [True] + [False] * (len(steps) - 1)
    assert "newest frame" in session.infos[0].run_metadata["alignment"]


def test_the_offset_moves_the_video_against_the_table(video, tmp_path):
    table = read_table(write_table(tmp_path, ramp()))
    import_video(config(), video, table, tmp_path / "run", offset_s=-9.0)
    first = Session(tmp_path / "run").read(0, 1)[0]
    assert abs(float(first["image"][..., 0].mean()) - FPS) < 4


def test_unusable_input_is_refused_and_no_file_is_left(video, tmp_path):
    run = tmp_path / "run"
    unknown = read_table(write_table(tmp_path, [{"time_s": 0.0, "Wave": 1.0}]))
    with pytest.raises(SessionError, match=r"none of the actions Vertical.*there are Wave"):
        import_video(config(), video, unknown, run)
    good = read_table(write_table(tmp_path, ramp()))
    with pytest.raises(SessionError, match="no such file"):
        import_video(config(), tmp_path / "nothing.mp4", good, run)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    with pytest.raises(SessionError, match="no video"):
        import_video(config(), broken, good, run)
    with pytest.raises(SessionError, match="--offset nan"):
        import_video(config(), video, good, run, offset_s=float("nan"))
    with pytest.raises(SessionError, match="do not overlap in time"):
        import_video(config(), video, good, run, offset_s=100.0)
    rows = [{"time_s": 9.5, "Vertical": 1}, {"time_s": 10, "Jump": -1}]
    out_of_range = read_table(write_table(tmp_path, rows, "out_of_range.jsonl"))
    with pytest.raises(SessionError, match=r"second 10 of the table: Jump is -1; 0 to 1"):
        import_video(config(), video, out_of_range, run, offset_s=-10.0)
    assert not list(run.rglob("*.*"))
    import_video(config(), video, good, run, offset_s=-10.0)
    with pytest.raises(SessionError, match="never overwritten"):
        import_video(config(), video, good, run, offset_s=-10.0)


@pytest.mark.parametrize("complete", [True, False])
def test_a_truncated_video_is_reported(video, tmp_path, complete):
    content = video.read_bytes()
    video.write_bytes(content if complete else content[: len(content) * 6 // 10])
    table = read_table(write_table(tmp_path, ramp()))
    result = import_video(config(), video, table, tmp_path / "run", offset_s=-10.0)
    if complete:
        assert result.trouble == ""
    else:
        assert "of 4.0 s could be read" in result.trouble
        assert result.steps < 40


@pytest.mark.parametrize(
    "times_ms",
    [
        [*range(0, 1000, 33), *range(1000, 4000, 200)],  # a variable rate
        [*range(0, 300, 33), *range(3500, 4000, 33)],  # a gap
        range(5000, 9000, 100),  # a late first frame
    ],
)
def test_a_complete_video_is_not_called_damaged_whatever_its_times(tmp_path, times_ms):
    """OpenCV estimates the frame count of an MKV file from its length and its nominal rate."""
    path = write_video(tmp_path / "rates.mkv", times_ms)
    table = read_table(write_table(tmp_path, ramp()))
    result = import_video(config(), path, table, tmp_path / "run", offset_s=-10.0)
    assert result.trouble == ""
    assert 38 <= result.steps <= 50


def test_a_clock_that_starts_again_is_reported_and_nothing_is_lost(tmp_path):
    one = write_video(tmp_path / "one.ts", range(0, 2000, 40), codec="libx264").read_bytes()
    (tmp_path / "two.ts").write_bytes(one + one)
    table = read_table(write_table(tmp_path, ramp()))
    run = tmp_path / "run"
    result = import_video(config(), tmp_path / "two.ts", table, run, offset_s=-10.0)
    assert "places where its clock starts again, played one after another: 1" in result.trouble
    assert 38 <= result.steps <= 50
    steps = Session(run).read(0, result.steps)
    assert float(steps[35]["frame_age_s"]) < 0.1, "the second part has pictures of its own"


def test_a_stream_without_any_time_is_refused_with_a_way_out(tmp_path):
    path = write_video(tmp_path / "raw.h264", range(0, 400, 40), codec="libx264")
    table = read_table(write_table(tmp_path, ramp()))
    with pytest.raises(SessionError, match=r"no frame has a time; .*ffmpeg -r 30 -i raw\.h264"):
        import_video(config(), path, table, tmp_path / "run", offset_s=-10.0)
    assert not list((tmp_path / "run").rglob("*.*"))


@pytest.mark.parametrize("name", ["config.yaml", "session/000000000000.live"])
def test_an_existing_run_is_not_changed(video, tmp_path, name):
    """Not even a run whose first segment is unfinished."""
    file = tmp_path / "run" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"mine")
    good = read_table(write_table(tmp_path, ramp()))
    for offset_s in (-10.0, 100.0):
        with pytest.raises(SessionError, match="holds a run already"):
            import_video(config(), video, good, tmp_path / "run", offset_s=offset_s)
    assert file.read_bytes() == b"mine"
    assert [path for path in (tmp_path / "run").rglob("*") if path.is_file()] == [file]
