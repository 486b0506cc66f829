"""Curves show missing Steps as gaps, also after they are reduced to windows."""

import numpy as np

from interfaces.session.playback_time import reduce_windows, with_gaps


def test_missing_steps_become_one_nan():
    index, seconds = np.array([0, 1, 2, 7, 8]), np.array([0.0, 0.1, 0.2, 0.7, 0.8])
    curves = np.arange(10.0).reshape(5, 2)
    times, drawn, first = with_gaps(index, seconds, curves, curves[:, 0])
    np.testing.assert_allclose(times, [0.0, 0.1, 0.2, 0.3, 0.7, 0.8])
    assert np.isnan(drawn[3]).all()
    assert np.isnan(first[3])
    np.testing.assert_array_equal(np.delete(drawn, 3, axis=0), curves)
    without_gaps = with_gaps(np.arange(5), seconds, curves)
    assert without_gaps[1] is curves


def test_no_window_crosses_a_gap():
    index = np.array([0, 1, 2, 3, 4, 100, 101, 102])
    curve = np.array([1.0, 3.0, np.nan, 7.0, 9.0, 50.0, 70.0, np.nan], np.float32)
    (mean,) = reduce_windows(index, 2, np.nanmean, curve)
    (largest,) = reduce_windows(index, 2, np.nanmax, curve)
    np.testing.assert_array_equal(mean, [2.0, 7.0, 9.0, np.nan, 60.0, np.nan])
    np.testing.assert_array_equal(largest, [3.0, 7.0, 9.0, np.nan, 70.0, np.nan])
    (single,) = reduce_windows(index, 1, np.nanmean, curve)
    np.testing.assert_array_equal(single, np.insert(curve, 5, np.nan))
