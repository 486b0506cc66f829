"""Recovery: damaged records and segments end the journal, and old Steps never come back."""

import pytest

from interfaces.journal import JournalError, JournalReader, recoverable_end
from interfaces.journal.segment import segment_paths
from tests.interfaces.journal.journals import append, are_consistent, damage, make_writer


def test_journal_ends_before_a_damaged_record(tmp_path):
    journal = make_writer(tmp_path)
    append(journal, 10)
    journal.close()
    damage(segment_paths(tmp_path)[0], row=6)
    reader = JournalReader(tmp_path)
    reader.read(0, 6, verify=True)
    with pytest.raises(JournalError, match="damaged"):
        reader.read(0, 10, verify=True)
    assert recoverable_end(tmp_path) == 6
    assert JournalReader(tmp_path).end == 10, "recoverable_end changes nothing"
    assert make_writer(tmp_path).next_index == 6, "Steps after a damaged record are not used"


def test_steps_after_a_damaged_record_never_come_back(tmp_path):
    append(make_writer(tmp_path), 10)
    damage(segment_paths(tmp_path)[0], row=6)
    append(make_writer(tmp_path), 1, start=1006)
    assert make_writer(tmp_path).next_index == 7, "the old Step 7 must not follow the new Step 6"


def test_damage_in_the_segment_before_the_newest_ends_the_journal_there(tmp_path):
    append(make_writer(tmp_path), 40)
    assert recoverable_end(tmp_path) == 40
    damage(segment_paths(tmp_path)[1], row=3)
    assert recoverable_end(tmp_path) == 19
    assert make_writer(tmp_path).next_index == 19


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_segment_without_a_header_is_set_aside(tmp_path, size):
    append(make_writer(tmp_path), 20)
    path = segment_paths(tmp_path)[1]
    path.write_bytes(bytes(size))
    assert JournalReader(tmp_path).end == 16
    assert recoverable_end(tmp_path) == 16
    assert make_writer(tmp_path).next_index == 16
    assert path.with_suffix(".bad").exists()


def test_only_steps_after_a_missing_segment_are_visible(tmp_path):
    append(make_writer(tmp_path, max_steps=1000), 60)
    segment_paths(tmp_path)[1].unlink()
    reader = JournalReader(tmp_path)
    assert recoverable_end(tmp_path) == 60
    assert (reader.first, reader.end) == (32, 60)
    assert are_consistent(reader.read(32, 28, verify=True))


def test_recoverable_end_is_right_for_a_journal_of_any_length(tmp_path):
    assert recoverable_end(tmp_path) == 0
    for count in (1, 15, 16, 17, 32, 40, 48):
        folder = tmp_path / str(count)
        append(make_writer(folder), count)
        assert recoverable_end(folder) == count


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("count", [40, 48])
def test_recoverable_end_is_where_the_writer_continues_without_a_segment(tmp_path, lost, count):
    append(make_writer(tmp_path), count)
    segment_paths(tmp_path)[lost].unlink()
    expected = recoverable_end(tmp_path)
    assert expected == make_writer(tmp_path).next_index
