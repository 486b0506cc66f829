"""Solids block, carry, and can be stepped onto or walked under, depending on their heights."""

import pytest

from interfaces.standin.geometry.solids import Box, Circle, Solids


def test_a_low_solid_blocks_below_its_top_and_carries_above() -> None:
    ground = Solids(5.0, [Box("bench", 0.0, 0.0, 1.0, 1.0, top=0.45)])
    assert ground.slide(-1.3, 0.0, 0.0, 0.2, 0.0)[2] == ["bench"]
    x, _, touched = ground.slide(-1.3, 0.3, 0.0, 0.2, 0.0)
    assert (x, touched) == (pytest.approx(-1.1), [])
    assert ground.floor(0.0, 0.5, 0.0) == 0.45
    assert ground.floor(0.0, 0.0, 0.0) == 0.0  # feet too low to stand on it


def test_a_high_solid_does_not_block_below_it() -> None:
    ground = Solids(5.0, [Circle("sign", 0.0, 0.0, 1.0, bottom=2.0, top=3.0)])
    assert ground.slide(-0.1, 0.0, 0.0, 0.2, 0.0) == (pytest.approx(0.1), 0.0, [])
