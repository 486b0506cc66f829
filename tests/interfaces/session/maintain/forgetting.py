"""Helpers for tests of `forget`: recorded runs, and what is left in them."""

from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.session.format.session import Session
from interfaces.session.maintain.forget import forget
from interfaces.session.maintain.select_steps import TimeSpan, select_steps
from tests.interfaces.session.recordings import make_run, record_segments


def record_run(path, steps, steps_per_segment=200):
    """A run with a journal and, unless `steps_per_segment` is 0, a session."""
    run = make_run(path, steps)
    if steps_per_segment:
        record_segments(run.session, steps, steps_per_segment)
    return run


def forget_span(run, begin_ns, end_ns):
    return forget(run, select_steps(run, TimeSpan(begin_ns, end_ns)))


def forgotten_indices(run) -> list[int]:
    """Indices of the blanked Steps in the journal."""
    reader = JournalReader(run.journal)
    rows = reader.read(reader.first, reader.end - reader.first, verify=True)
    return rows["index"][rows["situation"] == Situation.FORGOTTEN].tolist()


def recorded_indices(run) -> set[int]:
    """Indices of the Steps in the session."""
    return {int(step["index"]) for _, step in Session(run.session).steps()}


def all_bytes(folder) -> bytes:
    """The content of every file in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
