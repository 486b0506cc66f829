"""Estimators: the axis fit finds dead zone and speed, and optical flow finds picture motion."""

import numpy as np
import pytest

from interfaces.calibrate.estimators import fastest_motion, fit_axis, image_shift

VALUES = (0.1, 0.3, 0.45, 0.6, 0.8, 1.0)


def speeds_of(dead_zone, full, values=VALUES):
    return [full * max(0.0, v - dead_zone) / (1.0 - dead_zone) for v in values]


@pytest.mark.parametrize("dead_zone", [0.0, 0.1, 0.37, 0.5])
@pytest.mark.parametrize("full", [0.5, 6.0, 200.0])
def test_axis_fit_finds_dead_zone_and_full_speed(dead_zone, full):
    response = fit_axis(VALUES, speeds_of(dead_zone, full))
    assert response.dead_zone == pytest.approx(dead_zone, abs=1e-6)
    assert response.full == pytest.approx(full)


def test_axis_fit_tolerates_noise():
    rng = np.random.default_rng(0)
    speeds = np.abs(np.array(speeds_of(0.5, 200.0)) + rng.normal(0.0, 0.5, len(VALUES)))
    response = fit_axis(VALUES, speeds)
    assert response.dead_zone == pytest.approx(0.5, abs=0.03)
    assert response.full == pytest.approx(200.0, rel=0.02)


def test_dead_zone_lies_between_the_last_silent_and_the_first_responding_value():
    """From 0.5 on the speed is proportional to the value: the line alone would give 0."""
    response = fit_axis(VALUES, [0.0 if v < 0.5 else 4.0 * v for v in VALUES])
    assert 0.45 <= response.dead_zone <= 0.6


@pytest.mark.parametrize("speeds", [[0.0] * 6, [0.0] * 5 + [3.0], [1e-4] * 6])
def test_too_few_or_tiny_responses_give_no_fit(speeds):
    assert fit_axis(VALUES, speeds) is None


@pytest.mark.parametrize("pixels", [-4, -1, 0, 2, 5])
def test_horizontal_image_shift_is_measured(pixels):
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (16, 24, 3), np.uint8)
    wide = coarse.repeat(8, axis=0).repeat(8, axis=1)
    before, after = wide[:, 16:144], wide[:, 16 - pixels : 144 - pixels]
    assert image_shift(before, after) == pytest.approx(pixels, abs=0.5)


@pytest.mark.parametrize("pixels", [-3, 1])
def test_vertical_image_shift_and_its_fastest_motion_are_measured(pixels):
    rng = np.random.default_rng(4)
    tall = rng.integers(0, 255, (24, 16, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    moving = [tall[32 - i * pixels : 160 - i * pixels] for i in range(9)]
    assert image_shift(moving[0], moving[1], down=True) == pytest.approx(pixels, abs=0.3)
    assert image_shift(moving[0], moving[1]) == pytest.approx(0.0, abs=0.3)
    frames = [moving[0]] * 4 + moving + [moving[-1]] * 4  # still, then moving, then still
    at_s = [i / 30 for i in range(len(frames))]
    assert fastest_motion(frames, at_s, down=True) == pytest.approx(30 * abs(pixels), rel=0.1)
    assert fastest_motion(frames[:4], at_s[:4], down=True) == 0.0
    assert fastest_motion(frames[:1], at_s[:1], down=True) == 0.0
