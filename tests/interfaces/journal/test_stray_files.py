"""Files of others in the folder of a journal: one message, and they stay as they are."""

import os
import sys

import numpy as np
import pytest

from interfaces.ipc.no_links import LinkRefused
from interfaces.journal import JournalReader
from interfaces.journal.journal_errors import ForeignSegment
from interfaces.journal.segment import create_segment, discard, segment_paths
from tests.interfaces.journal.journals import SPACES, StepLayout, append, make_writer

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no pipes and sparse files")
NEXT = "000000000064.seg"


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


def content_of(path):
    """What is at a path, without following a link."""
    state = os.lstat(path)
    return state.st_mode, state.st_size, state.st_ino


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (a_film, "has no header of a segment"),
        (lambda path: path.mkdir(), "is a folder"),
        pytest.param(lambda path: os.mkfifo(path), "is a pipe", marks=POSIX),
        pytest.param(a_sparse_file, "has no header of a segment", marks=POSIX),
    ],
)
@pytest.mark.parametrize(
    ("first", "cost"), [(32, "Steps 32 to 39 are lost"), (48, "no Step is lost")]
)
def test_something_else_in_place_of_a_segment_is_set_aside(
    tmp_path, messages, make, cause, first, cost
):
    append(make_writer(tmp_path), 40)
    path = tmp_path / f"{first:012d}.seg"
    path.unlink()
    make(path)
    before = content_of(path)
    reader_end = min(first, 40)
    assert JournalReader(tmp_path).end == reader_end, "a reader leaves it where it is"
    for refused in (
        lambda: discard(path, StepLayout(SPACES).dtype),
        lambda: create_segment(tmp_path, StepLayout(SPACES).dtype, first, 16),
    ):
        with pytest.raises(ForeignSegment):
            refused()
    assert content_of(path) == before, "it was not changed"
    messages.clear()
    journal = make_writer(tmp_path, known_end=40)
    assert journal.next_index == 40
    append(journal, 3, start=40)
    aside = path.with_name(f"{path.name}.damaged-1")
    assert content_of(aside) == before, "only its name was changed"
    lines = [line for line in messages if str(path) in line]
    assert len(lines) == 1, lines
    assert all(part in lines[0] for part in (cause, aside.name, cost)), lines


def test_files_set_aside_before_are_not_overwritten(tmp_path):
    append(make_writer(tmp_path), 40)
    path = tmp_path / "000000000048.seg"
    for content in (b"one" * 2000, b"two" * 2000):
        path.write_bytes(content)
        make_writer(tmp_path)
    names = sorted(each.name for each in tmp_path.glob("*.damaged-*"))
    assert names == [f"{path.name}.damaged-1", f"{path.name}.damaged-2"]
    assert (tmp_path / names[0]).read_bytes() == b"one" * 2000


def test_a_file_in_place_of_the_next_segment_of_a_running_writer_is_set_aside(tmp_path):
    journal = make_writer(tmp_path)
    append(journal, 10)
    path = tmp_path / "000000000032.seg"
    path.write_bytes(b"notes" * 1000)
    assert append(journal, 40, start=10) == 40, "no Step is dropped"
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == b"notes" * 1000
    assert JournalReader(tmp_path).read(0, 50, verify=True)["tick"].tolist() == list(range(50))


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("target", ["/dev/zero", "outside", "missing"])
def test_a_link_in_place_of_a_segment_is_refused(tmp_path, target):
    append(make_writer(tmp_path / "journal"), 40)
    outside = tmp_path / "outside"
    outside.write_bytes(b"outside" * 1000)
    path = tmp_path / "journal" / NEXT
    path.symlink_to(target if target == "/dev/zero" else tmp_path / target)
    before = content_of(path)
    with pytest.raises(LinkRefused, match=NEXT):
        make_writer(tmp_path / "journal")
    assert content_of(path) == before
    assert outside.read_bytes() == b"outside" * 1000


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
