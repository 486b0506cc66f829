"""Lost segments: no index stands for two Steps, and what is left stays readable."""

import os

import numpy as np
import pytest

from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.journal.segment import Segment, segment_paths
from interfaces.journal.segment_records import ReadSegment
from tests.interfaces.journal.journals import SPACES, StepLayout, append, damage, make_writer

STEPS = 40  # in segments of 16: 0, 16 and 32; the one at 48 is prepared
FAULTS = {
    "cut": lambda path: os.truncate(path, 0),
    "removed": lambda path: path.unlink(),
    "overwritten": lambda path: path.write_bytes(b"notes" * 1000),
    "shortened": lambda path: os.truncate(path, 5000),
}


def lose(folder, fault, numbers):
    append(make_writer(folder), STEPS)
    paths = segment_paths(folder)
    for number in numbers:
        FAULTS[fault](paths[number])


def lost_steps(folder, end):
    """The indices of Steps without content; the others are checked."""
    rows = JournalReader(folder).read(0, end)
    assert rows["index"].tolist() == list(range(end))
    lost = (rows["situation"] & Situation.FORGOTTEN) != 0
    assert rows["tick"][~lost].tolist() == np.flatnonzero(~lost).tolist()
    assert rows["is_first"][lost].all()
    return np.flatnonzero(lost).tolist()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ([-1], []),
        ([-2, -1], range(32, 40)),
        ([-3, -2, -1], range(16, 40)),
        ([1], range(16, 32)),
        ([1, -2, -1], range(16, 40)),
    ],
)
def test_no_index_is_used_again_and_the_steps_before_stay(tmp_path, messages, fault, numbers, lost):
    lose(tmp_path, fault, numbers)
    for start in (STEPS, STEPS + 20):  # the run is resumed twice
        journal = make_writer(tmp_path, known_end=start)
        assert journal.next_index == start
        append(journal, 20, start=start)
        assert lost_steps(tmp_path, start + 20) == list(lost)
    told = [line for line in messages if "are lost" in line]
    assert bool(told) == bool(lost), messages


def test_records_that_are_missing_at_the_end_are_lost_steps(tmp_path):
    append(make_writer(tmp_path), STEPS)
    for row in (5, 6, 7):
        damage(segment_paths(tmp_path)[2], row)
    journal = make_writer(tmp_path, known_end=STEPS)
    append(journal, 3, start=STEPS)
    assert lost_steps(tmp_path, STEPS + 3) == [37, 38, 39]


def test_a_segment_that_was_closed_early_takes_the_lost_steps_after_it(tmp_path):
    fields = StepLayout(SPACES).dtype
    append(make_writer(tmp_path), 10)
    Segment(segment_paths(tmp_path)[0], fields).end_here()
    append(make_writer(tmp_path), STEPS, start=10)
    segment_paths(tmp_path)[1].unlink()
    for _ in range(2):
        make_writer(tmp_path)
        assert lost_steps(tmp_path, 10 + STEPS) == list(range(10, 26))
    closed = ReadSegment(segment_paths(tmp_path)[0], fields)
    assert closed.committed == closed.limit == 16


def test_a_journal_without_segments_begins_at_the_known_end(tmp_path):
    lose(tmp_path, "removed", [0, 1, 2, 3])
    journal = make_writer(tmp_path, known_end=STEPS)
    assert journal.next_index == STEPS
    append(journal, 3, start=STEPS)
    reader = JournalReader(tmp_path)
    assert (reader.first, reader.end) == (STEPS, STEPS + 3)


def test_a_hole_of_more_than_the_journal_keeps_is_not_filled(tmp_path):
    append(make_writer(tmp_path), STEPS)
    journal = make_writer(tmp_path, known_end=STEPS + 1000)
    append(journal, 3, start=STEPS + 1000)
    reader = JournalReader(tmp_path)
    assert (reader.first, reader.end) == (STEPS + 1000, STEPS + 1003)
    assert make_writer(tmp_path).next_index == STEPS + 1003
    assert sum(path.stat().st_size for path in tmp_path.glob("*.seg")) < 200_000


def test_an_open_reader_follows_a_writer_that_lost_the_newest_segment(tmp_path, monkeypatch):
    monkeypatch.setattr("interfaces.journal.reader._CHECK_S", 0.0)
    append(make_writer(tmp_path), STEPS)
    reader = JournalReader(tmp_path)
    assert reader.read(32, 8)["tick"].tolist() == list(range(32, 40))
    for path in segment_paths(tmp_path)[2:]:
        path.unlink()
    reader.refresh()
    assert reader.end == STEPS, "a deleted file stays readable"
    append(make_writer(tmp_path, known_end=STEPS), 20, start=STEPS)
    reader.refresh()
    assert (reader.first, reader.end) == (0, STEPS + 20)
    assert reader.read(STEPS, 20)["tick"].tolist() == list(range(STEPS, STEPS + 20))


def test_damaged_records_are_reported_in_one_line(tmp_path, messages):
    lose(tmp_path, "removed", [-2, -1])
    make_writer(tmp_path, known_end=STEPS)
    messages.clear()
    reader = JournalReader(tmp_path)
    for _ in range(2):
        reader.read(0, STEPS)
    assert len(messages) == 1, messages
    assert "8 Steps from 32 to 39" in messages[0]
