"""Repair a session after a crash, a full disk or damage to a file."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from loguru import logger
from mcap.records import Metadata
from numpy.typing import NDArray

from configs.reading.busy_files import delete_file, replace_file
from interfaces.core.world import Situation
from interfaces.ipc.atomic_files import staging_path
from interfaces.ipc.no_links import refuse_links, refuse_links_between
from interfaces.journal import JournalError, JournalReader, read_layout
from interfaces.journal.recovery import set_aside_damaged
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec
from interfaces.session.format.ownership import check_ours, remove_staging
from interfaces.session.format.run_info import codec_for, first_own_step, read_run_metadata
from interfaces.session.format.salvage import salvage
from interfaces.session.format.segment_reader import SessionSegment, codec_of, is_newer
from interfaces.session.format.segment_writer import (
    CHUNK_BYTES,
    DONE,
    RUN,
    SPACES,
    NewerSession,
    SegmentWriter,
    SessionError,
)
from interfaces.session.format.session import (
    Session,
    is_numbered,
    live_files,
    segment_files,
    session_folder,
)
from interfaces.session.maintain.prune import pruned_until

RECOVERING = "recovering"  # folder with the new segments of a recovery
ASIDE = ".damaged"


@dataclass(frozen=True)
class RecoverResult:
    """One unfinished or damaged file, and the files `paths` with its intact Steps.

    There is one new file per contiguous part. `kept` is the new path of the damaged file; None for
    an unfinished file, which is deleted unless none of its Steps could be read.
    """

    damaged: Path
    paths: tuple[Path, ...]
    steps: int
    kept: Path | None = None


def recover(path: Path, *, check: bool = True) -> list[RecoverResult]:
    """Finish all unfinished segments of a session, and rewrite the damaged ones.

    Damaged files are renamed, not deleted. A file that is not proven to be part of a session is an
    error, and nothing is changed. With `check` every segment is read completely; without
    it, a segment counts as intact if its end is. No process may be recording. Raises SessionError
    for a folder without a session, and OSError.
    """
    folder = session_folder(path)
    refuse_links_between(path, folder)
    refuse_links([folder / RECOVERING, *live_files(folder), *segment_files(folder)])
    live, finished = live_files(folder), segment_files(folder)
    if not live and not finished and not unfinished_segments(folder):
        raise SessionError(f"{path} holds no session")
    for file in (*live, *finished):  # before anything is changed
        check_ours(file)
    _adopt_segments(folder)
    results = [_recover_file(file, keep=False) for file in live]
    for file in segment_files(folder):
        if not _is_intact(file, check):
            results.append(_recover_file(file, keep=True))
    return results


def unfinished_segments(folder: Path) -> list[Path]:
    """Complete segments that a killed recovery did not move into the session."""
    return sorted((folder / RECOVERING).glob(f"*{DONE}"))


def recover_run(run: RunFolder) -> tuple[list[RecoverResult], int]:
    """`recover` and `fill_from_journal` for a run: (results, number of Steps filled in).

    If the session has no intact segment at all, it is written from the journal. Damaged segments
    of the journal are set aside. Raises JournalError, SessionError and OSError.
    """
    has_session = bool(live_files(run.session) or segment_files(run.session))
    results = recover(run.path) if has_session else []
    journal, new_session = read_layout(run.journal), None
    if journal is not None:
        for each in set_aside_damaged(run.journal, journal):
            results.append(RecoverResult(each.path, (), 0, each.aside))
    layout = JournalReader(run.journal).layout
    if layout is not None and run.processes.exists():  # it was a live run, with a recorder
        config = run.config
        if config.session.record:
            new_session = (codec_for(config, layout), read_run_metadata(run))
    filled = fill_from_journal(
        run.session, run.journal, first_step=first_own_step(run), new_session=new_session
    )
    if not results and not segment_files(run.session):
        raise SessionError(f"{run.path} holds no session")
    return results, filled


def fill_from_journal(
    session: Path,
    journal: Path,
    *,
    first_step: int = 0,
    new_session: tuple[Codec, Mapping[str, str]] | None = None,
) -> int:
    """Write the Steps that the journal has and the session lacks as new segments; their number.

    Steps before `first_step` and pruned Steps are left out. `new_session`: codec and run metadata
    to use if there is no session. Raises JournalError, SessionError and OSError.
    """
    folder, reader = session_folder(session), JournalReader(journal)
    existing = Session(folder) if segment_files(folder) else None
    first_step = max(first_step, pruned_until(folder))
    first = max(first_step, reader.first)
    if existing is not None:
        gaps = [(at, at + missing) for at, missing in existing.gaps]
        gaps += [(first, existing.first), (existing.end, reader.end)]
        codec, run_metadata = existing.segments[0].info.codec, existing.infos[0].run_metadata
        if reader.layout is not None:
            codec = replace(codec, layout=reader.layout)
        if new_session is not None:  # a file does not store its JPEG quality
            codec = replace(codec, quality=new_session[0].quality)
    elif new_session is not None:
        gaps, (codec, run_metadata) = [(first, reader.end)], new_session
    else:
        return 0
    filled = 0
    for start, end in gaps:
        first, end = max(start, first_step, reader.first), min(end, reader.end)
        if first >= end:
            continue
        writer = SegmentWriter(folder / RECOVERING, first, codec, run_metadata)
        try:
            for step in _usable_steps(reader, first, end):
                writer.put(step)
            filled += writer.steps
            done = writer.close()
        finally:
            writer.abandon()
        if done is not None:
            replace_file(done, folder / done.name)
    remove_staging(folder / RECOVERING)
    return filled


def _usable_steps(reader: JournalReader, first: int, end: int) -> Iterator[NDArray[np.void]]:
    """The Steps of the journal that are neither forgotten nor damaged."""
    damaged: list[int] = []
    for index in range(first, end):
        try:
            step = reader.read(index, 1, verify=True)[0, ...]
        except JournalError:
            damaged.append(index)
            continue
        if not int(step["situation"]) & Situation.FORGOTTEN:
            yield step
    if damaged:
        logger.warning(
            "the journal has {} damaged Steps, the first is {}: they are left out",
            len(damaged),
            damaged[0],
        )


def _is_intact(file: Path, check: bool) -> bool:
    try:
        segment = SessionSegment(file)
        for _ in segment.messages() if check else ():
            pass
        if check and segment.damage():  # outside of the Steps: the copy has new indices
            return False
    except NewerSession:  # not damaged: it must not be rewritten
        raise
    except SessionError:
        return False
    return True


def _adopt_segments(folder: Path) -> None:
    """Move the complete segments of a killed recovery into the session if all Steps are new."""
    for segment in unfinished_segments(folder):
        with contextlib.suppress(SessionError):
            own = SessionSegment(segment).info
            others = [SessionSegment(file).info for file in segment_files(folder)]
            if all(own.end <= other.first or other.end <= own.first for other in others):
                replace_file(segment, folder / segment.name)
    remove_staging(folder / RECOVERING)


def _recover_file(damaged: Path, *, keep: bool) -> RecoverResult:
    """Rewrite one file. A file from `cut` or `merge` keeps its name."""
    folder, is_cut = damaged.parent, not is_numbered(damaged)
    staging = staging_path(damaged) if is_cut else folder / RECOVERING
    try:
        written = list(_rewrite_intact_parts(damaged, staging))
        places = [folder / done.name for done, _ in written]
        if is_cut:  # a number as its name would make it a segment of the run
            more = (damaged.with_stem(f"{damaged.stem}-{i}") for i in range(2, len(written) + 1))
            places = [damaged, *more][: len(written)]
        for place in places:
            if is_cut and place != damaged and place.exists():
                raise SessionError(f"{place} exists already: move {damaged.name} elsewhere")
        aside: Path | None = None
        if keep:
            aside = _free_path(damaged.with_name(damaged.name + ASIDE))
            replace_file(damaged, aside)
        paths = tuple(places)
        for (done, _), at in zip(written, places, strict=True):
            replace_file(done, at)
        if not keep:
            if paths or damaged.stat().st_size <= CHUNK_BYTES:
                delete_file(damaged)
            else:  # it holds more than a header, but nothing that could be read
                aside = _free_path(damaged.with_name(damaged.name + ASIDE))
                replace_file(damaged, aside)
    except SessionError:
        remove_staging(staging)
        raise
    remove_staging(staging)
    return RecoverResult(damaged, paths, sum(steps for _, steps in written), aside)


def _free_path(path: Path) -> Path:
    """This path or, if it exists, the same with a number."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return free


def _rewrite_intact_parts(damaged: Path, folder: Path) -> Iterator[tuple[Path, int]]:
    """Write each contiguous intact part as a file of its own; (path, number of Steps).

    Steps of the journal can then fill the gap between two files.
    """
    writer: SegmentWriter | None = None
    codec: Codec | None = None
    metadata: dict[str, dict[str, str]] = {}
    for record in salvage(damaged):
        if isinstance(record, Metadata):
            metadata[record.name] = dict(record.metadata)
            continue
        codec = codec or _codec(damaged, metadata)
        if not codec.required_topics() <= record.messages.keys():
            continue  # a part of this Step was in a damaged chunk
        if writer is not None and record.index != writer.next_index:
            yield _finish(writer)
            writer = None
        if writer is None:
            writer = SegmentWriter(folder, record.index, codec, metadata.get(RUN, {}))
        writer.copy(record)
    if writer is not None:
        yield _finish(writer)


def _finish(writer: SegmentWriter) -> tuple[Path, int]:
    done = writer.close()
    assert done is not None  # it holds at least one Step
    return done, writer.steps


def _codec(path: Path, metadata: dict[str, dict[str, str]]) -> Codec:
    if is_newer(metadata.get(SPACES, {})):
        raise NewerSession(path)
    try:
        return codec_of(metadata[SPACES])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise SessionError(f"{path} is not part of a Yume session: {error!r}") from error
