"""Read what is still intact in a session file that was truncated or damaged."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mcap.opcode import Opcode
from mcap.records import Channel, Message, Metadata

from interfaces.session.format.chunks import RECORD_HEAD
from interfaces.session.format.mcap_file import (
    open_mcap,
    read_chunk,
    read_record,
    read_summary,
    walk_records,
)
from interfaces.session.format.messages import STEP
from interfaces.session.format.segment_writer import RecordedStep, SessionError


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
    with contextlib.suppress(SessionError), open_mcap(path) as file:
        return read_summary(path, file).topics
    channels = (each for each in _intact_records(path) if isinstance(each, Channel))
    return {channel.id: channel.topic for channel in channels}


def _intact_records(path: Path) -> Iterator[Channel | Metadata | Message]:
    """The records inside intact chunks, and those outside of chunks."""
    with open_mcap(path) as file:
        for offset, opcode, length in _records(path, file):
            with contextlib.suppress(SessionError):
                yield from _records_at(path, file, offset, opcode, length)


def _records(path: Path, file: BinaryIO) -> list[tuple[int, int, int]]:
    """(position, opcode, length) of the records: from the summary or, without one, by walking from
    record to record."""
    with contextlib.suppress(SessionError):
        summary = read_summary(path, file)
        chunks = [(each.chunk_start_offset, Opcode.CHUNK, 0) for each in summary.chunks]
        metadata = [
            (each.offset, Opcode.METADATA, max(0, each.length - RECORD_HEAD.size))
            for each in summary.metadata
        ]
        return sorted([*chunks, *metadata])
    with contextlib.suppress(SessionError):
        return list(walk_records(path, file))
    return []


def _records_at(
    path: Path, file: BinaryIO, offset: int, opcode: int, length: int
) -> list[Channel | Metadata | Message]:
    if opcode == Opcode.CHUNK:
        records = read_chunk(path, file, offset)
        return [each for each in records if isinstance(each, Channel | Message)]
    if opcode in (Opcode.METADATA, Opcode.CHANNEL):
        record = read_record(path, file, offset, opcode, length)
        return [record] if isinstance(record, Channel | Metadata) else []
    return []
