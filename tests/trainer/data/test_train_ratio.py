"""The train ratio: how many updates a number of environment steps allows."""

import torch

from configs.training import TrainerConfig
from trainer.data.train_ratio import TrainRatio

# 4 replayed steps per environment step; an update replays 2 * 4 steps.
RATIO = TrainRatio(TrainerConfig(batch=2, length=4, prefill=10, train_ratio=4.0))


def updates_allowed(steps, updates, free):
    while RATIO.allows(steps, updates, free):
        updates += 1
    return updates


def test_no_update_is_due_before_the_prefill():
    assert RATIO.due(9, 0) == 0
    assert updates_allowed(9, 0, torch.tensor(0)) == 0


def test_every_two_steps_allow_one_update():
    assert [RATIO.due(steps, 0) for steps in (10, 11, 12, 13, 20)] == [0, 1, 1, 2, 5]
    assert updates_allowed(20, 0, torch.tensor(0)) == 5
    assert RATIO.due(20, 3) == 2


def test_free_updates_do_not_count_and_waived_updates_are_not_made():
    assert updates_allowed(20, 3, torch.tensor(3)) == 3 + 5
    assert updates_allowed(20, 0, torch.tensor(-2)) == 5 - 2


def test_excess_updates_become_free():
    free = torch.tensor(0)
    assert not RATIO.allows(20, 9, free)
    assert int(free) == 9 - 5
    assert updates_allowed(22, 9, free) == 10
