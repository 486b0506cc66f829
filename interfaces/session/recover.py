"""What a crash, a full disk or a careless copy has left of a session, brought back."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mcap.records import Metadata

from interfaces.journal import JournalReader, read_layout
from interfaces.run_folder import RunFolder
from interfaces.session.file import Segment, codec_of, salvage
from interfaces.session.messages import Codec
from interfaces.session.origin import about_run, codec_for, first_own
from interfaces.session.segment import DONE, RUN, SPACES, SegmentWriter, SessionError
from interfaces.session.session import Session, live_files, segment_files, session_folder
from interfaces.world import Situation

RECOVERING = "recovering"
ASIDE = ".damaged"
PRUNED = "pruned.json"


@dataclass(frozen=True)
class Recovered:
    """A file that had no end, and what of it could be read. `path`: none, where there was nothing;
    `kept`: the damaged file, where it was one that had been ended once."""

    damaged: Path
    path: Path | None
    steps: int
    kept: Path | None = None


def recover(path: Path) -> list[Recovered]:
    """End every segment of a run's session that has no end: up to its last whole chunk.

    A file that had an end once and is damaged now is set aside, not deleted. Nobody may be writing.
    Raises SessionError for a folder without a session, OSError.
    """
    folder = session_folder(path)
    found = [_recover_one(live, keep=False) for live in live_files(folder)]
    for file in segment_files(folder):
        try:
            Segment(file)
        except SessionError:
            found.append(_recover_one(file, keep=True))
    if not found and not segment_files(folder):
        raise SessionError(f"{path} holds no session")
    return found


def recover_run(run: RunFolder) -> tuple[list[Recovered], int]:
    """`recover` and `refill` of a run; of a life that was killed before anything of its session was
    whole, the journal is enough. Raises what these raise."""
    begun = bool(live_files(run.session) or segment_files(run.session))
    found = recover(run.path) if begun else []
    spaces, fresh = read_layout(run.journal), None
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
        for index in range(first, end):
            step = reader.read(index, 1, verify=True)[0, ...]
            if not int(step["situation"]) & Situation.FORGOTTEN:
                writer.put(step)
        filled += writer.steps
        done = writer.close()
        if done is not None:
            done.replace(folder / done.name)
    shutil.rmtree(folder / RECOVERING, ignore_errors=True)
    return filled


def pruned_until(folder: Path) -> int:
    """Steps before this one were deleted on purpose."""
    try:
        return int(json.loads((folder / PRUNED).read_text(encoding="utf-8"))["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _recover_one(damaged: Path, *, keep: bool) -> Recovered:
    folder = damaged.parent
    writer: SegmentWriter | None = None
    metadata: dict[str, dict[str, str]] = {}
    for found in salvage(damaged):
        if isinstance(found, Metadata):
            metadata[found.name] = dict(found.metadata)
            continue
        if writer is None:
            codec = _codec(damaged, metadata)
            about = metadata.get(RUN, {})
            writer = SegmentWriter(folder / RECOVERING, found.index, codec, about)
        writer.copy(found)
    steps = writer.steps if writer is not None else 0
    done = writer.close() if writer is not None else None
    aside: Path | None = None
    if keep:
        aside = damaged.with_suffix(ASIDE)
        damaged.replace(aside)
    if done is not None:
        done = done.replace(folder / f"{done.stem}{DONE}")
    if not keep:
        damaged.unlink()
    shutil.rmtree(folder / RECOVERING, ignore_errors=True)
    return Recovered(damaged, done, steps, aside)


def _codec(path: Path, metadata: dict[str, dict[str, str]]) -> Codec:
    try:
        return codec_of(metadata[SPACES])
    except (KeyError, ValueError, TypeError) as error:
        raise SessionError(f"{path} is not of a Yume session: {error!r}") from error
