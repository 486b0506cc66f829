"""The body's noise depends on (seed, tick) alone."""

import pytest
import torch

from agent.networks.noise import CounterNoise


@pytest.mark.parametrize("seed", [0, 1])
def test_counter_noise_depends_on_seed_and_tick_alone(seed):
    first = CounterNoise(seed, 41).normal((3, 4))
    assert torch.equal(first, CounterNoise(seed, 41).normal((3, 4)))
    assert not torch.equal(first, CounterNoise(seed, 42).normal((3, 4)))
    assert not torch.equal(first, CounterNoise(seed + 1, 41).normal((3, 4)))
