"""Find sessions, and describe what they hold."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, live_files, segment_files, session_folder

_NS = 1_000_000_000


@dataclass(frozen=True)
class Overview:
    """One session in numbers; the field names are the keys of `sessions list --json`.

    `seconds` are recorded time, `missing` counts Steps in gaps, `live` unfinished files. `trouble`
    says why the session cannot be read.
    """

    path: Path
    steps: int
    seconds: float
    bytes: int
    segments: int
    missing: int
    live: int
    began_ns: int
    trouble: str = ""


def find_sessions(folders: Sequence[Path]) -> list[Path]:
    """The runs and session folders among `folders` and directly inside them, each once.

    Inside a folder that is a session itself, only runs count: its other subfolders hold unfinished
    files of `recover` and `forget`.
    """
    sessions: dict[Path, Path] = {}
    for folder in folders:
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
        inside = [each for each in inside if each.is_dir()]
        if _is_session(folder):
            inside = [each for each in inside if (each / "session").is_dir()]
        for each in filter(_is_session, [folder, *inside]):
            sessions.setdefault(session_folder(each).resolve(), each)
    return list(sessions.values())


def overview(path: Path) -> Overview:
    """Describe one session. An unreadable session gives an Overview with `trouble`, no error."""
    files, live = segment_files(path), live_files(path)
    size = sum(_bytes(each) for each in (*files, *live))
    try:
        session = Session(path)
    except SessionError as error:
        return Overview(path, 0, 0.0, size, len(files), 0, len(live), 0, str(error))
    infos = session.infos
    seconds = sum((info.ended_ns - info.began_ns) / _NS for info in infos)
    missing = sum(count for _, count in session.gaps)
    began, steps = infos[0].began_ns, session.steps_recorded
    return Overview(path, steps, seconds, size, len(files), missing, len(live), began)


def describe(session: Session) -> dict[str, object]:
    """The content of `sessions info`, ready for JSON."""
    infos, run_metadata = session.infos, session.infos[0].run_metadata
    recorded = sum((info.ended_ns - info.began_ns) / _NS for info in infos)
    spaces = session.spaces
    height, width, _ = spaces.image_shape
    return {
        "session": str(session.path),
        "began": format_time(infos[0].began_ns),
        "ended": format_time(infos[-1].ended_ns),
        "length": format_duration(recorded),
        "steps": session.steps_recorded,
        "first": session.first,
        "end": session.end,
        "hz": round(sum(info.steps + info.missing for info in infos) / max(recorded, 1e-9), 2),
        "bytes": sum(info.bytes for info in infos),
        "picture": f"{width} x {height}, {infos[0].codec.camera}" if height else "none",
        "feels": ", ".join(_features(session)),
        "does": ", ".join(action.name for action in spaces.actions),
        "hears": "yes" if spaces.has_sound else "no",
        "seed": run_metadata.get("seed", "?"),
        "git_commit": run_metadata.get("git_commit", "?"),
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


def format_duration(seconds: float) -> str:
    """h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def format_time(ns: int) -> str:
    """A time in ns since the epoch as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ns / _NS))


def _is_session(folder: Path) -> bool:
    return bool(segment_files(folder) or live_files(folder))


def _features(session: Session) -> list[str]:
    """The names of the features; contacts and rays, which may be many, only as numbers."""
    senses = session.infos[-1].codec.senses
    names = [name for i, name in enumerate(session.spaces.features) if i not in senses.features]
    contacts = len(senses.of_kind("contact").senses)
    for count, what in ((contacts, "contacts"), (len(senses.senses) - contacts, "rays")):
        if count:
            names.append(f"{count} {what}")
    return names


def _bytes(path: Path) -> int:
    """The size of a file; 0 for one that is missing, such as the target of a link."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
