"""Files of others in the folder of a journal: one message, and they stay as they are."""

import os
import sys

import numpy as np
import pytest
from loguru import logger

from interfaces.journal import JournalError, JournalReader
from interfaces.journal.journal_errors import ForeignSegment
from interfaces.journal.segment import create_segment, discard, segment_paths
from tests.interfaces.journal.journals import SPACES, StepLayout, append, make_writer

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no pipes and sparse files")
NEXT = "000000000064.seg"


@pytest.fixture
def messages():
    lines = []
    handler = logger.add(lambda line: lines.append(str(line)), format="{message}")
    yield lines
    logger.remove(handler)


@pytest.mark.parametrize("name", ["0abc.seg", "7.seg", "notes.seg", "0000000000640.seg.seg"])
def test_a_file_with_another_name_is_left_alone_with_one_message(tmp_path, messages, name):
    append(make_writer(tmp_path), 40)
    (tmp_path / name).write_bytes(b"notes")
    (tmp_path / "letter.new").write_bytes(b"mine")
    reader = JournalReader(tmp_path)
    append(make_writer(tmp_path), 40, start=40)
    reader.refresh()
    assert reader.read(0, 80, verify=True)["tick"].tolist() == list(range(80))
    assert sum(name in line for line in messages) == 2, "one of the reader, one of the writer"
    assert (tmp_path / name).read_bytes() == b"notes"
    assert (tmp_path / "letter.new").read_bytes() == b"mine"


def a_film(path):
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(9000))


def a_sparse_file(path):
    with path.open("wb") as file:
        file.write(b"not a segment")
        file.truncate(2**43)


def a_link(path):
    target = path.with_name("target")
    target.write_bytes(b"outside" * 1000)
    path.symlink_to(target)


@pytest.mark.parametrize(
    "make",
    [
        a_film,
        lambda path: path.mkdir(),
        pytest.param(lambda path: os.mkfifo(path), marks=POSIX),
        pytest.param(a_sparse_file, marks=POSIX),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), marks=POSIX),
        pytest.param(a_link, marks=POSIX),
    ],
)
def test_something_else_with_the_name_of_a_segment_is_one_error(tmp_path, make):
    append(make_writer(tmp_path), 40)
    path = tmp_path / NEXT
    make(path)
    before = os.lstat(path)
    assert JournalReader(tmp_path).end == 40
    with pytest.raises(JournalError, match=NEXT):
        make_writer(tmp_path)
    for refused in (
        lambda: discard(path, StepLayout(SPACES).dtype),
        lambda: create_segment(tmp_path, StepLayout(SPACES).dtype, 64, 16),
    ):
        with pytest.raises(ForeignSegment):
            refused()
    assert os.lstat(path) == before, "it was not changed"


def test_a_claim_of_many_records_is_checked_before_anything_is_read(tmp_path):
    append(make_writer(tmp_path), 40)
    path = segment_paths(tmp_path)[1]
    content = np.fromfile(path, np.uint8)
    for start in (0, 4096):
        content[start : start + 32].view("<u8")[2] = 2**31  # the capacity, in both copies
    content.tofile(path)
    assert JournalReader(tmp_path).first == 32
    assert make_writer(tmp_path).next_index == 40
    assert path.with_suffix(".bad").exists()
