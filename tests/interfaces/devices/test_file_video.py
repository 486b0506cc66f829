"""A file is played at the times of its frames, whatever its header claims."""

import numpy as np
import pytest

from configs.devices import CameraConfig
from interfaces.core.clock import VirtualClock
from interfaces.devices import file_readers
from interfaces.devices.file_readers import OpenCVReader, PyAVReader
from interfaces.devices.file_video import FileFrames, FileVideo
from interfaces.devices.frame_times import FrameTimes, usable_time_s
from interfaces.devices.video_container import is_cut_short
from interfaces.devices.video_source import silence_opencv
from interfaces.devices.video_types import NoVideo, RepeatedShot, as_colour
from tests.interfaces.videos import turned_right, write_video

REPAINTS_MS = [0, 31, 63, 93, 1293, 1324, 1355, 3855, 3887]


@pytest.fixture(autouse=True)
def _quiet():
    silence_opencv()


def placed(stated):
    times = FrameTimes(0.04)
    pairs = zip(stated, [*stated[1:], None], strict=True)
    return [times.place(*pair) for pair in pairs], times


@pytest.mark.parametrize(
    ("stated", "expected", "estimated", "restarts"),
    [
        ([0.0, 0.03, 0.1, 5.0, 5.02], [0.0, 0.03, 0.1, 5.0, 5.02], 0, 0),
        ([2.0, 2.04, 2.08], [2.0, 2.04, 2.08], 0, 0),
        ([0.0, 0.04, None, 0.12], [0.0, 0.04, 0.08, 0.12], 1, 0),
        ([0.0, 0.04, 0.04, 0.08], [0.0, 0.04, 0.06, 0.08], 1, 0),
        ([0.0, 0.08, 0.04, 0.12], [0.0, 0.08, 0.1, 0.12], 1, 0),
        ([0.0, 0.04, 900.0, 0.12, 0.16], [0.0, 0.04, 0.08, 0.12, 0.16], 1, 0),
        ([7.0, 7.04, 3.0, 3.04, 3.08], [7.0, 7.04, 7.08, 7.12, 7.16], 0, 1),
        ([0.0, 0.04, None, 0.04, 0.08], [0.0, 0.04, 0.08, 0.12, 0.16], 1, 1),
        ([0.0, 0.04, 1.7e5, 1.7e5 + 0.04], [0.0, 0.04, 0.08, 0.12], 0, 1),
        ([None, None, None], [0.0, 0.04, 0.08], 2, 0),
        ([0.0, 0.04, 0.0], [0.0, 0.04, 0.08], 1, 0),
    ],
)
def test_times_grow_and_a_stated_time_is_kept_where_it_can_be(
    stated, expected, estimated, restarts
):
    got, times = placed(stated)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert (times.estimated, times.restarts) == (estimated, restarts)


def test_times_grow_for_any_clock():
    random = np.random.Generator(np.random.PCG64(0))
    for _ in range(50):
        stated = list(random.choice([0.0, 0.03, 1.0, 5.0, 2e4, -3.0], 40) + random.random(40))
        got, _ = placed([None if random.random() < 0.2 else each for each in stated])
        assert min(np.diff(got)) > 0.0


def test_no_time_is_not_taken_for_second_zero():
    assert usable_time_s(0.0, first=True) == 0.0
    for stated in (0.0, float("nan"), float("inf"), -9.2e15):
        assert usable_time_s(stated, first=False) is None


def play(path):
    """(start in ms, new frame) of each shot, by the periods that the camera waits."""
    video, shots, at_s = FileVideo(str(path), CameraConfig(), VirtualClock()), [], 0.0
    while (shot := video.read()) is not None:
        shots.append((round(1000 * at_s), not isinstance(shot, RepeatedShot), shot.picture))
        assert 0.0 < video.period_s <= 0.2
        at_s += video.period_s
    video.close()
    return shots


def test_a_screen_recording_plays_at_the_times_of_its_frames(awkward_path):
    path = write_video(awkward_path / "録画.mkv", REPAINTS_MS, level=lambda k: 20 * k)
    shots = play(path)
    new = [shot for shot in shots if shot[1]]
    np.testing.assert_allclose([at for at, *_ in new], REPAINTS_MS, atol=1)
    levels = [picture.mean() for _, _, picture in new]
    np.testing.assert_allclose(levels, 20 * np.arange(len(levels)), atol=6)
    starts = [at for at, *_ in shots]
    assert max(np.diff(starts)) <= 200, "in a gap the picture is shown again: it is not lost"


def test_a_clock_that_starts_again_goes_on(tmp_path):
    one = write_video(tmp_path / "one.ts", range(0, 400, 40), codec="libx264").read_bytes()
    (tmp_path / "two.ts").write_bytes(one + one)
    frames = FileFrames(str(tmp_path / "two.ts"))
    times = [frame.at_s for frame in frames]
    assert len(times) >= 19
    np.testing.assert_allclose(np.diff(times), 0.04, atol=0.002)
    frames.close()


@pytest.mark.parametrize(
    ("codec", "pixels"), [("ffv1", "gray"), ("ffv1", "gray16le"), ("ffv1", "bgra")]
)
def test_grey_and_transparent_videos_of_odd_size_are_colour(tmp_path, codec, pixels):
    path = write_video(tmp_path / "a.mkv", [0, 40], codec=codec, pixels=pixels, size=(63, 47))
    shapes = {(frame.picture.shape, frame.picture.dtype) for frame in FileFrames(str(path))}
    assert shapes == {((47, 63, 3), np.dtype(np.uint8))}


def test_a_grey_picture_of_a_driver_becomes_colour():
    for picture in (np.full((4, 6), 9, np.uint8), np.full((4, 6, 1), 9 << 8, np.uint16)):
        np.testing.assert_array_equal(as_colour(picture), np.full((4, 6, 3), 9))
    assert as_colour(np.zeros((4, 6, 4), np.uint8)).shape == (4, 6, 4)
    for odd in (None, np.zeros((4, 6, 2), np.uint8), np.zeros((0, 6, 3), np.uint8), np.zeros(3)):
        assert as_colour(odd) is None


def halves(path):
    """One frame whose left half is white."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=30)
        stream.width, stream.height = 64, 48
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, :32] = 255
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode())
    path.write_bytes(turned_right(path.read_bytes()))
    return path


def test_a_phone_video_is_upright_for_both_readers(tmp_path):
    path = halves(tmp_path / "upright.mp4")
    (by_opencv,) = FileFrames(str(path))
    reader = PyAVReader(str(path))
    assert reader.advance()
    by_pyav = reader.picture()
    reader.close()
    assert by_opencv.picture.shape == by_pyav.shape == (64, 48, 3)
    np.testing.assert_allclose(by_opencv.picture.mean((1, 2)), by_pyav.mean((1, 2)), atol=3)
    assert by_pyav[:30].min() > 200 > 50 > by_pyav[34:].max(), "what was left is now at the top"


def test_av1_is_played_by_pyav_or_named(tmp_path, monkeypatch):
    av = pytest.importorskip("av")
    if "libsvtav1" not in av.codecs_available:
        pytest.skip("this PyAV writes no AV1")
    path = write_video(tmp_path / "a.webm", [0, 40, 500], codec="libsvtav1")
    frames = FileFrames(str(path))
    np.testing.assert_allclose([frame.at_s for frame in frames], [0.0, 0.04, 0.5], atol=2e-3)

    def without_pyav(path):
        raise ImportError

    monkeypatch.setattr(file_readers, "PyAVReader", without_pyav)
    monkeypatch.setattr(OpenCVReader, "advance", lambda reader: False)  # some builds decode AV1
    with pytest.raises(NoVideo, match="its codec AV01 cannot be decoded here"):
        FileFrames(str(path))


def test_only_a_file_that_ends_before_its_container_is_cut_short(tmp_path):
    for name in ("a.mp4", "a.mkv", "a.avi"):
        content = write_video(tmp_path / name, range(0, 800, 40)).read_bytes()
        assert not is_cut_short(tmp_path / name)
        (tmp_path / name).write_bytes(content[: len(content) * 7 // 10])
        assert is_cut_short(tmp_path / name)
    (tmp_path / "live.ts").write_bytes(b"G" * 400)
    assert not is_cut_short(tmp_path / "live.ts")


def test_no_file_of_noise_is_read_as_a_video(tmp_path):
    random, path = np.random.Generator(np.random.PCG64(1)), tmp_path / "noise.mp4"
    heads = (b"", b"RIFF", b"\x1a\x45\xdf\xa3", b"\0\0\0\x08ftyp", b"\0\0\0\x01mdat")
    for head in heads:
        path.write_bytes(head + random.bytes(300))
        is_cut_short(path)
        with pytest.raises(NoVideo):
            FileFrames(str(path))
