"""The pacer under a fake clock: phase kept, beats skipped and counted, lateness not hidden."""

import itertools

import pytest

from interfaces.core.clock import Pacer, VirtualClock


def lived(hz, work_s, beats):
    """(start, lateness, skipped) of each beat, when each takes `work_s[i]` seconds."""
    clock = VirtualClock(100.0)
    pacer = Pacer(clock, hz)
    seen = []
    for i in range(beats):
        beat = pacer.wait()
        seen.append((clock.now(), clock.now() - beat.deadline_s, beat.skipped))
        clock.advance(work_s[i % len(work_s)])
    return seen


def test_no_drift_over_a_hundred_thousand_beats():
    seen = lived(10, [0.03], 100_000)
    assert seen[-1][0] == pytest.approx(100.0 + 99_999 * 0.1, abs=1e-6)
    assert all(late == 0 and skipped == 0 for _, late, skipped in seen)


def test_a_stall_skips_whole_beats_keeps_phase_and_never_hurries():
    seen = lived(10, [0.01, 0.55, 0.01, 0.01], 4)
    starts = [round(start - 100.0, 6) for start, _, _ in seen]
    # the stall begins at 0.1 and ends at 0.65: beats 0.2 to 0.6 are gone, the next is 0.7
    assert starts == [0.0, 0.1, 0.7, 0.8]
    assert [skipped for _, _, skipped in seen] == [0, 0, 5, 0]


def test_lateness_is_not_hidden():
    seen = lived(10, [0.12, 0.01], 3)
    assert seen[1][1] == pytest.approx(0.02)
    assert seen[1][2] == 0
    assert seen[2][1] == 0


def test_two_steps_are_never_closer_than_half_a_beat():
    seen = lived(20, [0.01, 0.07, 0.09, 0.3, 0.049, 0.051, 0.0749, 0.0751], 400)
    starts = [start for start, _, _ in seen]
    assert min(b - a for a, b in itertools.pairwise(starts)) >= 0.025 - 1e-9
    beats = [round((start - late - 100.0) / 0.05) for start, late, _ in seen]
    jumps = [b - a - 1 for a, b in itertools.pairwise(beats)]
    assert jumps == [skipped for _, _, skipped in seen[1:]], "every beat missed is counted"
