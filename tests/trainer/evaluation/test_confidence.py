"""Confidence intervals: Student's t against a table, and the coverage of the interval."""

import numpy as np
import pytest

from trainer.evaluation.confidence import confidence_half_width, student_t_quantile


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (10, 2.228), (99, 1.984)],
)
def test_student_t_quantile_equals_the_published_table(freedom, expected):
    assert student_t_quantile(freedom) == pytest.approx(expected, abs=6e-4)


def test_interval_contains_the_true_mean_in_95_percent_of_the_samples():
    samples = np.random.default_rng(0).normal(size=(4000, 5))
    widths = np.array([confidence_half_width(deviation, 5) for deviation in samples.std(1, ddof=1)])
    assert np.mean(np.abs(samples.mean(1)) < widths) == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_confidence_interval():
    assert confidence_half_width(0.0, 1) is None
