"""Select the Steps that `forget` deletes: those of a time span, and later ones that show it."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interfaces.journal.layout import read_layout
from interfaces.journal.recovery import set_aside_damaged
from interfaces.journal.segment import Segment, segment_paths
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import STEP
from interfaces.session.format.segment_reader import SegmentInfo, SessionSegment
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import live_files, segment_files
from interfaces.session.maintain.recover import unfinished_segments

_ROUNDING = 1 + 2**-20  # frame ages are float32 seconds
_RECOVER_FIRST = "run `sessions recover` first"
FOREVER_NS = 2**63 - 1
Advance = Callable[[], object]  # called after each segment


@dataclass(frozen=True)
class TimeSpan:
    """The Steps of begin_ns <= t < end_ns by the wall clock, and all from index `from_index` on."""

    begin_ns: int
    end_ns: int
    from_index: int = 2**63 - 1


@dataclass(frozen=True)
class SelectedSteps:
    """The Steps to delete: indices (N,), ascending, and the wall clock time of the earliest."""

    indices: NDArray[np.int64]
    earliest_ns: int


def newest_span(run: RunFolder, seconds: float) -> TimeSpan:
    """The last `seconds` of a run, which must not be running.

    The span is counted by the wall clock and by the monotonic clock, because the wall clock may
    have been set. The longer one counts. Raises SessionError for a run without Steps.
    """
    end, wall_ns = _last_of_session(run)
    first, passed_ns, after = 2**63 - 1, 0, None
    for segment in reversed(journal_segments(run)):
        rows = segment.steps[: segment.committed]
        if segment.end > end and len(rows):
            end, wall_ns = segment.end, int(rows["wall_ns"][-1])
        for row in range(len(rows) - 1, -1, -1):
            clocks = (int(rows["monotonic_ns"][row]), int(rows["wall_ns"][row]))
            if after is not None:
                passed_ns += _elapsed_ns(clocks, after)
            if passed_ns > seconds * 1e9:
                break
            first, after = segment.first + row, clocks
        if passed_ns > seconds * 1e9:
            break
    if not end:
        raise SessionError(f"{run.path} has no recorded Steps")
    return TimeSpan(wall_ns - round(seconds * 1e9), wall_ns + 1, first)


def count_segments(run: RunFolder) -> int:
    """Segments of journal and session: how often select_steps and forget call `advance`."""
    return len(segment_paths(run.journal)) + len(segment_files(run.session))


def select_steps(run: RunFolder, span: TimeSpan, advance: Advance = lambda: None) -> SelectedSteps:
    """The Steps of the span in journal and session, and later Steps that still contain it.

    A later Step contains it if its picture was taken before the end of the span, or if its sound
    window reaches into the span. The run must not be running. Raises SessionError for a span
    without Steps, and for unfinished or damaged segments; OSError.
    """
    if live_files(run.session) or unfinished_segments(run.session):
        raise SessionError(f"{run.session} has unfinished segments: {_RECOVER_FIRST}")
    selected: set[int] = set()
    earliest_ns = FOREVER_NS
    window_ns = round(1e9 * run.config.world.audio_input.window_s)
    for steps_of in (_journal_times, _session_times):
        span_filter = _SpanFilter(span, window_ns)
        for step in steps_of(run, span_filter, advance):
            if span_filter.selects(step):
                selected.add(step.index)
                earliest_ns = min(earliest_ns, step.wall_ns)
    if not selected:
        raise SessionError(f"{run.path} has no Steps in that time span")
    return SelectedSteps(np.array(sorted(selected), np.int64), earliest_ns)


@dataclass(frozen=True, slots=True)
class _StepTimes:
    """The times of a Step, and the age of its picture. `has_sound`: it has a window of sound."""

    index: int
    wall_ns: int
    monotonic_ns: int = 0
    age_ns: int = 0
    has_sound: bool = False


class _SpanFilter:
    """Decides for each Step, in order, whether it is deleted."""

    def __init__(self, span: TimeSpan, window_ns: int) -> None:
        self._span, self._window_ns = span, window_ns
        # The newest Step of the span; None once later Steps cannot contain the span any more.
        self._last: _StepTimes | None = None

    def may_select(self, info: SegmentInfo) -> bool:
        """Whether any Step of the next segment may be selected."""
        low, high = info.wall_ns or (0, FOREVER_NS)
        inside = low < self._span.end_ns and self._span.begin_ns <= high
        return inside or info.end > self._span.from_index or self._last is not None

    def selects(self, step: _StepTimes) -> bool:
        span = self._span
        if step.index >= span.from_index or span.begin_ns <= step.wall_ns < span.end_ns:
            self._last = step
            return True
        last = self._last
        if last is None:
            return False
        if step.monotonic_ns < last.monotonic_ns:  # after a reboot
            self._last = None
            return False
        # The end of the span on the monotonic clock.
        end_ns = last.monotonic_ns + max(0, span.end_ns - last.wall_ns)
        back_ns = max(_ROUNDING * step.age_ns, self._window_ns if step.has_sound else 0)
        if step.monotonic_ns - back_ns < end_ns:
            return True
        self._last = None
        return False


def _journal_times(run: RunFolder, _: _SpanFilter, advance: Advance) -> Iterator[_StepTimes]:
    for segment in journal_segments(run):
        rows = segment.steps[: segment.committed]
        has_sound = "sound" in (rows.dtype.names or ())
        ages = np.nan_to_num(1e9 * rows["frame_age_s"].astype(np.float64)).astype(np.int64)
        times = (rows["wall_ns"].tolist(), rows["monotonic_ns"].tolist(), ages.tolist())
        for row, (wall_ns, monotonic_ns, age_ns) in enumerate(zip(*times, strict=True)):
            yield _StepTimes(segment.first + row, wall_ns, monotonic_ns, age_ns, has_sound)
        advance()


def _session_times(
    run: RunFolder, span_filter: _SpanFilter, advance: Advance
) -> Iterator[_StepTimes]:
    """The times of the Steps in segments that may hold a selected Step."""
    for file in segment_files(run.session):
        try:
            info = (segment := SessionSegment(file)).info
        except SessionError as error:  # the times of its Steps are unknown
            raise SessionError(f"{error}; {_RECOVER_FIRST}") from error
        if not span_filter.may_select(info):
            advance()
            continue
        has_sound = info.codec.spaces.has_sound
        for recorded in segment.messages():
            try:
                step = json.loads(recorded.messages[STEP])
                age_ns = round(1e9 * (step["frame_age_s"] or 0.0))
                times = (int(step["wall_ns"]), int(step["monotonic_ns"]), age_ns)
            except (ValueError, KeyError, TypeError) as error:
                raise SessionError(f"{file} is damaged: {_RECOVER_FIRST} ({error!r})") from error
            yield _StepTimes(recorded.index, *times, has_sound)
        advance()


def journal_segments(run: RunFolder) -> list[Segment]:
    """The journal's segments, oldest first, opened for writing.

    Steps behind the commit counter that a power cut left are counted again. Damaged segments are
    set aside, as at a resume.
    """
    layout = read_layout(run.journal)
    if layout is None:
        return []
    set_aside_damaged(run.journal, layout)
    segments = [Segment(path, layout.step) for path in segment_paths(run.journal)]
    for segment in segments:
        if not segment.full and segment.is_intact(segment.committed):
            segment.recover()
    return segments


def _last_of_session(run: RunFolder) -> tuple[int, int]:
    """One past the index of the last recorded Step, and its wall clock time; (0, 0) for none."""
    segments: list[SessionSegment] = []
    for file in segment_files(run.session):
        with contextlib.suppress(SessionError):  # select_steps decides whether damage matters
            segments.append(SessionSegment(file))
    if not segments:
        return 0, 0
    segment = max(segments, key=lambda each: each.info.end)
    chunk = segment.chunk_of(segment.info.end - 1)
    last = 0
    for recorded in segment.messages(chunk):
        last = recorded.wall_ns
    return segment.info.end, last


def _elapsed_ns(before: tuple[int, int], after: tuple[int, int]) -> int:
    """Nanoseconds between two (monotonic, wall) times; after a reboot by the wall clock."""
    if after[0] >= before[0]:
        return after[0] - before[0]
    return max(0, after[1] - before[1])
