"""Reading one MCAP file of a session: what it holds, and its Steps from any place on."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, ChunkIndex, Message, Metadata
from mcap.stream_reader import StreamReader, breakup_chunk
from numpy.typing import NDArray

from interfaces.session.messages import STEP, Codec, MessageError
from interfaces.session.segment import (
    GAP,
    LIVE,
    RUN,
    SEGMENT,
    SPACES,
    Recorded,
    SessionError,
)
from interfaces.spaces import Spaces

_RECORD_HEAD = 9  # bytes: opcode and length, before what a chunk index points to


@dataclass(frozen=True)
class SegmentInfo:
    """What a segment holds. `end` is one past the last Step; times in ns since the epoch."""

    path: Path
    codec: Codec
    first: int
    end: int
    steps: int
    began_ns: int
    ended_ns: int
    bytes: int
    gaps: tuple[tuple[int, int], ...] = ()  # (from, how many)
    about: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def missing(self) -> int:
        return sum(count for _, count in self.gaps)


class Segment:
    """An MCAP file that was ended. Raises SessionError for one that was not, or is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.suffix == LIVE:
            raise SessionError(f"{path} is being written, or was never ended: sessions recover")
        try:
            with path.open("rb") as file:
                reader = SeekingReader(file)
                summary = reader.get_summary()
                if summary is None or summary.statistics is None:
                    raise SessionError(f"{path} has no end: sessions recover")
                metadata = list(reader.iter_metadata())
        except SessionError:
            raise
        except (OSError, McapError, ValueError) as error:
            raise SessionError(f"{path} is no whole session file: {error!r}") from error
        self._chunks: list[ChunkIndex] = sorted(
            summary.chunk_indexes, key=lambda chunk: chunk.chunk_start_offset
        )
        self._topics = {channel.id: channel.topic for channel in summary.channels.values()}
        numbers = summary.statistics
        self.info = segment_info(
            path, metadata, numbers.message_start_time, numbers.message_end_time
        )

    def chunk_of(self, index: int) -> int:
        """The chunk in which this Step ends or, where it is missing, the next one; by bisection."""
        low, high = 0, len(self._chunks)
        with self.path.open("rb") as file:
            while low < high:
                middle = (low + high) // 2
                if self._last_index(file, middle) < index:
                    low = middle + 1
                else:
                    high = middle
        return low

    def chunk_at(self, time_ns: int) -> int:
        """The first chunk that ends at this time or later."""
        ends = [chunk.message_end_time for chunk in self._chunks]
        return int(np.searchsorted(ends, time_ns))

    def messages(self, chunk: int = 0, *, verify: bool = False) -> Iterator[Recorded]:
        """What was recorded of each Step, in order, from those that end in a chunk on. Raises
        SessionError for damage; checksums are looked at where `verify` asks for it."""
        parts: dict[str, bytes] = {}
        with self.path.open("rb") as file:
            for number in range(max(0, chunk - 1), len(self._chunks)):  # one may begin before it
                for message in self._messages(file, number, verify):
                    topic = self._topics.get(message.channel_id, "")
                    parts[topic] = message.data
                    if topic == STEP:
                        whole, parts = parts, {}
                        if number >= chunk:
                            times = (message.log_time, message.publish_time)
                            yield Recorded(message.sequence, *times, whole)

    def steps(
        self, chunk: int = 0, *, picture: bool = True, verify: bool = False
    ) -> Iterator[tuple[int, NDArray[np.void]]]:
        """(log time in ns, Step), like messages."""
        for found in self.messages(chunk, verify=verify):
            yield found.log_ns, self.decode(found, picture=picture)

    def decode(self, found: Recorded, *, picture: bool = True) -> NDArray[np.void]:
        """Raises SessionError for messages that are no Step."""
        try:
            return self.info.codec.decode(found.messages, picture=picture)
        except MessageError as error:
            raise SessionError(f"{self.path}: {error}") from error

    def _last_index(self, file: BinaryIO, number: int) -> int:
        messages = self._messages(file, number)
        found = [m.sequence for m in messages if self._topics.get(m.channel_id) == STEP]
        return found[-1] if found else -1

    def _messages(self, file: BinaryIO, number: int, verify: bool = False) -> list[Message]:
        file.seek(self._chunks[number].chunk_start_offset + _RECORD_HEAD)
        try:
            chunk = Chunk.read(ReadDataStream(file))
            records = breakup_chunk(chunk, validate_crc=verify)
        except Exception as error:  # whatever a decompressor makes of damage
            raise SessionError(f"{self.path}: chunk {number} is damaged: {error!r}") from error
        return [record for record in records if isinstance(record, Message)]


def salvage(path: Path) -> Iterator[Metadata | Recorded]:
    """What a file without an end still holds, in order: its metadata, and every whole Step of the
    whole chunks whose checksum is right. Ends, without an error, at the damage."""
    topics: dict[int, str] = {}
    parts: dict[str, bytes] = {}
    with path.open("rb") as file:
        records = StreamReader(file, validate_crcs=True).records
        while True:
            try:
                record = next(records, None)
            except Exception:  # whatever a reader or a decompressor makes of damage
                return
            if record is None:
                return
            if isinstance(record, Channel):
                topics[record.id] = record.topic
            elif isinstance(record, Metadata):
                yield record
            elif isinstance(record, Message):
                topic = topics.get(record.channel_id, "")
                parts[topic] = record.data
                if topic == STEP:
                    yield Recorded(record.sequence, record.log_time, record.publish_time, parts)
                    parts = {}


def segment_info(
    path: Path, metadata: Sequence[Metadata], began_ns: int, ended_ns: int
) -> SegmentInfo:
    """Raises SessionError for a file that is not of a session."""
    told = {record.name: record.metadata for record in metadata}
    gaps = [record.metadata for record in metadata if record.name == GAP]
    try:
        own, spaces = told[SEGMENT], told[SPACES]
        return SegmentInfo(
            path=path,
            codec=codec_of(spaces),
            first=int(own["first"]),
            end=int(own["end"]),
            steps=int(own["steps"]),
            began_ns=began_ns,
            ended_ns=ended_ns,
            bytes=path.stat().st_size,
            gaps=tuple((int(gap["from"]), int(gap["missing"])) for gap in gaps),
            about=dict(told.get(RUN, {})),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise SessionError(f"{path} is not of a Yume session: {error!r}") from error


def codec_of(told: dict[str, str]) -> Codec:
    """From a segment's metadata. Raises KeyError, ValueError and TypeError."""
    camera = told["camera"]
    if camera not in ("png", "jpeg"):
        raise ValueError(f"camera {camera}")
    spaces = Spaces.from_json(json.loads(told["spaces"]))
    return Codec(spaces, camera, sample_rate=int(told["sample_rate"]))
