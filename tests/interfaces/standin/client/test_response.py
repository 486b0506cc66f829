"""A randomised client responds differently for each seed, within the configured range."""

import numpy as np

from configs.standin import RandomiseConfig, StandinConfig
from interfaces.standin.core import StandinCore

SMALL = {"width": 64, "height": 64}


def test_randomised_responses_stay_within_their_range() -> None:
    vary = StandinConfig(**SMALL, randomise=RandomiseConfig(gain=2.0, delay=3.0))
    speeds = [StandinCore(vary, seed).response.run_m_s for seed in range(30)]
    delays = [StandinCore(vary, seed).response.dead_time_ms for seed in range(30)]
    assert min(speeds) < 3.0
    assert max(speeds) > 5.5
    assert all(2.0 <= speed <= 8.0 for speed in speeds)
    assert all(33.0 <= delay <= 99.0 for delay in delays)
    assert StandinCore(vary, 3).response == StandinCore(vary, 3).response


def test_randomising_does_not_change_the_place() -> None:
    vary = StandinConfig(**SMALL, randomise=RandomiseConfig(gain=2.0))
    assert np.array_equal(
        StandinCore(vary, 4).frame(), StandinCore(StandinConfig(**SMALL), 4).frame()
    )
