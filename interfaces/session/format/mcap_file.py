"""Read an MCAP file that anybody may have made: one function per part, one error, bounded memory.

Every size in the file is compared with the size of the file, and with a limit, before anything is
read. All errors are SessionError, with the path and the cause.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    McapRecord,
    Message,
    Metadata,
    MetadataIndex,
    Statistics,
)
from mcap.writer import MCAP0_MAGIC

from interfaces.ipc.regular_file import NotRegularFile, open_regular
from interfaces.session.format.chunks import MAX_BYTES, RECORD_HEAD, chunk_records
from interfaces.session.format.segment_writer import SessionError

T = TypeVar("T")
RECOVER = "run `sessions recover`"
MAX_SUMMARY = 64 * 2**20  # ours: 150 bytes per chunk, so 0.1 MiB for 5 minutes
MAX_METADATA = 16 * 2**20  # one record; ours hold a configuration
_MAX_RECORDS = 1_000_000  # outside of chunks; ours: ten per chunk
_MAGIC_SIZE = len(MCAP0_MAGIC)
_FOOTER = struct.Struct("<BQQQI")  # opcode, length, summary, summary offsets, checksum
_PIECE = 2**20  # bytes read at a time for a checksum
_KNOWN = {int(opcode) for opcode in Opcode}


@dataclass
class McapSummary:
    """The end of a finished file. `summary_start`: position of its first record."""

    size: int
    summary_start: int
    statistics: Statistics | None = None
    topics: dict[int, str] = field(default_factory=dict[int, str])  # by channel
    chunks: list[ChunkIndex] = field(default_factory=list[ChunkIndex])
    metadata: list[MetadataIndex] = field(default_factory=list[MetadataIndex])


@contextmanager
def open_mcap(path: Path) -> Generator[BinaryIO]:
    """An open file for the functions below. Raises SessionError for what is not a regular file."""
    try:
        raw = open_regular(path)
    except NotRegularFile as error:
        raise SessionError(str(error)) from error
    except OSError as error:
        raise SessionError(f"{path}: {error.strerror or error}") from error
    with io.BufferedReader(raw) as file:  # pyright: ignore[reportArgumentType]
        yield file


def read_summary(path: Path, file: BinaryIO) -> McapSummary:
    """The summary of a finished file. Raises SessionError."""
    size = _of_file(path, lambda: os.fstat(file.fileno()).st_size)
    if not size:
        raise SessionError(f"{path} is empty")
    if size < _MAGIC_SIZE or _at(path, file, 0, _MAGIC_SIZE) != MCAP0_MAGIC:
        raise SessionError(f"{path} is not an MCAP file")
    tail = _FOOTER.size + _MAGIC_SIZE
    end = _at(path, file, size - tail, tail) if size >= _MAGIC_SIZE + tail else b""
    opcode, length, start, _, checksum = _FOOTER.unpack(end[: _FOOTER.size]) if end else 5 * (0,)
    footer = size - tail
    damage = SessionError(f"{path} has a damaged end: {RECOVER}")
    if (opcode, length) != (Opcode.FOOTER, _FOOTER.size - RECORD_HEAD.size):
        raise damage
    if not start:
        raise SessionError(f"{path} has no end: {RECOVER}")
    if not end.endswith(MCAP0_MAGIC) or not _MAGIC_SIZE <= start <= footer:
        raise damage
    if footer - start > MAX_SUMMARY:
        raise SessionError(f"{path} states a summary of {(footer - start) >> 20} MiB: {RECOVER}")
    content = _at(path, file, start, footer - start)
    if checksum and zlib.crc32(end[: _FOOTER.size - 4], zlib.crc32(content)) != checksum:
        raise damage
    summary = McapSummary(size, start)
    for kind, part in _split(content):
        if kind == Opcode.STATISTICS:
            summary.statistics = _parse(path, Statistics.read, part)
        elif kind == Opcode.CHANNEL:
            channel = _parse(path, Channel.read, part)
            summary.topics[channel.id] = channel.topic
        elif kind == Opcode.CHUNK_INDEX:
            summary.chunks.append(_parse(path, ChunkIndex.read, part))
        elif kind == Opcode.METADATA_INDEX:
            summary.metadata.append(_parse(path, MetadataIndex.read, part))
    summary.chunks.sort(key=lambda chunk: chunk.chunk_start_offset)
    at = _MAGIC_SIZE
    for chunk in summary.chunks:  # one after the other: no chunk is read twice
        if chunk.chunk_start_offset < at:
            raise damage
        at = chunk.chunk_start_offset + chunk.chunk_length
    if at > start:
        raise damage
    return summary


def read_metadata(path: Path, file: BinaryIO, summary: McapSummary) -> list[Metadata]:
    """All metadata records that the summary lists. Raises SessionError."""
    records: list[Metadata] = []
    total = 0
    for index in summary.metadata:
        opcode, length = _head(path, file, index.offset)
        total += length
        if opcode != Opcode.METADATA or total > MAX_METADATA or length > summary.size:
            raise SessionError(f"{path} has a damaged end: {RECOVER}")
        content = _at(path, file, index.offset + RECORD_HEAD.size, length)
        records.append(_parse(path, Metadata.read, content))
    return records


def read_chunk(path: Path, file: BinaryIO, offset: int) -> list[McapRecord]:
    """The records of the chunk at this position. Raises SessionError."""
    opcode, length = _head(path, file, offset)
    if opcode != Opcode.CHUNK:
        raise SessionError(f"{path}: no chunk at byte {offset}: {RECOVER}")
    if length > 2 * MAX_BYTES:
        raise SessionError(f"{path}: a chunk of {length >> 20} MiB: {RECOVER}")
    content = _at(path, file, offset + RECORD_HEAD.size, length)
    try:
        return chunk_records(_parse(path, Chunk.read, content))
    except SessionError:
        raise
    except Exception as error:  # decompressors raise errors of many types for damage
        raise SessionError(
            f"{path}: the chunk at byte {offset} is damaged: {RECOVER} ({error!r})"
        ) from error


def walk_records(path: Path, file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """(position, opcode, length) of each record, from the start to the first impossible one.

    Raises SessionError for a file that cannot be read.
    """
    size = _of_file(path, lambda: os.fstat(file.fileno()).st_size)
    offset = _MAGIC_SIZE
    for _ in range(_MAX_RECORDS):
        if offset + RECORD_HEAD.size > size:
            return
        file.seek(offset)
        head = _of_file(path, lambda: file.read(RECORD_HEAD.size))
        if len(head) != RECORD_HEAD.size:
            return
        opcode, length = RECORD_HEAD.unpack(head)
        if opcode not in _KNOWN and opcode < 0x80:  # 0x80 and above are private
            return
        yield offset, opcode, length
        offset += RECORD_HEAD.size + length


def read_record(path: Path, file: BinaryIO, offset: int, opcode: int, length: int) -> McapRecord:
    """A channel or metadata record outside of a chunk. Raises SessionError."""
    if length > MAX_METADATA:
        raise SessionError(f"{path}: a record of {length >> 20} MiB at byte {offset}")
    content = _at(path, file, offset + RECORD_HEAD.size, length)
    read = Metadata.read if opcode == Opcode.METADATA else Channel.read
    return _parse(path, read, content)


def data_damage(path: Path, file: BinaryIO, summary: McapSummary) -> str:
    """Compare everything before the summary with its checksum; what is wrong, or "".

    Older sessions have no such checksum. Raises SessionError for a file that cannot be read.
    """
    end_size = RECORD_HEAD.size + 4
    at = summary.summary_start - end_size
    end = _at(path, file, at, end_size) if at >= _MAGIC_SIZE else b""
    if end[: RECORD_HEAD.size] != RECORD_HEAD.pack(Opcode.DATA_END, 4):
        return "the record before the summary is damaged"
    expected, check, offset = int.from_bytes(end[-4:], "little"), 0, 0
    if not expected:
        return ""
    while offset < at:
        piece = _at(path, file, offset, min(_PIECE, at - offset))
        check, offset = zlib.crc32(piece, check), offset + len(piece)
    return "" if check == expected else "the checksum of the whole file is wrong"


def messages_of(records: list[McapRecord]) -> list[Message]:
    """The messages among the records of a chunk."""
    return [record for record in records if isinstance(record, Message)]


def _split(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and content of each record."""
    offset = 0
    while offset + RECORD_HEAD.size <= len(content):
        opcode, length = RECORD_HEAD.unpack_from(content, offset)
        offset += RECORD_HEAD.size
        if length > len(content) - offset:
            return
        yield opcode, content[offset : offset + length]
        offset += length


def _parse(path: Path, read: Callable[[ReadDataStream], T], content: bytes) -> T:
    try:
        return read(ReadDataStream(io.BytesIO(content)))
    except Exception as error:  # mcap raises errors of many types for damage
        raise SessionError(f"{path} has a damaged record: {RECOVER} ({error!r})") from error


def _head(path: Path, file: BinaryIO, offset: int) -> tuple[int, int]:
    """Opcode and length of the record at this position."""
    return RECORD_HEAD.unpack(_at(path, file, offset, RECORD_HEAD.size))


def _at(path: Path, file: BinaryIO, offset: int, length: int) -> bytes:
    """Exactly these bytes of the file, whose size is compared first."""

    def read() -> bytes:
        size = os.fstat(file.fileno()).st_size
        if offset + length > size:
            raise SessionError(
                f"{path} has {size} bytes, and states {length} at byte {offset}: {RECOVER}"
            )
        file.seek(offset)
        return file.read(length)

    content = _of_file(path, read)
    if len(content) != length:
        raise SessionError(f"{path} became shorter while it was read")
    return content


def _of_file(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except OSError as error:
        raise SessionError(f"{path}: {error.strerror or error}") from error
