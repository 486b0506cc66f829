"""Forgetting: other people are in these recordings, and may ask to be out of them.

Afterwards nothing seen, heard, felt or done in the span is in the run: not in journal and session,
nor in what was made of them there or set aside. Weights that learned
from it cannot unlearn: they are listed.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.world import Situation
from interfaces.ipc.mapped_file import flush
from interfaces.journal.latent_snapshots import drop_keyframes
from interfaces.journal.layout import Segment as JournalSegment
from interfaces.journal.layout import read_layout, segment_paths, set_damaged_aside
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import CAMERA, MEL, SOUND, STEP
from interfaces.session.format.segment_reader import Segment, SegmentInfo
from interfaces.session.format.segment_writer import Recorded, SegmentWriter, SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.session.maintain.maintenance import keep_beginning
from interfaces.session.maintain.recover import ASIDE, RECOVERING, unfinished
from interfaces.weights.slots import LIVE_FILES

_KEPT = ("index", "tick", "monotonic_ns", "wall_ns", "frame_number", "weights_version", "skipped")
_WORKSHOP = "forgetting"
_ROUNDING = 1 + 2**-20  # ages are float32 seconds
FOREVER_NS = 2**63 - 1
Advance = Callable[[], object]  # told after each segment


@dataclass(frozen=True)
class Span:
    """Steps lived in begin_ns <= t < end_ns by the wall's clock, and all those from `from_index`
    on, whatever that clock has said."""

    begin_ns: int
    end_ns: int
    from_index: int = 2**63 - 1


@dataclass(frozen=True)
class Chosen:
    """The Steps to be forgotten: indices (N,), ascending, and when the earliest was lived."""

    indices: NDArray[np.int64]
    began_ns: int


@dataclass
class Forgotten:
    """What was taken away; exports: all that was made of the session, replays and damaged files
    too. checkpoints and weights: files that learned after the span began, and stay."""

    journal_steps: int = 0
    session_steps: int = 0
    exports: list[Path] = field(default_factory=list[Path])
    checkpoints: list[Path] = field(default_factory=list[Path])
    weights: list[Path] = field(default_factory=list[Path])


def newest(run: RunFolder, seconds: float) -> Span:
    """The last so many seconds that were lived. Nobody may live there.

    Counted by both clocks: the wall's, and the one that goes on where somebody sets the wall's.
    Where they differ it is the longer span. Raises SessionError where nothing was lived.
    """
    end, wall_ns = _last_of_session(run)
    first, passed_ns, after = 2**63 - 1, 0, None
    for segment in reversed(_journal(run)):
        rows = segment.steps[: segment.committed]
        if segment.end > end and len(rows):
            end, wall_ns = segment.end, int(rows["wall_ns"][-1])
        for row in range(len(rows) - 1, -1, -1):
            clocks = (int(rows["monotonic_ns"][row]), int(rows["wall_ns"][row]))
            if after is not None:
                passed_ns += _between(clocks, after)
            if passed_ns > seconds * 1e9:
                break
            first, after = segment.first + row, clocks
        if passed_ns > seconds * 1e9:
            break
    if not end:
        raise SessionError(f"{run.path}: nothing was lived there")
    return Span(wall_ns - round(seconds * 1e9), wall_ns + 1, first)


def count_segments(run: RunFolder) -> int:
    """Of journal and session: as many as `choose` looks at, and `forget`."""
    return len(segment_paths(run.journal)) + len(segment_files(run.session))


def forget_orphans(run: RunFolder) -> None:
    """Wipe the keyframes of Steps that neither journal nor session has any more: when they were
    lived nobody knows, and nobody can replay from them. Nobody may live there. Raises OSError."""
    drop_keyframes(run.keyframes, 2**63 - 1, _oldest(run))


def choose(run: RunFolder, span: Span, advance: Advance = lambda: None) -> Chosen:
    """The Steps of the span, in journal and session, and those after it that still show or sound
    what was in it: a picture that was grabbed before its end, a window of sound that reaches into
    it. Nobody may live there. Raises SessionError where nothing was lived then, a segment was not
    ended, or is damaged; OSError."""
    if live_files(run.session) or unfinished(run.session):
        raise SessionError(f"{run.session} has segments without an end: sessions recover first")
    found: set[int] = set()
    began_ns = FOREVER_NS
    window_ns = round(1e9 * run.config.world.ears.window_s)
    for steps_of in (_of_journal, _of_session):
        reach = _Reach(span, window_ns)
        for step in steps_of(run, reach, advance):
            if reach.takes(step):
                found.add(step.index)
                began_ns = min(began_ns, step.wall_ns)
    if not found:
        raise SessionError(f"{run.path}: nothing was lived in that span")
    return Chosen(np.array(sorted(found), np.int64), began_ns)


def forget(run: RunFolder, chosen: Chosen, advance: Advance = lambda: None) -> Forgotten:
    """Take these Steps out. Cut short, it is done again from the beginning. Raises SessionError for
    a damaged segment, OSError."""
    keep_beginning(run)
    found = Forgotten()
    # What was made of it goes first: it is made again where it is wanted.
    run.view.unlink(missing_ok=True)  # a picture of what was just lived
    found.exports = made_of(run)
    for folder in (run.exports, run.replays):
        if folder.is_dir():
            shutil.rmtree(folder)
    for workshop in (_WORKSHOP, RECOVERING):  # of one that was killed
        shutil.rmtree(run.session / workshop, ignore_errors=True)
    for damaged in _set_aside(run):
        damaged.unlink()
    drop_keyframes(run.keyframes, int(chosen.indices[0]))
    run.board.unlink(missing_ok=True)  # it shows the last action and its pay; a life makes it anew
    _blank_journal(run, chosen.indices, found, advance)
    _rewrite_session(run.session, chosen.indices, found, advance)
    found.checkpoints = _written_after(run.checkpoints.glob("*.safetensors"), chosen.began_ns)
    applied = (run.weights / "applied").glob("*.safetensors")
    found.weights = _written_after(applied, chosen.began_ns)
    found.weights += sorted(run.weights.glob(LIVE_FILES))  # mapped: when, the system may not know
    return found


def made_of(run: RunFolder) -> list[Path]:
    """All that goes whatever is forgotten: exports, replays, and files set aside as damaged."""
    folders = [folder for folder in (run.exports, run.replays) if folder.is_dir()]
    return [*(each for folder in folders for each in sorted(folder.iterdir())), *_set_aside(run)]


def _set_aside(run: RunFolder) -> list[Path]:
    return [*run.session.glob(f"*{ASIDE}"), *run.journal.glob("*.bad")]


@dataclass(frozen=True, slots=True)
class _Clocked:
    """When a Step was lived, and how old its picture was; `hears`: it has a window of sound."""

    index: int
    wall_ns: int
    monotonic_ns: int = 0
    age_ns: int = 0
    hears: bool = False


class _Reach:
    """Which Steps go, asked one after another, in order."""

    def __init__(self, span: Span, window_ns: int) -> None:
        self._span, self._window_ns = span, window_ns
        self._last: _Clocked | None = None  # of the span; None where nothing reaches back to it

    def concerns(self, info: SegmentInfo) -> bool:
        """Whether Steps of a segment may go, which is the next one."""
        low, high = info.wall_ns or (0, FOREVER_NS)
        inside = low < self._span.end_ns and self._span.begin_ns <= high
        return inside or info.end > self._span.from_index or self._last is not None

    def takes(self, step: _Clocked) -> bool:
        span = self._span
        if step.index >= span.from_index or span.begin_ns <= step.wall_ns < span.end_ns:
            self._last = step
            return True
        last = self._last
        if last is None:
            return False
        if step.monotonic_ns < last.monotonic_ns:  # of another boot
            self._last = None
            return False
        # Where the span ends, by the clock that nobody sets.
        end_ns = last.monotonic_ns + max(0, span.end_ns - last.wall_ns)
        back_ns = max(_ROUNDING * step.age_ns, self._window_ns if step.hears else 0)
        if step.monotonic_ns - back_ns < end_ns:
            return True
        self._last = None
        return False


def _of_journal(run: RunFolder, _: _Reach, advance: Advance) -> Iterator[_Clocked]:
    for segment in _journal(run):
        rows = segment.steps[: segment.committed]
        hears = "sound" in (rows.dtype.names or ())
        ages = np.nan_to_num(1e9 * rows["frame_age_s"].astype(np.float64)).astype(np.int64)
        times = (rows["wall_ns"].tolist(), rows["monotonic_ns"].tolist(), ages.tolist())
        for row, (wall_ns, monotonic_ns, age_ns) in enumerate(zip(*times, strict=True)):
            yield _Clocked(segment.first + row, wall_ns, monotonic_ns, age_ns, hears)
        advance()


def _of_session(run: RunFolder, reach: _Reach, advance: Advance) -> Iterator[_Clocked]:
    """Of segments that hold Steps of the span, or such that reach back to it."""
    for file in segment_files(run.session):
        try:
            info = (segment := Segment(file)).info
        except SessionError as error:  # when its Steps were lived nobody knows
            raise SessionError(f"{error}: sessions recover first") from error
        if not reach.concerns(info):
            advance()
            continue
        hears = info.codec.spaces.has_sound
        for recorded in segment.messages():
            try:
                told = json.loads(recorded.messages[STEP])
                age_ns = round(1e9 * (told["frame_age_s"] or 0.0))
                times = (int(told["wall_ns"]), int(told["monotonic_ns"]), age_ns)
            except (ValueError, KeyError, TypeError) as error:
                raise SessionError(f"{file} is damaged: sessions recover ({error!r})") from error
            yield _Clocked(recorded.index, *times, hears)
        advance()


def _journal(run: RunFolder) -> list[JournalSegment]:
    """Its segments, oldest first; what a power cut has left behind the counter of one counts, and
    what is damaged is set aside, as it is for the next life."""
    spaces = read_layout(run.journal)
    if spaces is None:
        return []
    set_damaged_aside(run.journal, spaces)
    segments = [JournalSegment(path, spaces, write=True) for path in segment_paths(run.journal)]
    for segment in segments:
        if not segment.full and segment.good(segment.committed):
            segment.recover()
    return segments


def _last_of_session(run: RunFolder) -> tuple[int, int]:
    """One past the index of the last recorded Step, and when it was lived; 0, 0 for none."""
    segments: list[Segment] = []
    for file in segment_files(run.session):
        with contextlib.suppress(SessionError):  # damaged: whether that matters is seen by `choose`
            segments.append(Segment(file))
    if not segments:
        return 0, 0
    segment = max(segments, key=lambda each: each.info.end)
    chunk = segment.chunk_of(segment.info.end - 1)
    last = 0
    for recorded in segment.messages(chunk):
        last = recorded.wall_ns
    return segment.info.end, last


def _oldest(run: RunFolder) -> int:
    """Index of the first Step that is there; of a run that has none, beyond them all."""
    firsts = [segment.first for segment in _journal(run) if segment.committed]
    firsts += [int(file.stem) for file in segment_files(run.session)]  # damaged ones too
    return min(firsts, default=2**63 - 1)


def _between(before: tuple[int, int], after: tuple[int, int]) -> int:
    """Nanoseconds between two (monotonic, wall) times; across a boot only the wall's are known."""
    if after[0] >= before[0]:
        return after[0] - before[0]
    return max(0, after[1] - before[1])


def _blank_journal(
    run: RunFolder, indices: NDArray[np.int64], found: Forgotten, advance: Advance
) -> None:
    """What follows on the span is a beginning."""
    spaces = read_layout(run.journal)
    for segment in _journal(run):
        assert spaces is not None
        own = segment.first + np.arange(segment.committed)
        inside, after = np.isin(own, indices), np.isin(own - 1, indices)
        for row in np.flatnonzero(inside | after).tolist():
            step = segment.steps[row, ...]
            segment.rewrite(row, _blanked(step) if inside[row] else _begun(step, spaces))
        found.journal_steps += int(inside.sum())
        segment.wipe()  # Steps that were thrown away lie there still
        flush(segment.path, segment.bytes)
        advance()


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
    if not step["is_first"]:
        begun["situation"] = int(step["situation"]) | Situation.AFTER_GAP
    begun["is_first"], begun["reward"], begun["world_reward"] = True, 0.0, 0.0
    begun["vector"][len(spaces.features) :] = 0.0
    return begun


def _rewrite_session(
    folder: Path, indices: NDArray[np.int64], found: Forgotten, advance: Advance
) -> None:
    """A segment lies under its own name until its copy is whole."""
    gone = set(indices.tolist())
    try:
        for file in segment_files(folder):
            segment = Segment(file)
            info = segment.info
            if ((indices >= info.first - 1) & (indices < info.end)).any():
                found.session_steps += _rewrite_segment(segment, folder / _WORKSHOP, gone)
            advance()
    finally:
        shutil.rmtree(folder / _WORKSHOP, ignore_errors=True)


def _rewrite_segment(segment: Segment, workshop: Path, gone: set[int]) -> int:
    """How many Steps were taken out."""
    info, taken, changed = segment.info, 0, False
    before = info.first - 1  # the span may end with the segment before
    writer = SegmentWriter(workshop, info.first, info.codec, info.about)
    try:
        for recorded in segment.messages():
            after, before = before in gone or recorded.index - 1 in gone, recorded.index
            if recorded.index in gone:
                taken += 1
                continue
            if after:
                recorded, changed = _recorded_begun(segment, recorded), True
            writer.copy(recorded)
        done = writer.close()
    finally:
        writer.abandon()
    if done is None:
        segment.path.unlink()
    elif taken or changed:
        done.replace(segment.path)
    return taken


def _recorded_begun(segment: Segment, recorded: Recorded) -> Recorded:
    """Its picture and sound stay as they are; what happened since then is not told."""
    codec = segment.info.codec
    messages = codec.encode(_begun(segment.decode(recorded), codec.spaces))
    kept = {topic: recorded.messages[topic] for topic in (CAMERA, SOUND, MEL) if topic in messages}
    return replace(recorded, messages=messages | kept)


def _written_after(paths: Iterable[Path], begin_ns: int) -> list[Path]:
    return sorted(path for path in paths if path.stat().st_mtime_ns >= begin_ns)
