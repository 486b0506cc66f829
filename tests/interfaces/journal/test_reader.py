"""The reader: windows over segments, and a reader that stays open while the writer changes."""

from pathlib import Path

import numpy as np
import pytest

from interfaces.journal import JournalReader
from tests.interfaces.journal.journals import append, are_consistent, make_writer


def test_steps_are_read_in_order_across_segments(awkward_path):
    journal = make_writer(awkward_path, max_steps=1000)
    reader = JournalReader(awkward_path)
    append(journal, 50)
    reader.refresh()
    assert (reader.first, reader.end) == (0, 50)
    rows = reader.read(3, 40, verify=True)
    np.testing.assert_array_equal(rows["index"], np.arange(3, 43))
    assert are_consistent(rows)
    windows = reader.gather(np.array([0, 14, 40]), 10, ["tick", "image"])
    np.testing.assert_array_equal(windows["tick"][1], np.arange(14, 24))
    assert windows["image"].shape == (3, 10, 8, 8, 3)
    with pytest.raises(IndexError, match="0 to 50"):
        reader.read(45, 10)


def test_reader_can_open_before_the_journal_exists(tmp_path):
    reader = JournalReader(tmp_path / "journal")
    assert (reader.first, reader.end) == (0, 0)
    append(make_writer(tmp_path / "journal"), 5)
    reader.refresh()
    assert reader.end == 5


def test_empty_journal_has_no_windows(tmp_path):
    with pytest.raises(IndexError, match="0 to 0"):
        JournalReader(tmp_path).gather(np.array([0]), 4, ["tick"])


def test_fresh_windows_stay_and_other_windows_are_reused(tmp_path):
    append(make_writer(tmp_path), 20)
    reader = JournalReader(tmp_path)
    fresh = reader.gather(np.array([0, 1]), 4, ["tick"], fresh=True)["tick"]
    reused = reader.gather(np.array([0, 1]), 4, ["tick"])["tick"]
    assert reader.gather(np.array([8, 9]), 4, ["tick"])["tick"] is reused
    np.testing.assert_array_equal(fresh[1], [1, 2, 3, 4])
    with pytest.raises(IndexError, match="0 to 20"):
        reader.gather(np.array([18]), 4, ["tick"])


def test_open_reader_follows_a_restarted_writer(tmp_path):
    """The trainer outlives the body: it must not keep reading a segment that was replaced."""
    first = make_writer(tmp_path)
    append(first, 10)
    open_reader = JournalReader(tmp_path)
    first.close()
    for segment_steps, start in ((16, 10), (16, 50), (20, 90)):
        journal = make_writer(tmp_path, segment_steps=segment_steps, max_steps=1000)
        append(journal, 40, start=start)
        open_reader.refresh()
        assert open_reader.end == journal.next_index == start + 40
        journal.close()
    assert are_consistent(open_reader.read(0, 130, verify=True))


def test_open_reader_follows_a_truncation(tmp_path):
    journal = make_writer(tmp_path, max_steps=1000)
    append(journal, 60)
    open_reader = JournalReader(tmp_path)
    journal.truncate(20)
    append(journal, 60, start=1020)
    open_reader.refresh()
    rows = open_reader.read(20, 60, verify=True)
    np.testing.assert_array_equal(rows["tick"], np.arange(1020, 1080))


def test_old_segments_are_deleted_and_readers_keep_working(tmp_path):
    journal = make_writer(tmp_path)
    reader = JournalReader(tmp_path)
    append(journal, 40)
    reader.refresh()
    append(journal, 400, start=40)
    assert reader.read(0, 30).size == 30, "mapped segments stay valid without their files"
    reader.refresh()
    assert reader.end == 440
    assert 64 <= reader.end - reader.first <= 64 + 16
    assert are_consistent(reader.read(reader.first, reader.end - reader.first, verify=True))


def test_hold_keeps_steps_for_a_reader_up_to_a_limit(tmp_path):
    journal = make_writer(tmp_path)
    reader = JournalReader(tmp_path)
    append(journal, 20)
    reader.hold("recorder", 16)
    append(journal, 80, start=20)
    reader.refresh()
    assert reader.first == 16
    reader.release("recorder")
    append(journal, 20, start=100)
    reader.refresh()
    assert reader.first > 16
    with pytest.raises(ValueError, match="cannot have the name"):
        reader.hold("../dead", 0)
    reader.hold("dead", 0)
    append(journal, 1000, start=120)
    reader.refresh()
    assert reader.end - reader.first <= 2 * 64 + 32, "a dead reader must not fill the disk"


def test_reader_unmaps_a_segment_that_cannot_be_deleted_yet(tmp_path, monkeypatch):
    """Windows deletes no mapped file. The mark makes the reader unmap it; then it is deleted."""
    journal, reader = make_writer(tmp_path), JournalReader(tmp_path)
    append(journal, 20)
    reader.refresh()
    unlink = Path.unlink

    def refuse_segments(path, missing_ok=False):
        if ".seg" in path.suffixes:  # also the name under which it is deleted
            raise PermissionError(13, "used by another process")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", refuse_segments)
        append(journal, 200, start=20)
        reader.refresh()
        assert reader.first > 64
        assert (tmp_path / "000000000000.seg").exists()
    append(journal, 40, start=220)
    assert not (tmp_path / "000000000000.seg").exists()
