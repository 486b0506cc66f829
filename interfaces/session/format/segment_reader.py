"""Read one MCAP file of a session: what it holds, and its Steps from any position."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from mcap.records import ChunkIndex, Message, Metadata
from numpy.typing import NDArray

from interfaces.core.sense_map import SenseMap
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.session.format.chunks import MAX_BYTES
from interfaces.session.format.mcap_file import (
    RECOVER,
    data_damage,
    messages_of,
    open_mcap,
    read_chunk,
    read_metadata,
    read_summary,
)
from interfaces.session.format.messages import STEP, Codec, MessageError, reward_terms_from
from interfaces.session.format.ownership import is_ours
from interfaces.session.format.segment_writer import (
    GAP,
    LIVE,
    RUN,
    SEGMENT,
    SPACES,
    VERSION,
    NewerSession,
    RecordedStep,
    SessionError,
)


@dataclass(frozen=True)
class SegmentInfo:
    """What a segment holds. `end` is one past the index of the last Step.

    Times are in ns since the epoch. `began_ns` and `ended_ns` are log times. `wall_ns` is the
    minimum and maximum of the Steps' wall clock times; None in old files without them.
    """

    path: Path
    codec: Codec
    first: int
    end: int
    steps: int
    began_ns: int
    ended_ns: int
    bytes: int
    gaps: tuple[tuple[int, int], ...] = ()  # (first missing index, count)
    run_metadata: dict[str, str] = field(default_factory=dict[str, str])
    wall_ns: tuple[int, int] | None = None

    @property
    def missing(self) -> int:
        """How many Steps the gaps of this file leave out."""
        return sum(count for _, count in self.gaps)


class SessionSegment:
    """A finished MCAP file of a session. Raises SessionError for an unfinished or another file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.suffix == LIVE:
            raise SessionError(f"{path} is still being written, or a crash left it: {RECOVER}")
        with open_mcap(path) as file:
            try:
                summary = read_summary(path, file)
            except SessionError as error:
                if RECOVER in str(error) and not is_ours(path):
                    raise SessionError(f"{path} is not part of a Yume session") from error
                raise
            if (statistics := summary.statistics) is None:
                raise SessionError(f"{path} has no end: {RECOVER}")
            metadata = read_metadata(path, file, summary)
        self._chunks: list[ChunkIndex] = summary.chunks
        self._topics = summary.topics
        self.info = segment_info(
            path, metadata, statistics.message_start_time, statistics.message_end_time
        )

    def damage(self) -> str:
        """What the checksum of the whole file says: "" if nothing is wrong.

        It covers what the checksums of the chunks do not, such as the metadata. Raises
        SessionError.
        """
        with open_mcap(self.path) as file:
            return data_damage(self.path, file, read_summary(self.path, file))

    def chunk_of(self, index: int) -> int:
        """The number of the chunk in which this Step ends, or the next Step if it is missing.

        The search bisects the chunks in which a Step ends: a large Step fills several chunks.
        """
        ends = [number for number in range(len(self._chunks)) if self._ends_a_step(number)]
        low, high = 0, len(ends)
        with open_mcap(self.path) as file:
            while low < high:
                middle = (low + high) // 2
                if self._last_index(file, ends[middle]) < index:
                    low = middle + 1
                else:
                    high = middle
        return ends[low] if low < len(ends) else len(self._chunks)

    def chunk_at(self, time_ns: int) -> int:
        """The number of the first chunk that ends at this log time or later."""
        ends = [chunk.message_end_time for chunk in self._chunks]
        return int(np.searchsorted(ends, time_ns))

    def messages(self, chunk: int = 0) -> Iterator[RecordedStep]:
        """The messages of each Step in order, from the first Step that ends in `chunk`.

        Raises SessionError for damage.
        """
        parts: dict[str, bytes] = {}
        with open_mcap(self.path) as file:
            for number in range(self._start_before(chunk), len(self._chunks)):
                for message in self._messages(file, number):
                    topic = self._topics.get(message.channel_id, "")
                    parts[topic] = message.data
                    if topic == STEP:
                        complete, parts = parts, {}
                        if number >= chunk:
                            times = (message.log_time, message.publish_time)
                            yield RecordedStep(message.sequence, *times, complete)

    def steps(
        self, chunk: int = 0, *, picture: bool = True
    ) -> Iterator[tuple[int, NDArray[np.void]]]:
        """(log time in ns, Step), in the order of `messages`. Raises SessionError for damage."""
        for recorded in self.messages(chunk):
            yield recorded.log_ns, self.decode(recorded, picture=picture)

    def decode(self, recorded: RecordedStep, *, picture: bool = True) -> NDArray[np.void]:
        """The Step, a 0-d record. Raises SessionError for messages that are not a Step."""
        try:
            return self.info.codec.decode(recorded.messages, picture=picture)
        except MessageError as error:
            raise SessionError(f"{self.path}: {error}") from error

    def _start_before(self, chunk: int) -> int:
        """A chunk to start at, so that the first Step that ends in `chunk` is complete.

        It is the chunk in which the Step before ends.
        """
        before = range(min(chunk, len(self._chunks)) - 1, 0, -1)
        return next((number for number in before if self._ends_a_step(number)), 0)

    def _ends_a_step(self, number: int) -> bool:
        """Whether a Step ends in a chunk, by the index of the file; True without an index."""
        offsets = self._chunks[number].message_index_offsets
        return not offsets or any(self._topics.get(channel) == STEP for channel in offsets)

    def _last_index(self, file: BinaryIO, number: int) -> int:
        messages = self._messages(file, number)
        indices = [m.sequence for m in messages if self._topics.get(m.channel_id) == STEP]
        return indices[-1] if indices else -1

    def _messages(self, file: BinaryIO, number: int) -> list[Message]:
        return messages_of(read_chunk(self.path, file, self._chunks[number].chunk_start_offset))


def segment_info(
    path: Path, metadata: Sequence[Metadata], began_ns: int, ended_ns: int
) -> SegmentInfo:
    """Raises SessionError for a file that does not belong to a session, and NewerSession."""
    by_name = {record.name: record.metadata for record in metadata}
    if is_newer(by_name.get(SPACES, {})):
        raise NewerSession(path)
    gaps = [record.metadata for record in metadata if record.name == GAP]
    try:
        own, spaces = by_name[SEGMENT], by_name[SPACES]
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
            run_metadata=dict(by_name.get(RUN, {})),
            wall_ns=(int(own["wall_from_ns"]), int(own["wall_to_ns"]))
            if "wall_to_ns" in own
            else None,
        )
    except (KeyError, ValueError, TypeError, RecursionError, OverflowError, OSError) as error:
        raise SessionError(f"{path} is not part of a Yume session: {error!r}") from error


def is_newer(metadata: Mapping[str, str]) -> bool:
    """Whether the metadata `yume.spaces` are of a format that this version does not know."""
    version = metadata.get("format", "1")
    return version.isdecimal() and int(version) > VERSION


def codec_of(metadata: dict[str, str]) -> Codec:
    """The codec from the metadata `yume.spaces` of a segment.

    Raises KeyError, ValueError, TypeError and RecursionError.
    """
    camera = metadata["camera"]
    if camera not in ("png", "jpeg"):
        raise ValueError(f"camera {camera}")
    spaces = Spaces.from_json(json.loads(metadata["spaces"]))
    layout = StepLayout(spaces, reward_terms_from(metadata))
    size = layout.dtype.itemsize
    if size > MAX_BYTES:
        raise ValueError(f"Steps of {size / 2**20:,.0f} MiB; the limit is {MAX_BYTES / 2**20:.0f}")
    try:
        senses = SenseMap.from_json(json.loads(metadata.get("senses", "[]")), spaces.features)
    except (ValueError, TypeError):  # of a later version, and only for people
        senses = SenseMap()
    return Codec(layout, camera, sample_rate=int(metadata["sample_rate"]), senses=senses)
