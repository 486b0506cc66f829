"""Looking after sessions: what there is, whether it is whole, cutting, joining, freeing disk."""

import contextlib
import itertools
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from interfaces.ipc.atomic_files import workshop, write_json
from interfaces.journal import JournalReader
from interfaces.runtime.run_control import is_alive
from interfaces.runtime.run_folder import RunFolder, run_of
from interfaces.session.format.run_info import first_own
from interfaces.session.format.segment_reader import Segment
from interfaces.session.format.segment_writer import DONE, LIVE, SegmentWriter, SessionError
from interfaces.session.format.session import (
    Session,
    live_files,
    numbered,
    segment_files,
    session_folder,
)
from interfaces.session.maintain.recover import PRUNED, pruned_until

_NS = 1_000_000_000
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Overview:
    """A session in a line. `seconds` are those recorded; `missing` Steps, `live` files."""

    path: Path
    steps: int
    seconds: float
    bytes: int
    segments: int
    missing: int
    live: int
    began_ns: int
    trouble: str = ""


@dataclass(frozen=True)
class Verdict:
    """Of a segment: Steps read, and what is wrong with it; empty where nothing is."""

    path: Path
    steps: int
    trouble: str


def find_sessions(folders: Sequence[Path]) -> list[Path]:
    """Those given, and the ones inside them: runs and session folders, oldest first; each once.
    Beside segments of a life only runs are looked for: they have workshops there."""
    found: dict[Path, Path] = {}
    for folder in folders:
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
        inside = [each for each in inside if each.is_dir()]
        if _holds_one(folder):
            inside = [each for each in inside if (each / "session").is_dir()]
        for each in filter(_holds_one, [folder, *inside]):
            found.setdefault(session_folder(each).resolve(), each)
    return list(found.values())


def overview(path: Path) -> Overview:
    """Never fails: what cannot be read is said in `trouble`."""
    files, live = segment_files(path), live_files(path)
    size = sum(each.stat().st_size for each in (*files, *live))
    try:
        session = Session(path)
    except SessionError as error:
        return Overview(path, 0, 0.0, size, len(files), 0, len(live), 0, str(error))
    infos = session.infos
    seconds = sum((info.ended_ns - info.began_ns) / _NS for info in infos)
    missing = sum(count for _, count in session.gaps)
    began, steps = infos[0].began_ns, session.steps_recorded
    return Overview(path, steps, seconds, size, len(files), missing, len(live), began)


def verify(path: Path) -> Iterator[Verdict]:
    """Read every Step of every segment, checksums included, and count; where somebody lives, not
    the one that has no end yet. Raises SessionError where there is no session."""
    files = segment_files(path)
    if not files and not live_files(path):
        raise SessionError(f"{path} holds no session")
    for file in files:
        yield _verify_one(file)
    run = run_of(path)
    if run is None or not is_alive(run):
        for file in live_files(path):
            yield Verdict(file, 0, "has no end, as a crash leaves it: sessions recover")


def cut(path: Path, out: Path, begin_ns: int, end_ns: int) -> int:
    """Copy the Steps logged in begin_ns <= t < end_ns into a new file; how many. Raises
    SessionError where there are none, or `out` exists."""
    session = Session(path)
    start, end = session.index_at(begin_ns), session.index_at(end_ns)
    return _copy([session], out, start, end)


def merge(paths: Sequence[Path], out: Path) -> int:
    """Join parts of one life in one file; how many Steps. Raises SessionError for parts of
    different spaces, or that have the same Steps, and where `out` exists."""
    sessions = sorted((Session(path) for path in paths), key=lambda session: session.first)
    for one, other in itertools.pairwise(sessions):
        if one.spaces.to_json() != other.spaces.to_json():
            raise SessionError(f"{one.path} and {other.path} are of different spaces")
        if other.first < one.end:
            raise SessionError(
                f"{one.path} ends at step {one.end}, {other.path} begins at {other.first}: "
                "they are not of one life, or have the same Steps"
            )
    return _copy(sessions, out, sessions[0].first, sessions[-1].end)


@dataclass(frozen=True)
class Doomed:
    """A segment that pruning would delete, one past its last Step, and why."""

    path: Path
    bytes: int
    end: int
    why: str


def to_prune(
    paths: Sequence[Path], *, older_days: float | None, keep_gb: float | None, now_s: float
) -> list[Doomed]:
    """Segments to delete, oldest first: those older than so many days, and the oldest beyond so
    much disk. What is being written is never among them."""
    # A segment may be named beside the session it is of.
    named = {file.resolve(): file for path in find_sessions(paths) for file in segment_files(path)}
    segments = _segments(named.values())
    segments.sort(key=lambda segment: segment.info.ended_ns)
    doomed: list[Doomed] = []
    left = sum(segment.info.bytes for segment in segments)
    for segment in segments:
        info = segment.info
        age_days = (now_s - info.ended_ns / _NS) / _DAY_S
        why = ""
        if older_days is not None and age_days > older_days:
            why = f"{age_days:.1f} days old"
        elif keep_gb is not None and left > keep_gb * 1e9:
            why = f"the oldest beyond {keep_gb:g} GB"
        if why:
            doomed.append(Doomed(info.path, info.bytes, info.end, why))
            left -= info.bytes
    return doomed


def prune(doomed: Sequence[Doomed]) -> int:
    """Delete them; bytes freed. What the journal still has of them is not to come back by a
    recovery: that is written down. Raises OSError."""
    for each in doomed:
        if (run := run_of(each.path)) is not None:
            keep_beginning(run)
        until = max(each.end, pruned_until(each.path.parent))
        write_json(each.path.parent / PRUNED, {"until": until})
        each.path.unlink(missing_ok=True)
    return sum(each.bytes for each in doomed)


def parse_span(text: str) -> float:
    """Seconds of 90, 90s, 5m or 2h. Raises SessionError."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": _DAY_S}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError as error:
        raise SessionError(f"{text}: a time is 90, 90s, 5m, 2h or 1d") from error
    if not 0.0 <= seconds < 1e9:
        raise SessionError(f"{text}: a time is not negative, and no lifetime")
    return seconds


def describe(session: Session) -> dict[str, object]:
    """What `info` shows, as JSON has it."""
    infos, about = session.infos, session.infos[0].about
    recorded = sum((info.ended_ns - info.began_ns) / _NS for info in infos)
    spaces = session.spaces
    height, width, _ = spaces.image_shape
    return {
        "session": str(session.path),
        "began": day(infos[0].began_ns),
        "ended": day(infos[-1].ended_ns),
        "length": clock(recorded),
        "steps": session.steps_recorded,
        "first": session.first,
        "end": session.end,
        "hz": round(sum(info.steps + info.missing for info in infos) / max(recorded, 1e-9), 2),
        "bytes": sum(info.bytes for info in infos),
        "picture": f"{width} x {height}, {infos[0].codec.camera}" if height else "none",
        "feels": ", ".join(spaces.features),
        "does": ", ".join(action.name for action in spaces.actions),
        "hears": "yes" if spaces.has_sound else "no",
        "seed": about.get("seed", "?"),
        "git_commit": about.get("git_commit", "?"),
        "gaps": [list(gap) for gap in session.gaps],
        "live": [str(path) for path in session.live],
        "segments": [
            {
                "file": info.path.name,
                "first": info.first,
                "end": info.end,
                "steps": info.steps,
                "bytes": info.bytes,
                "began_ns": info.began_ns,
                "ended_ns": info.ended_ns,
            }
            for info in infos
        ],
    }


def began_ns(path: Path) -> int:
    """When the first Step of this life was lived, by the wall's clock; of one whose beginning was
    pruned or forgotten, when it was lived once. Raises SessionError where nothing was lived."""
    run, times = run_of(path), list[int]()
    if run is not None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return int(json.loads(run.began.read_text(encoding="utf-8"))["began_ns"])
        reader = JournalReader(run.journal)
        first = max(reader.first, first_own(run))
        if first < reader.end:
            times.append(int(reader.read(first, 1)["wall_ns"][0]))
    if segment_files(path):
        times.append(Session(path).infos[0].began_ns)
    if not times:
        raise SessionError(f"{path}: nothing was lived there")
    return min(times)


def keep_beginning(run: RunFolder) -> None:
    """Write down when life began, before its beginning is deleted: `--from 5m` shall mean the same
    ever after. Raises OSError."""
    if not run.began.exists():
        with contextlib.suppress(SessionError):
            write_json(run.began, {"began_ns": began_ns(run.path)})


def clock(seconds: float) -> str:
    """h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def day(ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ns / _NS))


def _segments(files: Iterable[Path]) -> list[Segment]:
    found: list[Segment] = []
    for file in files:
        try:
            found.append(Segment(file))
        except SessionError:
            continue  # damaged: for recover, not for prune
    return found


def _holds_one(folder: Path) -> bool:
    return bool(segment_files(folder) or live_files(folder))


def _verify_one(file: Path) -> Verdict:
    steps = 0
    try:
        segment = Segment(file)
        info, at = segment.info, segment.info.first
        holes = dict(info.gaps)
        for _, step in segment.steps():
            index = int(step["index"])
            expected = at + holes.pop(at, 0)
            if index != expected:
                return Verdict(file, steps, f"step {index} where {expected} should be")
            at, steps = index + 1, steps + 1
    except SessionError as error:
        return Verdict(file, steps, str(error).removeprefix(f"{file}").lstrip(": "))
    if (steps, at) != (info.steps, info.end):
        return Verdict(
            file, steps, f"{steps} Steps to {at}, but it says {info.steps} to {info.end}"
        )
    return Verdict(file, steps, "")


def _copy(sessions: Sequence[Session], out: Path, start: int, end: int) -> int:
    if out.exists():
        raise SessionError(f"{out} exists already: nothing is written over")
    if out.suffix != DONE:
        raise SessionError(f"{out}: a session file ends in {DONE}")
    if start >= end:
        raise SessionError(f"there is no Step in that span; {_spans(sessions)}")
    if numbered(out.parent, DONE) or numbered(out.parent, LIVE):
        raise SessionError(f"{out.parent} holds a session: put the file elsewhere")
    info = sessions[0].infos[0]
    part = workshop(out)
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
    writer = SegmentWriter(part, start, info.codec, info.about)
    try:
        for session in sessions:
            for _, found in session.messages(start, end):
                writer.copy(found)
        steps, done = writer.steps, writer.close()
        if done is not None:
            done.replace(out)
    finally:
        writer.abandon()
        shutil.rmtree(part, ignore_errors=True)
    return steps


def _spans(sessions: Sequence[Session]) -> str:
    infos = [info for session in sessions for info in session.infos]
    return f"it was recorded from {day(infos[0].began_ns)} to {day(infos[-1].ended_ns)}"
