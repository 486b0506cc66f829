"""The header of a segment: no changed bit hides Steps, and none deletes a segment."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from loguru import logger

from interfaces.core.step import StepLayout
from interfaces.journal import JournalReader, JournalWriter, read_layout
from interfaces.journal.segment import Segment, segment_paths
from interfaces.journal.segment_header import CLOSED, COMMITTED, GONE, HEADER, PAGE
from interfaces.journal.segment_records import ReadSegment
from tests.interfaces.journal.journals import SPACES, append, make_writer

STEPS = 40
OLD = Path(__file__).parents[2] / "golden/recordings/commit_5087598/journal"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("header") / "journal"
    journal = make_writer(folder)
    append(journal, STEPS)
    journal.close()
    return folder


def flip(path, bit):
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def header_bits():
    """Bits of the fixed part and of the counters, of the fields, and of the copy."""
    some = random.Random(0)
    fields = [some.randrange(8 * HEADER.itemsize, 8 * (HEADER.itemsize + 900)) for _ in range(12)]
    copy = [some.randrange(8 * PAGE, 8 * (PAGE + 900)) for _ in range(6)]
    return [*range(0, 8 * HEADER.itemsize, 17), *fields, *copy]


def ticks(folder):
    reader = JournalReader(folder)
    return reader.read(reader.first, reader.end - reader.first)["tick"].tolist()


def test_no_flipped_bit_in_a_header_hides_or_deletes_steps(recorded, tmp_path):
    for number in (1, 2):  # a full segment, and the newest one
        path = segment_paths(recorded)[number]
        for bit in header_bits():
            shutil.copytree(recorded, tmp_path / "j", dirs_exist_ok=True)
            flip(tmp_path / "j" / path.name, bit)
            assert ticks(tmp_path / "j") == list(range(STEPS)), f"bit {bit} hides Steps"
            writer = make_writer(tmp_path / "j")
            assert writer.next_index == STEPS, f"bit {bit} on resume"
            append(writer, 3, start=STEPS)
            del writer
            assert ticks(tmp_path / "j") == list(range(STEPS + 3)), f"bit {bit} after a resume"
            shutil.rmtree(tmp_path / "j")


def test_a_zeroed_first_page_is_restored_from_its_copy(recorded, tmp_path):
    shutil.copytree(recorded, tmp_path / "j")
    for path in segment_paths(tmp_path / "j"):
        with path.open("r+b") as file:
            file.write(bytes(PAGE))
    assert ticks(tmp_path / "j") == list(range(STEPS))
    append(make_writer(tmp_path / "j"), 5, start=STEPS)
    assert ticks(tmp_path / "j") == list(range(STEPS + 5))


def test_a_damaged_counter_of_a_living_journal_moves_no_step(tmp_path):
    journal = make_writer(tmp_path)
    append(journal, 5)
    reader = JournalReader(tmp_path)
    flip(segment_paths(tmp_path)[0], 64 * COMMITTED + 2)
    reader.refresh()
    assert reader.end == 5, "counted by the checksums of the records"
    append(journal, 20, start=5)
    reader.refresh()
    assert reader.read(0, 25, verify=True)["tick"].tolist() == list(range(25))


@pytest.mark.parametrize("number", [COMMITTED, GONE, CLOSED])
def test_a_counter_of_a_segment_without_checksums_is_compared_with_its_records(tmp_path, number):
    old = shutil.copytree(OLD, tmp_path / "j")
    before = JournalReader(old)
    lines = []
    handler = logger.add(lines.append, level="ERROR", format="{message}")
    for bit in (0, 3, 40):
        path = segment_paths(old)[0]
        flip(path, 64 * number + bit)
        reader = JournalReader(old)
        assert (reader.first, reader.end) == (before.first, before.end), f"bit {bit}"
        flip(path, 64 * number + bit)
    logger.remove(handler)
    assert len(lines) == (3 if number == COMMITTED else 0)


def test_an_old_segment_gets_no_new_steps_and_is_not_deleted(tmp_path):
    old = shutil.copytree(OLD, tmp_path / "j")
    layout = JournalReader(old).layout
    end = JournalReader(old).end
    flip(segment_paths(old)[0], 64 * GONE)  # what the mark of a discarded segment was then
    settings = {"segment_steps": 64, "max_steps": 10_000, "background": False}
    writer = JournalWriter(old, layout, **settings)
    assert writer.next_index == end
    writer.append(np.zeros((), layout.dtype))
    fields = read_layout(old).step
    segments = [ReadSegment(path, fields) for path in segment_paths(old)]
    checked = [segment.checked for segment in segments if segment.committed]
    assert checked == [False, False, True]
    reader = JournalReader(old)
    assert (reader.first, reader.end) == (0, end + 1)


def test_a_discarded_segment_is_proven_by_its_mark(tmp_path):
    append(make_writer(tmp_path, max_steps=1000), 60)
    reader = JournalReader(tmp_path)
    Segment(segment_paths(tmp_path)[0], StepLayout(SPACES).dtype).discard()
    reader.refresh()
    assert reader.first == 16
    make_writer(tmp_path, max_steps=1000)
    assert segment_paths(tmp_path)[0].name == "000000000016.seg"
