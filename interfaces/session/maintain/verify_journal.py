"""Read every Step of a run's journal and report damage."""

from collections.abc import Iterator
from pathlib import Path

from interfaces.journal import JournalError, read_layout
from interfaces.journal.segment import segment_paths, stray_paths
from interfaces.journal.segment_header import read_shape
from interfaces.journal.segment_records import ReadSegment
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.maintain.recorded_end import recorded_end


def journal_troubles(run: RunFolder) -> Iterator[tuple[Path, str]]:
    """(file, what is wrong with it) for the journal of a run, which may be running."""
    try:
        layout = read_layout(run.journal)
    except JournalError as error:
        yield run.journal, str(error)
        return
    if layout is None:
        return
    recorded = recorded_end(run)  # before the journal: a live run goes on
    for path in stray_paths(run.journal):
        yield path, "is no segment of the journal"
    expected: int | None = None
    for path in segment_paths(run.journal):
        try:
            segment = ReadSegment(path, layout.step)
            is_restored = bool(read_shape(path, layout.step).restored)
        except FileNotFoundError:  # deleted meanwhile
            continue
        except (JournalError, OSError) as error:
            yield path, str(error).removeprefix(f"{path} ")
            continue
        if segment.discarded:
            continue
        if is_restored or segment.has_damaged_counter:
            yield path, "has a damaged header; its Steps are readable, and a resume repairs it"
        if segment.committed and expected not in (None, segment.first):
            yield path, f"Steps {expected} to {segment.first} before it are missing"
        damaged = segment.damaged_rows(0, segment.committed)
        if damaged:
            first = segment.first + damaged[0]
            yield path, f"{len(damaged)} damaged Steps, the first is {first}: they are left out"
        if segment.committed or expected is None:
            expected = segment.end
    if recorded.end > (expected or 0):
        yield (
            run.journal,
            f"has no Step from {expected or 0} on, but {recorded.path} is of Step "
            f"{recorded.end - 1}: the Steps between are lost",
        )
