"""Read what is still intact in a session file that was truncated or damaged."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, Message, Metadata
from mcap.stream_reader import MAGIC_SIZE

from interfaces.session.format.chunks import RECORD_HEAD, chunk_records
from interfaces.session.format.messages import STEP
from interfaces.session.format.segment_writer import RecordedStep


def salvage(path: Path) -> Iterator[Metadata | RecordedStep]:
    """The metadata and every complete Step of the chunks with a correct checksum, in file order.

    Damaged parts are skipped without an error. Reading stops where no further record can be
    located.
    """
    topics = _topics(path)
    parts: dict[str, bytes] = {}
    index = -1
    for record in _intact_records(path):
        if isinstance(record, Metadata):
            yield record
        elif isinstance(record, Message):
            if record.sequence != index:
                parts, index = {}, record.sequence
            topic = topics.get(record.channel_id, "")
            parts[topic] = record.data
            if topic == STEP:
                yield RecordedStep(record.sequence, record.log_time, record.publish_time, parts)
                parts = {}


def _topics(path: Path) -> dict[int, str]:
    """Topic by channel id. The summary lists them too, if the first chunk is the damaged one."""
    with contextlib.suppress(Exception), path.open("rb") as file:
        if (summary := SeekingReader(file).get_summary()) is not None:
            return {channel.id: channel.topic for channel in summary.channels.values()}
    channels = (each for each in _intact_records(path) if isinstance(each, Channel))
    return {channel.id: channel.topic for channel in channels}


def _intact_records(path: Path) -> Iterator[Channel | Metadata | Message]:
    """The records inside intact chunks, and those outside of chunks."""
    with path.open("rb") as file:
        for offset in _record_offsets(file, path.stat().st_size):
            file.seek(offset)
            with contextlib.suppress(Exception):  # decompressors raise many types of errors
                opcode, _ = RECORD_HEAD.unpack(file.read(RECORD_HEAD.size))
                yield from _records_at(opcode, file)


def _record_offsets(file: BinaryIO, size: int) -> list[int]:
    """Where records start: from the summary or, without one, by walking from record to record."""
    with contextlib.suppress(Exception):
        summary = SeekingReader(file).get_summary()
        if summary is not None:
            offsets = [each.chunk_start_offset for each in summary.chunk_indexes]
            return sorted([*offsets, *(each.offset for each in summary.metadata_indexes)])
    offsets, offset = list[int](), MAGIC_SIZE
    while offset + RECORD_HEAD.size <= size:
        offsets.append(offset)
        file.seek(offset)
        _, length = RECORD_HEAD.unpack(file.read(RECORD_HEAD.size))
        offset += RECORD_HEAD.size + length
    return offsets


def _records_at(opcode: int, file: BinaryIO) -> list[Channel | Metadata | Message]:
    """The records that start at the position of the file, whose opcode and length are read."""
    if opcode == Opcode.CHUNK:
        records = chunk_records(Chunk.read(ReadDataStream(file)))
        return [each for each in records if isinstance(each, Channel | Message)]
    if opcode == Opcode.METADATA:
        return [Metadata.read(ReadDataStream(file))]
    if opcode == Opcode.CHANNEL:
        return [Channel.read(ReadDataStream(file))]
    return []
