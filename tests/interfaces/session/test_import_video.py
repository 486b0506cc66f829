"""A video and a table become a session: the newest of each at a beat, never what comes later."""

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest

from configs.load import load_config
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from interfaces.session.import_video import import_video, read_table
from tests.conftest import ROOT

FPS, SECONDS = 25, 4


@pytest.fixture
def video(awkward_path):
    """Frame k is k brighter, and bluer than red."""
    path = awkward_path / "動画.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 64))
    for k in range(FPS * SECONDS):
        frame = np.zeros((64, 64, 3), np.uint8)
        frame[..., 0], frame[..., 2] = 60 + k, k
        writer.write(frame)
    writer.release()
    return path


def table(folder, rows, name="actions.csv"):
    path = folder / name
    if name.endswith(".csv"):
        lines = [",".join(rows[0])] + [",".join(map(str, row.values())) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def config(*words):
    return load_config(ROOT / "configs" / "tiny.yaml", ["beat.hz=10", *words])


def ramp(step_s=0.03):
    return [
        {"time_s": round(10.0 + t, 3), "Vertical": round(t / SECONDS, 4), "Jump": int(t > 2)}
        for t in np.arange(0, SECONDS, step_s)
    ]


@pytest.mark.parametrize("name", ["actions.csv", "actions.jsonl"])
def test_each_beat_has_the_newest_picture_and_the_newest_action(video, tmp_path, name):
    rows = read_table(table(tmp_path, ramp(), name))
    found = import_video(config(), video, rows, tmp_path / "run", offset_s=-10.0)
    session = Session(tmp_path / "run")
    steps = session.read(0, found.steps)
    assert 38 <= found.steps <= 50
    assert found.used == ("Vertical", "Jump")
    assert "Horizontal" in found.missing
    for k, step in enumerate(steps[:38]):
        at = k * 0.1
        frame = int(np.floor(at * FPS + 1e-6))
        assert abs(float(step["image"][..., 2].mean()) - (60 + frame)) < 4, "blue last: RGB"
        assert abs(float(step["image"][..., 0].mean()) - frame) < 4
        assert step["frame_age_s"] == pytest.approx(at - frame / FPS, abs=1e-3)
        row = int(np.floor(at / 0.03 + 1e-6))
        assert step["action"][0] == pytest.approx(row * 0.03 / SECONDS, abs=2e-4)
        assert step["action"][3] == float(row * 0.03 > 2)
    np.testing.assert_array_equal(steps["vector"][1:, -5:], steps["action"][:-1])
    assert steps["is_first"].tolist() == [True] + [False] * (len(steps) - 1)
    assert "newest frame" in session.infos[0].about["alignment"]


def test_an_offset_moves_the_pictures(video, tmp_path):
    rows = read_table(table(tmp_path, ramp()))
    import_video(config(), video, rows, tmp_path / "run", offset_s=-9.0)
    first = Session(tmp_path / "run").read(0, 1)[0]
    assert abs(float(first["image"][..., 0].mean()) - FPS) < 4


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("a.csv", "Vertical,Jump\n1,0", "line 2: no time"),
        ("a.csv", "time_s,Vertical\n0,1\n1,x", "line 3, column Vertical: no number: 'x'"),
        ("a.csv", "time_s,Vertical\n1,1\n0,1", "line 3: time 0.0 is before"),
        ("a.csv", "time_s,Vertical\n1", "line 2: not as many values"),
        ("a.csv", "time_s,Vertical\nnan,1\n1,1", "line 2: not a number"),
        ("a.csv", "time_s,Vertical\n0,1\ninf,1", "line 3: not a number"),
        ("a.csv", "time_s,Vertical\n0,nan", "line 2: not a number"),
        ("a.csv", "time_s,Vertical\n0,1e39", "line 2: not a number, or one that is too large"),
        ("a.jsonl", f'{{"time_s": 0, "Vertical": 1{400 * "0"}}}', "line 1, column "),
        ("a.csv", "", "no rows"),
        ("a.jsonl", '{"time_s": 0}\nnonsense', "line 2: not a JSON object"),
    ],
)
def test_a_table_that_makes_no_sense_is_named_with_its_line(tmp_path, name, text, named):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SessionError, match=named):
        read_table(path)


def test_what_does_not_fit_is_said_and_leaves_nothing(video, tmp_path):
    rows = read_table(table(tmp_path, [{"time_s": 0.0, "Wave": 1.0}]))
    with pytest.raises(SessionError, match=r"none of the actions Vertical.*there are Wave"):
        import_video(config(), video, rows, tmp_path / "run")
    good = read_table(table(tmp_path, ramp()))
    with pytest.raises(SessionError, match="no such file"):
        import_video(config(), tmp_path / "nothing.mp4", good, tmp_path / "run")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    with pytest.raises(SessionError, match="no video"):
        import_video(config(), broken, good, tmp_path / "run")
    with pytest.raises(SessionError, match="--offset nan"):
        import_video(config(), video, good, tmp_path / "run", offset_s=float("nan"))
    with pytest.raises(SessionError, match="no moment in common"):
        import_video(config(), video, good, tmp_path / "run", offset_s=100.0)
    rows = [{"time_s": 9.5, "Vertical": 1}, {"time_s": 10, "Jump": -1}]
    wild = read_table(table(tmp_path, rows, "wild.jsonl"))
    with pytest.raises(SessionError, match=r"second 10 of the table: Jump is -1; 0 to 1"):
        import_video(config(), video, wild, tmp_path / "run", offset_s=-10.0)
    assert not list((tmp_path / "run").rglob("*.*"))
    import_video(config(), video, good, tmp_path / "run", offset_s=-10.0)
    with pytest.raises(SessionError, match="written over"):
        import_video(config(), video, good, tmp_path / "run", offset_s=-10.0)


@pytest.mark.parametrize("whole", [True, False])
def test_a_video_that_was_cut_is_told_of(video, tmp_path, whole):
    content = video.read_bytes()
    video.write_bytes(content if whole else content[: len(content) * 6 // 10])
    found = import_video(
        config(), video, read_table(table(tmp_path, ramp())), tmp_path / "run", offset_s=-10.0
    )
    if whole:
        assert found.trouble == ""
    else:
        assert "of 4.0 s could be read" in found.trouble
        assert found.steps < 40


def test_a_whole_video_of_any_rate_is_whole(tmp_path):
    """MKV only guesses its frames: by its length and a rate that it did not keep."""
    av = pytest.importorskip("av")
    path = tmp_path / "rates.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=30)
        stream.width = stream.height = 64
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for ms in [*range(0, 1000, 33), *range(1000, 4000, 200)]:
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), ms // 20, np.uint8), "rgb24")
            frame.pts, frame.time_base = ms, stream.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    found = import_video(
        config(), path, read_table(table(tmp_path, ramp())), tmp_path / "run", offset_s=-10.0
    )
    assert found.trouble == ""
    assert 38 <= found.steps <= 50


@pytest.mark.parametrize("mine", ["config.yaml", "session/000000000000.live"])
def test_a_life_that_is_there_is_not_touched(video, tmp_path, mine):
    """Not even one whose first segment has no end yet."""
    file = tmp_path / "run" / mine
    file.parent.mkdir(parents=True)
    file.write_bytes(b"mine")
    good = read_table(table(tmp_path, ramp()))
    for offset_s in (-10.0, 100.0):
        with pytest.raises(SessionError, match="holds a life already"):
            import_video(config(), video, good, tmp_path / "run", offset_s=offset_s)
    assert file.read_bytes() == b"mine"
    assert [path for path in (tmp_path / "run").rglob("*") if path.is_file()] == [file]
