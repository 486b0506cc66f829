"""From journal to session: nothing twice, nothing lost, whatever ends in between."""

import numpy as np
import pytest

from configs.load import load_config
from interfaces.core.world import Situation
from interfaces.session.format.messages import CAMERA, Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain import maintenance as care
from interfaces.session.recorder import Recorder
from tests.conftest import ROOT
from tests.interfaces.session.recordings import make_steps, same, write_journal

MINUTE = 60.0 * 20  # Steps


def recorder(tmp_path, *words):
    config = load_config(ROOT / "configs" / "tiny.yaml", words)
    return Recorder(tmp_path / "journal", tmp_path / "session", config, {"seed": "3"})


def recorded(tmp_path):
    session = Session(tmp_path / "session")
    found = np.array([step for _, step in session.steps()], session.read(0, 1).dtype)

    return found


def test_it_carries_what_is_new_and_ends_segments_by_time(tmp_path):
    steps = make_steps(int(2.5 * MINUTE))
    writer = write_journal(tmp_path / "journal", steps[:0])
    made, done = recorder(tmp_path, "session.minutes=1"), 0
    assert made.carry() == 0
    for end in (1, 700, 701, len(steps)):
        for i in range(done, end):
            writer.append(steps[i, ...])
        assert made.carry() == end - done
        done = end
    made.close()
    assert same(recorded(tmp_path), steps)
    infos = Session(tmp_path / "session").infos
    assert [info.first for info in infos] == [0, 1201, 2402]
    assert infos[0].about["seed"] == "3"


@pytest.mark.filterwarnings("ignore:.*unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tidy", [True, False], ids=["ended", "killed"])
def test_another_recorder_goes_on_where_the_first_one_ended(tmp_path, tidy):
    steps = make_steps(1_500)
    writer = write_journal(tmp_path / "journal", steps[:900])
    first = recorder(tmp_path)
    first.carry()
    if tidy:
        first.close()
    for i in range(900, 1_500):
        writer.append(steps[i, ...])
    second = recorder(tmp_path)
    assert second.next_index == 900 if tidy else second.next_index < 900
    second.carry()
    second.close()
    assert same(recorded(tmp_path), steps)
    assert Session(tmp_path / "session").gaps == []


def test_what_it_has_not_written_is_held_and_what_is_freed_is_a_gap(tmp_path):
    writer = write_journal(tmp_path / "journal", make_steps(64), max_steps=128)
    made = recorder(tmp_path)
    made.carry()
    later = make_steps(1_000, first=64)
    for i in range(len(later)):  # far more than the journal holds for anybody
        writer.append(later[i, ...])
    made.carry()
    made.close()
    session = Session(tmp_path / "session")
    (gap,) = session.gaps
    assert gap[0] == 64
    assert 0 < gap[1] < 1_000 - 128
    assert session.end == 1_064
    assert session.steps_recorded == 1_064 - gap[1]


def test_it_begins_with_what_is_there_where_nobody_recorded_before(tmp_path):
    write_journal(tmp_path / "journal", make_steps(500), max_steps=128)
    made = recorder(tmp_path)
    made.carry()
    made.close()
    session = Session(tmp_path / "session")
    assert session.first > 0
    assert session.gaps == []


def test_what_was_pruned_is_not_recorded_again(tmp_path):
    writer = write_journal(tmp_path / "journal", make_steps(300))
    first = recorder(tmp_path)
    first.carry()
    first.close()
    care.prune(care.to_prune([tmp_path], older_days=0.0, keep_gb=None, now_s=1e12))
    again = recorder(tmp_path)
    assert again.carry() == 0
    writer.append(make_steps(1, first=300)[0, ...])
    assert again.carry() == 1
    again.close()
    assert (Session(tmp_path).first, Session(tmp_path).end) == (300, 301)


def test_what_was_forgotten_is_a_gap_and_no_blank(tmp_path):
    steps = make_steps(100)
    steps["situation"][70:] = Situation.FORGOTTEN
    writer = write_journal(tmp_path / "journal", steps)
    made = recorder(tmp_path)
    made.carry()
    later = make_steps(20, first=100)
    later["situation"] = 0
    for i in range(len(later)):
        writer.append(later[i, ...])
    made.carry()
    made.close()
    assert same(recorded(tmp_path), np.concatenate([steps[:70], later]))
    assert Session(tmp_path / "session").gaps == [(70, 30)]
    assert recorder(tmp_path).carry() == 0


@pytest.mark.parametrize("left", [0.0, 0.5])
def test_a_damaged_segment_is_set_aside_and_it_goes_on(tmp_path, left):
    steps = make_steps(300)
    writer = write_journal(tmp_path / "journal", steps[:200])
    first = recorder(tmp_path)
    first.carry()
    first.close()
    (file,) = segment_files(tmp_path / "session")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(left * len(whole))])  # a power cut
    for i in range(200, 300):
        writer.append(steps[i, ...])
    again = recorder(tmp_path)
    again.carry()
    again.close()
    assert same(recorded(tmp_path), steps)
    assert file.with_suffix(".damaged").exists()


def test_a_full_disk_is_told_and_it_goes_on(tmp_path, monkeypatch):
    steps = make_steps(900)
    writer = write_journal(tmp_path / "journal", steps[:600])
    made = recorder(tmp_path)
    full = []

    def put(self, step, original=SegmentWriter.put):
        if not full and int(step["index"]) == 500:
            full.append(True)
            raise OSError(28, "No space left on device")
        original(self, step)

    monkeypatch.setattr(SegmentWriter, "put", put)
    with pytest.raises(OSError, match="No space left"):
        made.carry()
    made.abandon()
    made = recorder(tmp_path)
    for i in range(600, 900):
        writer.append(steps[i, ...])
    made.carry()
    made.close()
    assert same(recorded(tmp_path), steps)


def test_small_pictures_cost_less_than_they_are(tmp_path):
    """Of a real scene, not of noise."""
    from interfaces.standin.lockstep_standin import LockstepStandin

    words = ["world.standin.place=room", "world.camera.width=64", "world.camera.height=64"]
    config = load_config(ROOT / "configs" / "tiny.yaml", words)
    world = LockstepStandin(config, 0)
    spaces = world.spaces
    steps = make_steps(60, spaces)
    action = np.zeros(spaces.num_actions, np.float32)
    action[2] = 0.3
    for step in steps:
        seen = world.observe()
        step["image"] = seen.image
        world.act(action)
    world.close()
    sizes = {}
    for camera in ("png", "jpeg"):
        codec = Codec(spaces, camera)
        sizes[camera] = sum(len(codec.encode(np.array(step))[CAMERA]) for step in steps)
    raw = steps["image"].nbytes
    assert sizes["png"] < 0.6 * raw
    assert sizes["jpeg"] < 0.2 * raw
