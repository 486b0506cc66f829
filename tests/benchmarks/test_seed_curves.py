"""The summaries of the benchmarks against their definitions in rliable.

The interquartile mean leaves out both outer quarters. The interval has percentiles of that mean,
with resampled runs and episodes.
"""

import numpy as np
import pytest

from benchmarks.learning.seed_curves import Curve, interquartile, middle_half


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([5.0], 5.0),
        ([1, 2, 3, 100], 2.5),
        ([-100, 1, 2, 3, 4, 5, 6, 900], 3.5),
        ([9, 1, 5, 3, 7], 5.0),  # a quarter of five is one
    ],
)
def test_the_mean_of_the_middle_half(scores, expected):
    assert middle_half(np.array(scores, float)) == pytest.approx(expected)


def test_the_interval_is_as_wide_as_the_mean_is_uncertain():
    """With 400 normal draws, the interquartile mean has a standard error of sqrt(1.2 / 400).

    The factor 1.2 follows from its influence function (Huber 1981, 3.3).
    """
    scores = np.random.default_rng(0).normal(0.0, 1.0, (1, 400))
    middle, low, high = interquartile(scores.tolist())
    assert low < middle < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(1.2 / 400), rel=0.15)


def test_the_interval_includes_the_spread_between_seeds():
    apart = interquartile([[0.0] * 50, [10.0] * 50, [20.0] * 50])
    assert apart[0] == pytest.approx(10.0)
    assert (apart[1], apart[2]) == (0.0, 20.0)
    alike = interquartile([[10.0] * 50] * 3)
    assert alike == (10.0, 10.0, 10.0)


def test_a_curve_ends_where_the_shortest_seed_ends():
    curve = Curve.of([[1, 2, 3], [1, 2]], [[[1.0], [2.0], [3.0]], [[3.0], [4.0]]])
    assert (curve.steps, curve.middle) == ([1, 2], [2.0, 3.0])
