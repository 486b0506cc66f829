"""Long curves are thinned without losing spikes and gaps."""

import numpy as np

from interfaces.web.charts import thinned


def test_a_thinned_curve_keeps_its_spikes_and_gaps():
    values = np.zeros(100_000, np.float32)
    values[[7, 54_321]] = 5.0, -3.0
    values[70_000:80_000] = np.nan
    points = thinned(np.arange(100_000) / 10, values, 2000)
    assert len(points) <= 2000
    assert {(0.7, 5.0), (5432.1, -3.0)} <= set(points)
    assert any(value is None for _, value in points)
    assert [s for s, _ in points] == sorted(s for s, _ in points)


def test_a_short_curve_is_unchanged():
    assert thinned(np.arange(3.0), np.float32([1, np.nan, 2]), 10) == [
        (0.0, 1.0),
        (1.0, None),
        (2.0, 2.0),
    ]
