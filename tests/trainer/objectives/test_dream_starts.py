"""The starts of dreams: even intervals over the batch, without excluded Steps."""

import pytest
import torch

from agent.networks.dynamics import LatentState
from trainer.objectives.dream_starts import choose_starts


@pytest.mark.parametrize(("size", "count"), [((8, 20), 64), ((8, 16), 100), ((8, 16), 64)])
def test_every_window_has_the_same_number_of_starts(size, count):
    deter = torch.arange(size[0] * size[1]).reshape(*size, 1)
    states = LatentState(deter, torch.zeros(*size, 1))
    chosen = choose_starts(states, None, count, False)[0].deter.flatten()
    assert len(chosen) == count
    per_window = torch.bincount(chosen // size[1], minlength=size[0])
    assert per_window.max() - per_window.min() <= 1


def test_excluded_steps_are_no_starts():
    deter = torch.arange(12.0).reshape(3, 4, 1)
    loss_mask = torch.zeros(3, 4, dtype=torch.bool)
    loss_mask[1] = True
    start, mask = choose_starts(LatentState(deter, deter), loss_mask, 8, False)
    assert sorted(start.deter.flatten().tolist()) == [4.0, 5.0, 6.0, 7.0]
    assert mask is None


def test_the_ends_of_all_sequences_are_starts_with_a_mask():
    deter = torch.arange(12.0).reshape(3, 4, 1)
    loss_mask = torch.ones(3, 4, dtype=torch.bool)
    loss_mask[0, 3] = False
    start, mask = choose_starts(LatentState(deter, deter), loss_mask, 6, True)
    assert start.deter.flatten().tolist() == [2.0, 3.0, 6.0, 7.0, 10.0, 11.0]
    assert mask.tolist() == [True, False, True, True, True, True]
