"""Reading one MCAP file of a session: what it holds, and its Steps from any place on."""

import contextlib
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, ChunkIndex, Message, Metadata
from mcap.stream_reader import MAGIC_SIZE
from mcap.writer import MCAP0_MAGIC
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.session.format.chunks import MOST_BYTES, chunk_records
from interfaces.session.format.messages import STEP, Codec, MessageError
from interfaces.session.format.segment_writer import (
    GAP,
    LIVE,
    RUN,
    SEGMENT,
    SPACES,
    Recorded,
    SessionError,
)

_HEAD = struct.Struct("<BQ")  # opcode and length, before what a chunk index points to
_RECORD_HEAD = _HEAD.size


@dataclass(frozen=True)
class SegmentInfo:
    """What a segment holds. `end` is one past the last Step; times in ns since the epoch: logged,
    and `wall_ns`, the least and the most that the wall's clock said, where the file tells it."""

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
    wall_ns: tuple[int, int] | None = None

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
            if not path.stat().st_size:
                raise SessionError(f"{path} is empty")
            with path.open("rb") as file:
                if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
                    raise SessionError(f"{path} is no MCAP file")
                file.seek(0)
                reader = SeekingReader(file)
                summary = reader.get_summary()
                if summary is None or summary.statistics is None:
                    raise SessionError(f"{path} has no end: sessions recover")
                metadata = list(reader.iter_metadata())
        except SessionError:
            raise
        except OSError as error:
            raise SessionError(f"{path}: {error.strerror or error}") from error
        except Exception as error:  # whatever the reader makes of damage
            raise SessionError(f"{path} has lost its end: sessions recover") from error
        self._chunks: list[ChunkIndex] = sorted(
            summary.chunk_indexes, key=lambda chunk: chunk.chunk_start_offset
        )
        self._topics = {channel.id: channel.topic for channel in summary.channels.values()}
        numbers = summary.statistics
        self.info = segment_info(
            path, metadata, numbers.message_start_time, numbers.message_end_time
        )

    def chunk_of(self, index: int) -> int:
        """The chunk in which this Step ends or, where it is missing, the next one; by bisection of
        those in which one does: a large Step fills several."""
        ends = [number for number in range(len(self._chunks)) if self._ends_a_step(number)]
        low, high = 0, len(ends)
        with self.path.open("rb") as file:
            while low < high:
                middle = (low + high) // 2
                if self._last_index(file, ends[middle]) < index:
                    low = middle + 1
                else:
                    high = middle
        return ends[low] if low < len(ends) else len(self._chunks)

    def chunk_at(self, time_ns: int) -> int:
        """The first chunk that ends at this time or later."""
        ends = [chunk.message_end_time for chunk in self._chunks]
        return int(np.searchsorted(ends, time_ns))

    def messages(self, chunk: int = 0) -> Iterator[Recorded]:
        """What was recorded of each Step, in order, from those that end in a chunk on. Raises
        SessionError for damage."""
        parts: dict[str, bytes] = {}
        with self.path.open("rb") as file:
            for number in range(self._begins_before(chunk), len(self._chunks)):
                for message in self._messages(file, number):
                    topic = self._topics.get(message.channel_id, "")
                    parts[topic] = message.data
                    if topic == STEP:
                        whole, parts = parts, {}
                        if number >= chunk:
                            times = (message.log_time, message.publish_time)
                            yield Recorded(message.sequence, *times, whole)

    def steps(
        self, chunk: int = 0, *, picture: bool = True
    ) -> Iterator[tuple[int, NDArray[np.void]]]:
        """(log time in ns, Step), like messages."""
        for found in self.messages(chunk):
            yield found.log_ns, self.decode(found, picture=picture)

    def decode(self, found: Recorded, *, picture: bool = True) -> NDArray[np.void]:
        """Raises SessionError for messages that are no Step."""
        try:
            return self.info.codec.decode(found.messages, picture=picture)
        except MessageError as error:
            raise SessionError(f"{self.path}: {error}") from error

    def _begins_before(self, chunk: int) -> int:
        """A chunk in which nothing of the Step that ends in `chunk` is missing before it: the one
        in which the Step before ends."""
        before = range(min(chunk, len(self._chunks)) - 1, 0, -1)
        return next((number for number in before if self._ends_a_step(number)), 0)

    def _ends_a_step(self, number: int) -> bool:
        """By the file's own index; of a file without one any chunk may."""
        inside = self._chunks[number].message_index_offsets
        return not inside or any(self._topics.get(channel) == STEP for channel in inside)

    def _last_index(self, file: BinaryIO, number: int) -> int:
        messages = self._messages(file, number)
        found = [m.sequence for m in messages if self._topics.get(m.channel_id) == STEP]
        return found[-1] if found else -1

    def _messages(self, file: BinaryIO, number: int) -> list[Message]:
        file.seek(self._chunks[number].chunk_start_offset + _RECORD_HEAD)
        try:
            chunk = Chunk.read(ReadDataStream(file))
            records = chunk_records(chunk)
        except Exception as error:  # whatever a decompressor makes of damage
            raise SessionError(
                f"{self.path}: chunk {number} is damaged: sessions recover ({error!r})"
            ) from error
        return [record for record in records if isinstance(record, Message)]


def salvage(path: Path) -> Iterator[Metadata | Recorded]:
    """What a file that was cut or damaged still holds, in order: its metadata, and every whole Step
    of the chunks whose checksum is right. What lies between two of them is left out, without an
    error, and so is what follows where it cannot be told any more where a record begins."""
    topics = _topics(path)
    parts: dict[str, bytes] = {}
    index = -1
    for record in _whole_records(path):
        if isinstance(record, Metadata):
            yield record
        elif isinstance(record, Message):
            if record.sequence != index:
                parts, index = {}, record.sequence
            topic = topics.get(record.channel_id, "")
            parts[topic] = record.data
            if topic == STEP:
                yield Recorded(record.sequence, record.log_time, record.publish_time, parts)
                parts = {}


def _topics(path: Path) -> dict[int, str]:
    """By the channel's id. The summary has them too: the first chunk may be the damaged one."""
    with contextlib.suppress(Exception), path.open("rb") as file:
        if (summary := SeekingReader(file).get_summary()) is not None:
            return {channel.id: channel.topic for channel in summary.channels.values()}
    found = (each for each in _whole_records(path) if isinstance(each, Channel))
    return {channel.id: channel.topic for channel in found}


def _whole_records(path: Path) -> Iterator[Channel | Metadata | Message]:
    """Of chunks that are whole, and beside them."""
    with path.open("rb") as file:
        for place in _places(file, path.stat().st_size):
            file.seek(place)
            with contextlib.suppress(Exception):  # what a decompressor makes of damage
                kind, _ = _HEAD.unpack(file.read(_RECORD_HEAD))
                yield from _inside(kind, file)


def _places(file: BinaryIO, size: int) -> list[int]:
    """Where records begin: as the summary has it or, of a file without one, one after another, as
    far as that can be told."""
    with contextlib.suppress(Exception):
        summary = SeekingReader(file).get_summary()
        if summary is not None:
            known = [each.chunk_start_offset for each in summary.chunk_indexes]
            return sorted([*known, *(each.offset for each in summary.metadata_indexes)])
    places, place = list[int](), MAGIC_SIZE
    while place + _RECORD_HEAD <= size:
        places.append(place)
        file.seek(place)
        _, length = _HEAD.unpack(file.read(_RECORD_HEAD))
        place += _RECORD_HEAD + length
    return places


def _inside(kind: int, file: BinaryIO) -> list[Channel | Metadata | Message]:
    if kind == Opcode.CHUNK:
        found = chunk_records(Chunk.read(ReadDataStream(file)))
        return [each for each in found if isinstance(each, Channel | Message)]
    if kind == Opcode.METADATA:
        return [Metadata.read(ReadDataStream(file))]
    if kind == Opcode.CHANNEL:
        return [Channel.read(ReadDataStream(file))]
    return []


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
            wall_ns=(int(own["wall_from_ns"]), int(own["wall_to_ns"]))
            if "wall_to_ns" in own
            else None,
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise SessionError(f"{path} is not of a Yume session: {error!r}") from error


def codec_of(told: dict[str, str]) -> Codec:
    """From a segment's metadata. Raises KeyError, ValueError, TypeError and RecursionError."""
    camera = told["camera"]
    if camera not in ("png", "jpeg"):
        raise ValueError(f"camera {camera}")
    spaces = Spaces.from_json(json.loads(told["spaces"]))
    size = step_dtype(spaces).itemsize
    if size > MOST_BYTES:
        raise ValueError(f"Steps of {size / 2**20:,.0f} MiB; at most {MOST_BYTES / 2**20:.0f}")
    return Codec(spaces, camera, sample_rate=int(told["sample_rate"]))
