"""Histogram: percentiles are within 2 % of the true ones, and the maximum is exact."""

import numpy as np
import pytest

from interfaces.ipc.histogram import Histogram


def test_percentiles_are_within_two_percent_and_the_maximum_is_exact():
    seconds = np.random.default_rng(0).lognormal(-6, 1.5, 5000)
    histogram = Histogram()
    for value in seconds:
        histogram.add(float(value))
    for percent in (50, 90, 99):
        true = np.percentile(seconds, percent, method="inverted_cdf")
        assert true <= histogram.percentile_s(percent) * (1 + 1e-9)
        assert histogram.percentile_s(percent) == pytest.approx(true, rel=0.021)
    assert histogram.summary_ms()["max"] == pytest.approx(1e3 * seconds.max(), abs=1e-3)


def test_empty_histogram_is_zero_and_extreme_durations_are_counted():
    histogram = Histogram()
    assert histogram.summary_ms() == {"p50": 0.0, "p99": 0.0, "max": 0.0}
    histogram.add(0.0)
    histogram.add(1e9)
    assert histogram.count == 2
