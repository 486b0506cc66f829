"""Damaged and hostile session files: the only error is SessionError, and nothing takes long."""

import os
import resource
import struct
import sys

import pytest
import zstandard
from mcap.writer import MCAP0_MAGIC

from interfaces.session.format.mcap_file import (
    data_damage,
    open_mcap,
    read_summary,
    walk_records,
)
from interfaces.session.format.salvage import salvage
from interfaces.session.format.segment_reader import SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import segment_files
from tests.binary_mutations import damaged_copies
from tests.interfaces.session.recordings import make_steps, record_segments
from tests.mutations import only_raises

COPIES = 1000


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A session of a few small chunks, as bytes, with the places of its records."""
    monkeypatch.setattr("interfaces.session.format.segment_writer.CHUNK_BYTES", 2500)
    record_segments(tmp_path / "small", make_steps(4))
    file = segment_files(tmp_path / "small")[0]
    with open_mcap(file) as opened:
        parts = [(at, at + 9 + length) for at, _, length in walk_records(file, opened)]
    assert len(parts) > 20
    return file.read_bytes(), parts


def read_everything(path):
    segment = SessionSegment(path)
    for recorded in segment.messages():
        segment.decode(recorded)
    segment.chunk_of(3)
    segment.damage()


def test_only_session_errors_are_raised_for_damaged_files(small, tmp_path):
    content, parts = small
    path = tmp_path / "000000000000.mcap"

    def read(copy):
        path.write_bytes(copy)
        read_everything(path)

    accepted, refused = only_raises(SessionError, read, damaged_copies(content, parts, COPIES))
    assert refused > 0.8 * COPIES
    assert accepted > 5


def test_salvage_raises_nothing_and_finds_only_whole_steps(small, tmp_path):
    content, parts = small
    path, saved = tmp_path / "000000000000.mcap", 0

    def read(copy):
        nonlocal saved
        path.write_bytes(copy)
        saved += sum(1 for _ in salvage(path))

    accepted, refused = only_raises((), read, damaged_copies(content, parts, COPIES, seed=1))
    assert (accepted, refused) == (COPIES, 0)
    assert saved > COPIES


def test_a_bomb_of_records_ends_in_time_and_memory(tmp_path):
    """Millions of the smallest records, in a chunk and outside of one."""
    path = tmp_path / "000000000000.mcap"
    many = struct.pack("<BQ", 0x81, 0) * 600_000
    packed = zstandard.compress(many)
    chunk = struct.pack("<QQQI", 0, 0, len(many), 0) + struct.pack("<I", 4) + b"zstd"
    chunk += struct.pack("<Q", len(packed)) + packed
    path.write_bytes(MCAP0_MAGIC + struct.pack("<BQ", 6, len(chunk)) + chunk + many)
    assert list(salvage(path)) == []
    with pytest.raises(SessionError, match="not part of"):
        SessionSegment(path)


@pytest.mark.skipif(sys.platform == "win32", reason="sparse files, pipes and memory limits")
def test_a_huge_claim_is_refused_before_memory_is_asked_for(small, tmp_path):
    content, _ = small
    path = tmp_path / "000000000000.mcap"
    path.write_bytes(content[:1000])
    os.truncate(path, 2**43)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SessionError):
        SessionSegment(path)
    assert len(list(salvage(path))) < 5
    # A summary that spans the whole sparse file.
    with path.open("r+b") as file:
        file.seek(2**43 - 37)
        file.write(struct.pack("<BQQQI", 2, 20, 8, 0, 0) + MCAP0_MAGIC)
    with pytest.raises(SessionError, match="MiB"):
        SessionSegment(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices")
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda path: path.mkdir(), "folder"),
        (os.mkfifo, "pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "device"),
    ],
)
def test_what_is_no_file_is_named(tmp_path, make, kind):
    path = tmp_path / "000000000000.mcap"
    make(path)
    with pytest.raises(SessionError, match=kind):
        SessionSegment(path)


def test_every_flipped_bit_of_the_metadata_and_the_end_is_found(small, tmp_path):
    """Only the checksum of the whole file covers the metadata."""
    content, parts = small
    path = tmp_path / "000000000000.mcap"
    for start, end in parts:
        if content[start] == 6:  # a chunk has its own checksum
            continue
        for bit in range(8 * start, 8 * end, 97):
            copy = bytearray(content)
            copy[bit // 8] ^= 1 << bit % 8
            path.write_bytes(copy)
            try:
                with open_mcap(path) as file:
                    assert data_damage(path, file, read_summary(path, file)), f"bit {bit}"
            except SessionError:
                pass
