"""Forgetting: other people are in these recordings, and may ask to be out of them.

Afterwards nothing seen, heard, felt or done in the span is in the run: not in journal and session,
nor in what was made of them there or set aside. Weights that learned
from it cannot unlearn: they are listed.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.journal.layout import Segment as JournalSegment
from interfaces.journal.layout import read_layout, segment_paths
from interfaces.mapped import flush
from interfaces.run_folder import RunFolder
from interfaces.session.file import Segment
from interfaces.session.messages import CAMERA, MEL, SOUND
from interfaces.session.recover import ASIDE, RECOVERING
from interfaces.session.segment import Recorded, SegmentWriter, SessionError
from interfaces.session.session import Session, live_files, segment_files
from interfaces.spaces import Spaces
from interfaces.world import Situation

_KEPT = ("index", "tick", "monotonic_ns", "wall_ns", "frame_number", "weights_version", "skipped")
_WORKSHOP = "forgetting"
_CLOCK_NS = 3600 * 10**9  # by so much the wall's clock may have been set within a segment


@dataclass
class Forgotten:
    """What was taken away; exports: all that was made of the session, replays and damaged files
    too. checkpoints and weights: files that learned after the span began, and stay."""

    journal_steps: int = 0
    session_steps: int = 0
    exports: list[Path] = field(default_factory=list[Path])
    checkpoints: list[Path] = field(default_factory=list[Path])
    weights: list[Path] = field(default_factory=list[Path])


def forget(run: RunFolder, begin_ns: int, end_ns: int) -> Forgotten:
    """Steps lived in begin_ns <= t < end_ns, by the wall's clock. Nobody may live there.

    Raises SessionError where nothing was lived then, or a segment was not ended; OSError.
    """
    if live_files(run.session):
        raise SessionError(f"{run.session} has segments without an end: sessions recover first")
    if not _lived_then(run, begin_ns, end_ns):
        raise SessionError(f"{run.path}: nothing was lived in that span")
    found = Forgotten()
    # What was made of it goes first: a forget that is cut short is done again from the beginning.
    run.view.unlink(missing_ok=True)  # a picture of what was just lived
    for folder in (run.exports, run.replays):  # made again where they are wanted
        if folder.is_dir():
            found.exports += sorted(folder.iterdir())
            shutil.rmtree(folder)
    for workshop in (_WORKSHOP, RECOVERING):  # of one that was killed
        shutil.rmtree(run.session / workshop, ignore_errors=True)
    for damaged in (*run.session.glob(f"*{ASIDE}"), *run.journal.glob("*.bad")):
        found.exports.append(damaged)
        damaged.unlink()
    _rewrite_session(run.session, begin_ns, end_ns, found)
    _blank_journal(run, begin_ns, end_ns, found)
    found.checkpoints = _written_after(run.checkpoints.glob("*.safetensors"), begin_ns)
    found.weights = _written_after((run.weights / "applied").glob("*.safetensors"), begin_ns)
    return found


def newest_ns(run: RunFolder) -> int:
    """When the last Step was lived, by the wall's clock. Raises SessionError where none was."""
    newest = 0
    spaces = read_layout(run.journal)
    if spaces is not None:
        for path in segment_paths(run.journal):
            segment = JournalSegment(path, spaces, write=False)
            if segment.committed:
                newest = max(newest, int(segment.steps["wall_ns"][: segment.committed].max()))
    if segment_files(run.session):
        session = Session(run.session)
        newest = max(newest, *(info.ended_ns for info in session.infos))
    if not newest:
        raise SessionError(f"{run.path}: nothing was lived there")
    return newest


def _lived_then(run: RunFolder, begin_ns: int, end_ns: int) -> bool:
    spaces = read_layout(run.journal)
    if spaces is not None:
        for path in segment_paths(run.journal):
            segment = JournalSegment(path, spaces, write=False)
            wall = segment.steps["wall_ns"][: segment.committed]
            if bool(((wall >= begin_ns) & (wall < end_ns)).any()):
                return True
    return any(
        begin_ns <= recorded.wall_ns < end_ns
        for segment in _near(run.session, begin_ns, end_ns)
        for recorded in segment.messages()
    )


def _near(folder: Path, begin_ns: int, end_ns: int) -> Iterator[Segment]:
    """Segments that may hold Steps of the span, by the wall's clock."""
    for file in segment_files(folder):
        segment = Segment(file)
        info = segment.info
        if begin_ns - _CLOCK_NS <= info.ended_ns and info.began_ns <= end_ns + _CLOCK_NS:
            yield segment


def _blank_journal(run: RunFolder, begin_ns: int, end_ns: int, found: Forgotten) -> None:
    """What follows on the span is a beginning."""
    spaces = read_layout(run.journal)
    if spaces is None:
        return
    after = False
    for path in segment_paths(run.journal):
        segment = JournalSegment(path, spaces, write=True)
        wall = segment.steps["wall_ns"][: segment.committed]
        inside = (wall >= begin_ns) & (wall < end_ns)
        for row in range(segment.committed):
            if inside[row]:
                segment.rewrite(row, _blanked(segment.steps[row, ...]))
                found.journal_steps += 1
            elif after:
                segment.rewrite(row, _begun(segment.steps[row, ...], spaces))
            after = bool(inside[row])
        flush(segment.path, segment.bytes)


def _blanked(step: NDArray[np.void]) -> NDArray[np.void]:
    blank = np.zeros((), step.dtype)
    for name in _KEPT:
        blank[name] = step[name]
    blank["situation"], blank["is_first"] = Situation.FORGOTTEN, True
    return blank


def _begun(step: NDArray[np.void], spaces: Spaces) -> NDArray[np.void]:
    """The first Step after the span, as a beginning: what it answers, and the action before it, are
    of the span."""
    begun = step.copy()
    begun["is_first"], begun["reward"], begun["world_reward"] = True, 0.0, 0.0
    begun["vector"][len(spaces.features) :] = 0.0
    return begun


def _rewrite_session(folder: Path, begin_ns: int, end_ns: int, found: Forgotten) -> None:
    """A segment is replaced once its copy is whole."""
    after = False  # the span may end with a segment
    for segment in _near(folder, begin_ns, end_ns):
        info, taken, changed = segment.info, 0, False
        writer = SegmentWriter(folder / _WORKSHOP, info.first, info.codec, info.about)
        for recorded in segment.messages():
            if begin_ns <= recorded.wall_ns < end_ns:
                taken, after = taken + 1, True
                continue
            if after:
                recorded, changed = _recorded_begun(segment, recorded), True
            writer.copy(recorded)
            after = False
        done = writer.close()
        if taken or changed:
            segment.path.unlink()
            if done is not None:
                done.replace(folder / done.name)
        found.session_steps += taken
    shutil.rmtree(folder / _WORKSHOP, ignore_errors=True)


def _recorded_begun(segment: Segment, recorded: Recorded) -> Recorded:
    """Its picture and sound stay as they are; what happened since then is not told."""
    codec = segment.info.codec
    messages = codec.encode(_begun(segment.decode(recorded), codec.spaces))
    kept = {topic: recorded.messages[topic] for topic in (CAMERA, SOUND, MEL) if topic in messages}
    return replace(recorded, messages=messages | kept)


def _written_after(paths: Iterable[Path], begin_ns: int) -> list[Path]:
    return sorted(path for path in paths if path.stat().st_mtime_ns >= begin_ns)
