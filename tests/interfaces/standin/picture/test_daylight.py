"""Outdoor pictures depend on the hour; indoor pictures do not."""

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.picture.daylight import daylight


def core_at(place: str, **settings: object) -> StandinCore:
    return StandinCore(StandinConfig(place=place, width=64, height=64, **settings), 2)


@pytest.mark.parametrize("place", ["plaza", "garden", "maze"])
def test_outdoors_the_night_is_dark(place: str) -> None:
    noon, night = (core_at(place, hour=hour, people=0).frame().mean() for hour in (12.0, 0.0))
    assert night < 0.6 * noon


@pytest.mark.parametrize("place", ["room", "gallery"])
def test_indoors_the_hour_has_no_effect(place: str) -> None:
    noon, night = (core_at(place, hour=hour, people=0).frame() for hour in (12.0, 0.0))
    assert np.array_equal(noon, night)


def test_the_hour_advances_with_the_length_of_a_day() -> None:
    core = core_at("plaza", hour=12.0, day_s=60.0, people=0)
    core.step(1, [])
    noon = core.frame().mean()
    core.step(30 * 60, [])
    assert core.frame().mean() < 0.6 * noon
    core.step(30 * 60, [])
    assert core.frame().mean() == pytest.approx(noon, rel=0.05)


def test_without_a_configured_hour_the_seed_selects_it() -> None:
    config = StandinConfig(place="plaza", width=64, height=64, hour=None)
    hours = {StandinCore(config, seed).view().hour for seed in range(5)}
    assert len(hours) == 5
    assert StandinCore(config, 1).view().hour in hours


def test_the_light_increases_until_noon() -> None:
    light = [sum(daylight(hour)) for hour in range(0, 13)]
    assert light == sorted(light)
    assert daylight(12.0) == (1.0, 1.0, 1.0)
