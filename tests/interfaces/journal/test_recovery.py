"""Recovery: a damaged record is left out, a damaged segment set aside, nothing else is lost."""

import numpy as np
import pytest

from interfaces.core.world import Situation
from interfaces.journal import JournalError, JournalReader, recoverable_end
from interfaces.journal.segment import segment_paths
from tests.interfaces.journal.journals import append, are_consistent, damage, make_writer


def test_damaged_record_is_left_out_and_the_journal_continues(tmp_path):
    journal = make_writer(tmp_path)
    append(journal, 10)
    journal.close()
    damage(segment_paths(tmp_path)[0], row=6)
    reader = JournalReader(tmp_path)
    reader.read(0, 6, verify=True)
    with pytest.raises(JournalError, match="Step 6"):
        reader.read(0, 10, verify=True)
    assert recoverable_end(tmp_path) == 6, "an exact resume would need this Step"
    assert make_writer(tmp_path).next_index == 10, "the later Steps stay"


def test_damaged_record_is_read_as_a_forgotten_first_step(tmp_path):
    append(make_writer(tmp_path), 20)
    damage(segment_paths(tmp_path)[0], row=6)
    reader, windows = JournalReader(tmp_path), JournalReader(tmp_path)
    rows = reader.read(0, 20)
    batch = windows.gather(np.array([0, 6, 4]), 8, ("index", "tick", "situation", "is_first"))
    for row in (rows[6], {name: column[0, 6] for name, column in batch.items()}):
        assert (row["index"], row["tick"], row["is_first"]) == (6, 0, True)
        assert row["situation"] == Situation.FORGOTTEN
    assert np.delete(rows["tick"], 6).tolist() == [*range(6), *range(7, 20)]
    blank = np.argwhere(batch["situation"] == Situation.FORGOTTEN).tolist()
    assert blank == [[0, 6], [1, 0], [2, 2]]


def test_steps_behind_the_end_never_come_back(tmp_path):
    append(make_writer(tmp_path), 10)
    damage(segment_paths(tmp_path)[0], row=9)
    append(make_writer(tmp_path), 3, start=1010)
    rows = JournalReader(tmp_path).read(0, 13)
    assert rows["tick"].tolist() == [*range(9), 0, 1010, 1011, 1012]


def test_damage_in_the_segment_before_the_newest_keeps_the_newest(tmp_path):
    append(make_writer(tmp_path), 40)
    assert recoverable_end(tmp_path) == 40
    for row in (3, 15):
        damage(segment_paths(tmp_path)[1], row=row)
    assert recoverable_end(tmp_path) == 19
    assert make_writer(tmp_path).next_index == 40
    rows = JournalReader(tmp_path).read(0, 40)
    assert np.flatnonzero(rows["situation"]).tolist() == [19, 31]


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
