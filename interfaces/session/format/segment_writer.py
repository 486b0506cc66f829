"""Write one MCAP file of a session: a few minutes of Steps, in chunks that survive a crash."""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import CompressionType, Writer
from mcap_protobuf.schema import build_file_descriptor_set
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.reading.busy_files import delete_file, replace_file
from interfaces.ipc.no_links import open_here
from interfaces.session.format.events import EventDetector
from interfaces.session.format.messages import EVENTS, Codec

CHUNK_BYTES = 256 * 1024
DONE, LIVE = ".mcap", ".live"  # a segment is .live while it is written
LIBRARY = "yume"
GAP, SEGMENT, RUN, SPACES = "yume.gap", "yume.segment", "yume.run", "yume.spaces"  # metadata


VERSION = 1  # of the format; fields are added without a new version


class SessionError(BadInput, ValueError):
    """A folder or file holds no session, or a damaged one."""


class NewerSession(SessionError):
    """A newer version of Yume wrote this file."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was written by a newer version of Yume: use that version; nothing was changed"
        )


def segment_name(first: int) -> str:
    """The file name, without suffix, of the segment that starts at this Step."""
    return f"{first:012d}"


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """The messages of one Step, by topic. Times are in ns since the epoch.

    log_ns never decreases within a file. wall_ns is the wall clock time of the Step, at least 0.
    """

    index: int
    log_ns: int
    wall_ns: int
    messages: Mapping[str, bytes]


class SegmentWriter:
    """Appends Steps to NAME.live; `close` renames it to NAME.mcap.

    `run_metadata` describes the run: text by name, stored as MCAP metadata. A full chunk goes to
    the operating system at once. Raises OSError.
    """

    def __init__(
        self, folder: Path, first: int, codec: Codec, run_metadata: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{segment_name(first)}{LIVE}"
        self._file = open_here(self.path, "wb")
        self._codec = codec
        self._writer = Writer(
            self._file,
            chunk_size=CHUNK_BYTES,
            compression=CompressionType.ZSTD,
            enable_data_crcs=True,  # of the metadata too: `verify` finds every changed byte
        )
        self._writer.start(profile="", library=LIBRARY)
        self._channels = {
            topic: self._register(topic, schema) for topic, schema in codec.topics().items()
        }
        spaces = json.dumps(codec.spaces.to_json(), ensure_ascii=False)
        terms = json.dumps(codec.layout.reward_terms, ensure_ascii=False)
        layout = {"format": str(VERSION), "spaces": spaces, "reward_terms": terms}
        camera = {"camera": codec.camera, "sample_rate": str(codec.sample_rate)}
        senses = {"senses": json.dumps(codec.senses.to_json())} if codec.senses else {}
        self._writer.add_metadata(SPACES, {**layout, **camera, **senses})
        self._writer.add_metadata(RUN, dict(run_metadata))
        self._file.flush()
        self._log_clock, self._events = _LogClock(), EventDetector()
        self.first, self.next_index, self.steps = first, first, 0
        self.missing = 0
        self.began_ns = self.ended_ns = 0
        self._wall_ns = (2**63 - 1, 0)  # minimum and maximum of the Steps' wall_ns

    def put(self, step: NDArray[np.void]) -> None:
        """Append one Step, a 0-d record. Missing Steps before it are recorded as a gap."""
        wall_ns = int(step["wall_ns"])
        log_ns = self._log_clock.log_time(int(step["monotonic_ns"]), wall_ns)
        wall_ns = max(0, wall_ns)
        messages = self._codec.encode(step)
        if (event := self._events.detect(step)) is not None:
            messages[EVENTS] = event
        self.copy(RecordedStep(int(step["index"]), log_ns, wall_ns, messages))

    def copy(self, recorded: RecordedStep) -> None:
        """Append the messages of one Step unchanged."""
        index, messages = recorded.index, recorded.messages
        if index > self.next_index:
            missing = index - self.next_index
            self._writer.add_metadata(GAP, {"from": str(self.next_index), "missing": str(missing)})
            self.missing += missing
        for topic, channel in self._channels.items():
            if topic in messages:
                self._writer.add_message(
                    channel,
                    log_time=recorded.log_ns,
                    data=messages[topic],
                    publish_time=recorded.wall_ns,
                    sequence=index % 2**32,
                )
        self._file.flush()
        if not self.steps:
            self.began_ns = recorded.log_ns
        self.next_index, self.steps, self.ended_ns = index + 1, self.steps + 1, recorded.log_ns
        low, high = self._wall_ns
        self._wall_ns = (min(low, recorded.wall_ns), max(high, recorded.wall_ns))

    @property
    def seconds(self) -> float:
        """How much time the file covers, seconds."""
        return (self.ended_ns - self.began_ns) * 1e-9

    def abandon(self) -> None:
        """Leave the file as it is, without an end: `recover` can repair it."""
        with contextlib.suppress(OSError):
            self._file.close()

    def close(self) -> Path | None:
        """Finish the file and return its path. A file without Steps is deleted: None."""
        if not self.steps:
            self._file.close()
            delete_file(self.path)
            return None
        summary = {"first": self.first, "end": self.next_index, "steps": self.steps}
        summary |= {"missing": self.missing}
        summary |= dict(zip(("wall_from_ns", "wall_to_ns"), self._wall_ns, strict=True))
        self._writer.add_metadata(SEGMENT, {name: str(value) for name, value in summary.items()})
        self._writer.finish()
        self._file.flush()
        os.fsync(self._file.fileno())  # the content must be on the disk before the name
        self._file.close()
        done = self.path.with_suffix(DONE)
        replace_file(self.path, done)
        return done

    def _register(self, topic: str, schema: Any) -> int:
        if isinstance(schema, str):
            schema_id = self._writer.register_schema(schema, "jsonschema", b'{"type":"object"}')
            return self._writer.register_channel(topic, "json", schema_id)
        descriptors = build_file_descriptor_set(schema).SerializeToString()
        name = schema.DESCRIPTOR.full_name
        schema_id = self._writer.register_schema(name, "protobuf", descriptors)
        return self._writer.register_channel(topic, "protobuf", schema_id)


class _LogClock:
    """Log times: the wall clock at the first Step, then advanced by the monotonic clock."""

    def __init__(self) -> None:
        self._wall_ns: int | None = None
        self._offset_ns = self._last_ns = 0

    def log_time(self, monotonic_ns: int, wall_ns: int) -> int:
        if self._wall_ns is None:
            self._wall_ns, self._offset_ns = wall_ns, wall_ns - monotonic_ns
        at = monotonic_ns + self._offset_ns
        if at <= self._last_ns and self._last_ns:  # after a reboot, or a truncated journal
            self._offset_ns += self._last_ns + 1 - at
            at = self._last_ns + 1
        self._last_ns = max(0, at)
        return self._last_ns
