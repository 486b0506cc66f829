"""What a crash, a full disk or a careless copy has left of a session, brought back."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from loguru import logger
from mcap.records import Metadata
from numpy.typing import NDArray

from interfaces.core.world import Situation
from interfaces.ipc.atomic_files import workshop
from interfaces.journal import JournalError, JournalReader, read_layout
from interfaces.journal.layout import set_damaged_aside
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import EVENTS, Codec
from interfaces.session.format.run_info import about_run, codec_for, first_own
from interfaces.session.format.segment_reader import Segment, codec_of, salvage
from interfaces.session.format.segment_writer import DONE, RUN, SPACES, SegmentWriter, SessionError
from interfaces.session.format.session import (
    Session,
    is_numbered,
    live_files,
    segment_files,
    session_folder,
)

RECOVERING = "recovering"
ASIDE = ".damaged"
PRUNED = "pruned.json"


@dataclass(frozen=True)
class Recovered:
    """A file that had no end, and `paths`: what of it could be read, in as many files as it has
    holes. `kept`: the damaged file, where it was one that had been ended once, or a journal's."""

    damaged: Path
    paths: tuple[Path, ...]
    steps: int
    kept: Path | None = None


def recover(path: Path, *, check: bool = True) -> list[Recovered]:
    """End every segment of a run's session that has no end, and save what is whole of those that
    were ended once and are damaged now; these are set aside, not deleted. To `check`, all are read
    through; else those are taken for whole that still have their end.

    Nobody may be writing. Raises SessionError for a folder without a session, OSError.
    """
    folder = session_folder(path)
    _adopt(folder)
    found = [_recover_one(live, keep=False) for live in live_files(folder)]
    for file in segment_files(folder):
        if not _is_whole(file, check):
            found.append(_recover_one(file, keep=True))
    if not found and not segment_files(folder):
        raise SessionError(f"{path} holds no session")
    return found


def unfinished(folder: Path) -> list[Path]:
    """Whole segments that a recovery which was killed has not put into their place."""
    return sorted((folder / RECOVERING).glob(f"*{DONE}"))


def recover_run(run: RunFolder) -> tuple[list[Recovered], int]:
    """`recover` and `refill` of a run; of a life that was killed before anything of its session was
    whole, the journal is enough. Damaged segments of the journal are set aside. Raises what these
    raise."""
    begun = bool(live_files(run.session) or segment_files(run.session))
    found = recover(run.path) if begun else []
    spaces, fresh = read_layout(run.journal), None
    if spaces is not None:
        for damaged, aside in set_damaged_aside(run.journal, spaces):
            found.append(Recovered(damaged, (), 0, aside))
    if spaces is not None and run.processes.exists():  # a recorder has lived there
        config = run.config
        if config.session.record:
            fresh = (codec_for(config, spaces), about_run(run))
    filled = refill(run.session, run.journal, begin=first_own(run), fresh=fresh)
    if not found and not segment_files(run.session):
        raise SessionError(f"{run.path} holds no session")
    return found, filled


def refill(
    session: Path,
    journal: Path,
    *,
    begin: int = 0,
    fresh: tuple[Codec, Mapping[str, str]] | None = None,
) -> int:
    """Append what the journal has from `begin` on and the session lacks, as segments of their own;
    how many Steps. `fresh`: how to write them, and about whom, where there is no session. Raises
    JournalError, SessionError and OSError."""
    folder, reader = session_folder(session), JournalReader(journal)
    have = Session(folder) if segment_files(folder) else None
    begin = max(begin, pruned_until(folder))
    first = max(begin, reader.first)
    if have is not None:
        holes = [(at, at + missing) for at, missing in have.gaps]
        holes += [(first, have.first), (have.end, reader.end)]
        codec, about = have.segments[0].info.codec, have.infos[0].about
        if fresh is not None:  # a file does not say how good its JPEG is
            codec = replace(codec, quality=fresh[0].quality)
    elif fresh is not None:
        holes, (codec, about) = [(first, reader.end)], fresh
    else:
        return 0
    filled = 0
    for hole, end in holes:
        first, end = max(hole, begin, reader.first), min(end, reader.end)
        if first >= end:
            continue
        writer = SegmentWriter(folder / RECOVERING, first, codec, about)
        try:
            for step in _sound(reader, first, end):
                writer.put(step)
            filled += writer.steps
            done = writer.close()
        finally:
            writer.abandon()
        if done is not None:
            done.replace(folder / done.name)
    shutil.rmtree(folder / RECOVERING, ignore_errors=True)
    return filled


def _sound(reader: JournalReader, first: int, end: int) -> Iterator[NDArray[np.void]]:
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
            "the journal has {} damaged Steps, {} is the first: they are left out",
            len(damaged),
            damaged[0],
        )


def pruned_until(folder: Path) -> int:
    """Steps before this one were deleted on purpose."""
    try:
        return int(json.loads((folder / PRUNED).read_text(encoding="utf-8"))["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _is_whole(file: Path, check: bool) -> bool:
    try:
        segment = Segment(file)
        for _ in segment.messages() if check else ():
            pass
    except SessionError:
        return False
    return True


def _adopt(folder: Path) -> None:
    """Put what a recovery that was killed had ready into its place, if that is still free."""
    for left in unfinished(folder):
        place = folder / left.name
        with contextlib.suppress(SessionError):
            own = Segment(left).info
            others = [Segment(file).info for file in segment_files(folder)]
            if all(own.end <= other.first or other.end <= own.first for other in others):
                left.replace(place)
    shutil.rmtree(folder / RECOVERING, ignore_errors=True)


def _recover_one(damaged: Path, *, keep: bool) -> Recovered:
    folder, part = damaged.parent, not is_numbered(damaged)
    bench = workshop(damaged) if part else folder / RECOVERING
    try:
        ready = list(_saved(damaged, bench))
        places = [folder / done.name for done, _ in ready]
        if part:  # it keeps its name: by a number it would be taken for one of the life's
            more = (damaged.with_stem(f"{damaged.stem}-{i}") for i in range(2, len(ready) + 1))
            places = [damaged, *more][: len(ready)]
        for place in places:
            if part and place != damaged and place.exists():
                raise SessionError(f"{place} is there already: put {damaged.name} elsewhere")
        aside: Path | None = None
        if keep:
            aside = _fresh(damaged.with_suffix(ASIDE))
            damaged.replace(aside)
        paths = tuple(done.replace(at) for (done, _), at in zip(ready, places, strict=True))
        if not keep:
            damaged.unlink()
    except SessionError:
        shutil.rmtree(bench, ignore_errors=True)
        raise
    shutil.rmtree(bench, ignore_errors=True)
    return Recovered(damaged, paths, sum(steps for _, steps in ready), aside)


def _fresh(path: Path) -> Path:
    """Like this, and nobody's name yet."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return found


def _saved(damaged: Path, workshop: Path) -> Iterator[tuple[Path, int]]:
    """What is whole, and how many Steps. What lies behind a hole is a file of its own: what the
    journal has of the hole can then be put between them."""
    writer: SegmentWriter | None = None
    codec: Codec | None = None
    metadata: dict[str, dict[str, str]] = {}
    for found in salvage(damaged):
        if isinstance(found, Metadata):
            metadata[found.name] = dict(found.metadata)
            continue
        codec = codec or _codec(damaged, metadata)
        if (
            not codec.topics().keys() - {EVENTS} <= found.messages.keys()
        ):  # a part of it was in a chunk that is gone
            continue
        if writer is not None and found.index != writer.next_index:
            yield _ended(writer)
            writer = None
        if writer is None:
            writer = SegmentWriter(workshop, found.index, codec, metadata.get(RUN, {}))
        writer.copy(found)
    if writer is not None:
        yield _ended(writer)


def _ended(writer: SegmentWriter) -> tuple[Path, int]:
    done = writer.close()
    assert done is not None  # there is a Step in it
    return done, writer.steps


def _codec(path: Path, metadata: dict[str, dict[str, str]]) -> Codec:
    try:
        return codec_of(metadata[SPACES])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise SessionError(f"{path} is not of a Yume session: {error!r}") from error
