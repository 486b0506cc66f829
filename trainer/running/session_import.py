"""Imports recorded sessions: their Steps become the journal of a new run."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.reading.bounded_file import MissingFile
from configs.reading.json_document import read_json
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.core.step import as_layout, make_first
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.journal import JournalWriter
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.run_info import SOURCES
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, common_layout, session_folder
from interfaces.session.maintain.overview import find_sessions


@dataclass(frozen=True)
class ImportedSteps:
    """The number of Steps in the journal, and the index of the first held-out Step."""

    steps: int
    held_out_from: int


class ImportInterrupted(Exception):
    """The import was stopped before it was complete."""


def too_few_steps(steps: int, config: Config) -> BadInput:
    """The error for recordings that are too short to learn from."""
    return BadInput(
        f"{steps} steps are too few to learn from: trainer.prefill is {config.trainer.prefill}, "
        f"trainer.length {config.trainer.length}"
    )


def open_sessions(patterns: Sequence[str]) -> list[Session]:
    """The sessions at these paths or glob patterns, oldest first, each one once.

    Raises SessionError if a pattern matches no session, or if two sessions have different spaces
    or share a Step.
    """
    paths: list[Path] = []
    for pattern in patterns:
        matches = find_sessions(_expand(pattern))
        if not matches:
            raise SessionError(f"--sessions {pattern}: no session found")
        paths += matches
    places: dict[Path, Path] = {}
    for path in paths:
        places.setdefault(session_folder(path.resolve()), path.resolve())
    sessions = [Session(path) for path in places.values()]
    sessions.sort(key=lambda session: session.infos[0].began_ns)
    for session in sessions:
        check_spaces(session, sessions[0].spaces, str(sessions[0].path))
    for one, other in itertools.combinations(sessions, 2):
        if _share_a_step(one, other):
            raise SessionError(f"{one.path} and {other.path} have the same Steps: name one of them")
    return sessions


def check_spaces(session: Session, spaces: Spaces, owner: str) -> None:
    """Raises SessionError, with the difference, if a session was recorded with other spaces.

    `owner`: the name of what has `spaces`, for the message.
    """
    own, wanted = session.spaces.to_json(), spaces.to_json()
    for key in wanted:
        if own.get(key) != wanted[key]:
            there, here = _describe_difference(own.get(key), wanted[key])
            raise SessionError(
                f"{session.path} was recorded with a different {key}: {there}; {owner} has {here}"
            )


def import_sessions(
    run: RunFolder,
    config: Config,
    sessions: Sequence[Session],
    progress: Callable[[int], None] = lambda _: None,
    stopped: threading.Event | None = None,
) -> ImportedSteps:
    """Writes every Step into the run's journal, one session after the other.

    Each session starts with `is_first` and ends with a cut, and so does each part between two gaps.
    The newest sessions are held out: whole ones with about the share `trainer.holdout` of all
    Steps. If these are too long, only the newest part is held out. A complete import is not
    repeated. `progress` receives the number of Steps so far.

    Raises BadInput if there are too few Steps to learn from, SessionError if the run imported
    other sessions before, ImportInterrupted when `stopped`, and OSError for a full disk.
    """
    total = sum(session.steps_recorded for session in sessions)
    held_out_from = first_held_out_step(sessions, config)
    if total < config.trainer.prefill or held_out_from < config.trainer.length:
        raise too_few_steps(total, config)
    sources = {"sessions": [str(session.path) for session in sessions], "steps": total}
    with contextlib.suppress(MissingFile):
        if read_json(run.sources, SOURCES).model_dump() != sources:
            raise SessionError(f"{run.path} learns from other sessions: see {run.sources.name}")
        return ImportedSteps(total, held_out_from)
    layout = common_layout(session.layout for session in sessions)
    writer = JournalWriter(
        run.journal,
        layout,
        segment_steps=config.journal.segment_steps,
        max_steps=max(config.journal.max_steps, total),
        background=False,
    )
    try:
        writer.truncate(0)
        for session in sessions:
            last: NDArray[np.void] | None = None
            expected: int | None = None
            for _, step in session.steps():
                index = int(step["index"])
                if stopped is not None and stopped.is_set():
                    raise ImportInterrupted
                if last is not None:
                    last["is_last"] |= index != expected
                    _append(writer, last)
                    progress(writer.next_index)
                if index != expected:  # the first Step of the session, or the first after a gap
                    make_first(step)
                last, expected = as_layout(step, layout), index + 1
            if last is not None:
                last["is_last"] = True
                _append(writer, last)
    finally:
        writer.close()
    write_checked_json(run.sources, sources)
    return ImportedSteps(writer.next_index, held_out_from)


def first_held_out_step(sessions: Sequence[Session], config: Config) -> int:
    """The journal index of the first held-out Step; the number of Steps if none is held out."""
    sizes = [session.steps_recorded for session in sessions]
    total = sum(sizes)
    wanted = min(int(total * config.trainer.holdout), config.trainer.holdout_steps)
    if not wanted:
        return total
    held_out = 0
    for size in reversed(sizes[1:]):
        if held_out >= wanted or held_out + size > 2 * wanted:
            break
        held_out += size
    return total - (held_out if 2 * held_out >= wanted else wanted)


def _append(writer: JournalWriter, step: NDArray[np.void]) -> None:
    """Raises OSError if the Step was not written: an import must not have a gap."""
    if not writer.append(step):
        raise OSError("the disk is full: the recordings were not imported completely")


def _expand(pattern: str) -> list[Path]:
    """The path itself if it exists, else the paths that match the glob pattern."""
    path = Path(pattern)
    if path.exists():
        return [path]
    root = Path(path.anchor or ".")
    try:
        return sorted(root.glob(str(path.relative_to(path.anchor))))
    except (ValueError, NotImplementedError) as error:
        raise SessionError(f"--sessions {pattern}: not a valid path pattern: {error}") from error


def _share_a_step(one: Session, other: Session) -> bool:
    """Whether one Step is in both: with the same index, time and content."""
    (began, ended), (other_began, other_ended) = _time_span(one), _time_span(other)
    if ended < other_began or other_ended < began:
        return False
    for _, message in one.messages(max(one.first, other.first), min(one.end, other.end)):
        for _, other_message in other.messages(message.index, message.index + 1):
            return other_message == message
    return False


def _time_span(session: Session) -> tuple[int, int]:
    """Start and end in nanoseconds."""
    infos = session.infos
    return min(info.began_ns for info in infos), max(info.ended_ns for info in infos)


def _describe_difference(one: Any, other: Any) -> tuple[str, str]:
    """Texts that show how two values differ.

    For lists of named things: the names, or the fields of the first thing that differs.
    """
    try:
        names = [[each["name"] for each in value] for value in (one, other)]
    except (TypeError, KeyError):
        return str(one), str(other)
    if names[0] != names[1]:
        return ", ".join(names[0]), ", ".join(names[1])
    first, second = next(pair for pair in zip(one, other, strict=True) if pair[0] != pair[1])
    keys = [key for key in first | second if first.get(key) != second.get(key)]
    texts = [", ".join(f"{key} {each.get(key)}" for key in keys) for each in (first, second)]
    return f"{first['name']} with {texts[0]}", texts[1]
