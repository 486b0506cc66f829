"""The recorder writes every Step of the journal once, also across crashes and full disks."""

import numpy as np
import pytest

from configs.load import load_config
from interfaces.core.world import Situation
from interfaces.session.format.messages import CAMERA, Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.prune import find_prunable, prune
from interfaces.session.recorder import Recorder
from tests.conftest import ROOT
from tests.interfaces.session.recordings import layout_of, make_steps, read_all, same, write_journal

STEPS_PER_MINUTE = 60.0 * 20


def make_recorder(tmp_path, *words):
    config = load_config(ROOT / "configs" / "tiny.yaml", words)
    return Recorder(tmp_path / "journal", tmp_path / "session", config, {"seed": "3"})


def test_new_steps_are_recorded_and_segments_end_by_time(tmp_path):
    steps = make_steps(int(2.5 * STEPS_PER_MINUTE))
    writer = write_journal(tmp_path / "journal", steps[:0])
    recorder, done = make_recorder(tmp_path, "session.minutes=1"), 0
    assert recorder.record_new_steps() == 0
    for end in (1, 700, 701, len(steps)):
        for i in range(done, end):
            writer.append(steps[i, ...])
        assert recorder.record_new_steps() == end - done
        done = end
    recorder.close()
    assert same(read_all(tmp_path), steps)
    infos = Session(tmp_path / "session").infos
    assert [info.first for info in infos] == [0, 1201, 2402]
    assert infos[0].run_metadata["seed"] == "3"


@pytest.mark.filterwarnings("ignore:.*unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
def test_a_new_recorder_continues_where_the_first_one_ended(tmp_path, closed):
    steps = make_steps(1_500)
    writer = write_journal(tmp_path / "journal", steps[:900])
    first = make_recorder(tmp_path)
    first.record_new_steps()
    if closed:
        first.close()
    for i in range(900, 1_500):
        writer.append(steps[i, ...])
    second = make_recorder(tmp_path)
    assert second.next_index == 900 if closed else second.next_index < 900
    second.record_new_steps()
    second.close()
    assert same(read_all(tmp_path), steps)
    assert Session(tmp_path / "session").gaps == []


def test_steps_that_the_journal_deleted_are_a_gap(tmp_path):
    writer = write_journal(tmp_path / "journal", make_steps(64), max_steps=128)
    recorder = make_recorder(tmp_path)
    recorder.record_new_steps()
    later = make_steps(1_000, first=64)
    for i in range(len(later)):  # far more than the journal keeps for any reader
        writer.append(later[i, ...])
    recorder.record_new_steps()
    recorder.close()
    session = Session(tmp_path / "session")
    (gap,) = session.gaps
    assert gap[0] == 64
    assert 0 < gap[1] < 1_000 - 128
    assert session.end == 1_064
    assert session.steps_recorded == 1_064 - gap[1]


def test_a_first_recording_starts_at_the_oldest_step_of_the_journal(tmp_path):
    write_journal(tmp_path / "journal", make_steps(500), max_steps=128)
    recorder = make_recorder(tmp_path)
    recorder.record_new_steps()
    recorder.close()
    session = Session(tmp_path / "session")
    assert session.first > 0
    assert session.gaps == []


def test_pruned_steps_are_not_recorded_again(tmp_path):
    writer = write_journal(tmp_path / "journal", make_steps(300))
    first = make_recorder(tmp_path)
    first.record_new_steps()
    first.close()
    prune(find_prunable([tmp_path], older_days=0.0, keep_gb=None, now_s=1e12))
    second = make_recorder(tmp_path)
    assert second.record_new_steps() == 0
    writer.append(make_steps(1, first=300)[0, ...])
    assert second.record_new_steps() == 1
    second.close()
    assert (Session(tmp_path).first, Session(tmp_path).end) == (300, 301)


def test_forgotten_steps_are_a_gap(tmp_path):
    steps = make_steps(100)
    steps["situation"][70:] = Situation.FORGOTTEN
    writer = write_journal(tmp_path / "journal", steps)
    recorder = make_recorder(tmp_path)
    recorder.record_new_steps()
    later = make_steps(20, first=100)
    later["situation"] = 0
    for i in range(len(later)):
        writer.append(later[i, ...])
    recorder.record_new_steps()
    recorder.close()
    assert same(read_all(tmp_path), np.concatenate([steps[:70], later]))
    assert Session(tmp_path / "session").gaps == [(70, 30)]
    assert make_recorder(tmp_path).record_new_steps() == 0


@pytest.mark.parametrize("left", [0.0, 0.5])
def test_a_damaged_segment_is_set_aside_and_recorded_again(tmp_path, left):
    steps = make_steps(300)
    writer = write_journal(tmp_path / "journal", steps[:200])
    first = make_recorder(tmp_path)
    first.record_new_steps()
    first.close()
    (file,) = segment_files(tmp_path / "session")
    content = file.read_bytes()
    file.write_bytes(content[: int(left * len(content))])  # a power cut
    for i in range(200, 300):
        writer.append(steps[i, ...])
    second = make_recorder(tmp_path)
    second.record_new_steps()
    second.close()
    assert same(read_all(tmp_path), steps)
    assert file.with_name(f"{file.name}.damaged").exists()


def test_a_full_disk_is_reported_and_a_new_recorder_continues(tmp_path, monkeypatch):
    steps = make_steps(900)
    writer = write_journal(tmp_path / "journal", steps[:600])
    recorder = make_recorder(tmp_path)
    was_full = []

    def put(self, step, original=SegmentWriter.put):
        if not was_full and int(step["index"]) == 500:
            was_full.append(True)
            raise OSError(28, "No space left on device")
        original(self, step)

    monkeypatch.setattr(SegmentWriter, "put", put)
    with pytest.raises(OSError, match="No space left"):
        recorder.record_new_steps()
    recorder.abandon()
    recorder = make_recorder(tmp_path)
    for i in range(600, 900):
        writer.append(steps[i, ...])
    recorder.record_new_steps()
    recorder.close()
    assert same(read_all(tmp_path), steps)


def test_pictures_of_the_stand_in_are_compressed(tmp_path):
    """A rendered scene compresses well; random numbers do not."""
    from interfaces.standin.lockstep_standin import LockstepStandin

    words = ["world.standin.place=room", "world.camera.width=64", "world.camera.height=64"]
    config = load_config(ROOT / "configs" / "tiny.yaml", words)
    world = LockstepStandin(config, 0)
    spaces = world.spaces
    steps = make_steps(60, spaces)
    action = np.zeros(spaces.num_actions, np.float32)
    action[2] = 0.3
    for step in steps:
        step["image"] = world.observe().image
        world.act(action)
    world.close()
    sizes = {}
    for camera in ("png", "jpeg"):
        codec = Codec(layout_of(spaces), camera)
        sizes[camera] = sum(len(codec.encode(np.array(step))[CAMERA]) for step in steps)
    raw = steps["image"].nbytes
    assert sizes["png"] < 0.6 * raw
    assert sizes["jpeg"] < 0.2 * raw
