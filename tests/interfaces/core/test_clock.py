"""The pacer with a virtual clock: ticks keep their phase, skipped ticks are counted."""

import itertools

import pytest

from interfaces.core.clock import Pacer, VirtualClock


def run_ticks(hz, work_s, count):
    """(start, lateness, skipped) of each tick, where tick i works for `work_s[i]` seconds."""
    clock = VirtualClock(100.0)
    pacer = Pacer(clock, hz)
    ticks = []
    for i in range(count):
        tick = pacer.wait()
        ticks.append((clock.now(), clock.now() - tick.deadline_s, tick.skipped))
        clock.advance(work_s[i % len(work_s)])
    return ticks


def test_no_drift_over_100_000_ticks():
    ticks = run_ticks(10, [0.03], 100_000)
    assert ticks[-1][0] == pytest.approx(100.0 + 99_999 * 0.1, abs=1e-6)
    assert all(late == 0 and skipped == 0 for _, late, skipped in ticks)


def test_long_tick_skips_whole_periods_and_keeps_phase():
    ticks = run_ticks(10, [0.01, 0.55, 0.01, 0.01], 4)
    starts = [round(start - 100.0, 6) for start, _, _ in ticks]
    # The long tick runs from 0.1 to 0.65. The ticks 0.2 to 0.6 are skipped, the next one is 0.7.
    assert starts == [0.0, 0.1, 0.7, 0.8]
    assert [skipped for _, _, skipped in ticks] == [0, 0, 5, 0]


def test_lateness_below_half_a_period_is_reported():
    ticks = run_ticks(10, [0.12, 0.01], 3)
    assert ticks[1][1] == pytest.approx(0.02)
    assert ticks[1][2] == 0
    assert ticks[2][1] == 0


def test_two_ticks_are_never_closer_than_half_a_period():
    ticks = run_ticks(20, [0.01, 0.07, 0.09, 0.3, 0.049, 0.051, 0.0749, 0.0751], 400)
    starts = [start for start, _, _ in ticks]
    assert min(b - a for a, b in itertools.pairwise(starts)) >= 0.025 - 1e-9
    numbers = [round((start - late - 100.0) / 0.05) for start, late, _ in ticks]
    jumps = [b - a - 1 for a, b in itertools.pairwise(numbers)]
    assert jumps == [skipped for _, _, skipped in ticks[1:]], "every skipped tick is counted"
