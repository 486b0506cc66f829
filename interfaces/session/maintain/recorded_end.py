"""The newest Step of a run that any file besides its journal shows."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mcap.records import Metadata

from configs.reading.bounded_file import UnreadableFile
from interfaces.journal.latent_snapshots import latent_snapshots_end
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.salvage import salvage
from interfaces.session.format.segment_reader import SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.weights.checkpoint_files import checkpoint_files, read_record


class RecordedEnd(NamedTuple):
    """One past the index of that Step, and the file that shows it; 0 and None without one."""

    end: int
    path: Path | None


def recorded_end(run: RunFolder) -> RecordedEnd:
    """What the newest session file, latent snapshot and checkpoint of a run show.

    Damaged and missing files show nothing, but a session file has the index of its first Step in
    its name. The checkpoint is the one with the highest serial number: a damaged one before it may
    have later Steps that the run has discarded.
    """
    ends = (each for each in _ends(run) if each.end)
    return max(ends, key=lambda each: each.end, default=RecordedEnd(0, None))


def _ends(run: RunFolder) -> Iterator[RecordedEnd]:
    for path in (*segment_files(run.session)[-1:], *live_files(run.session)[-1:]):
        with contextlib.suppress(SessionError, OSError):  # the recorder may finish it meanwhile
            yield RecordedEnd(_session_end(path), path)
    with contextlib.suppress(OSError):
        yield RecordedEnd(latent_snapshots_end(run.latent_snapshots), run.latent_snapshots)
    for path in reversed(checkpoint_files(run.checkpoints)):
        with contextlib.suppress(UnreadableFile):
            yield RecordedEnd(read_record(path).steps, path)
            return


def _session_end(path: Path) -> int:
    with contextlib.suppress(SessionError):
        return SessionSegment(path).info.end
    steps = (each for each in salvage(path) if not isinstance(each, Metadata))
    return max((step.index + 1 for step in steps), default=int(path.stem))
