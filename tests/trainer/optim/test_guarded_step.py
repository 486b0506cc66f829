"""The guarded step: all optimisers step, or none does."""

import torch
from torch import nn

from trainer.optim.guarded_step import GuardedOptimizerStep
from trainer.optim.optimizer import Adam


def make():
    good, bad = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizers = {"good": Adam([good], 0.1), "bad": Adam([bad], 0.1)}
    return good, bad, GuardedOptimizerStep(optimizers, max_norm=1.0)


def test_a_non_finite_gradient_skips_every_optimiser():
    good, bad, guarded = make()
    assert not guarded.step(good.sum() + bad.sum() * float("inf"))
    assert torch.equal(good.detach(), torch.ones(2))
    assert torch.equal(bad.detach(), torch.ones(2))
    assert guarded.skip_reason == "the gradient of bad is not finite"
    assert (guarded.skipped_updates, guarded.consecutive_skips) == (1, 1)


def test_a_good_step_ends_the_series_of_skips():
    good, bad, guarded = make()
    guarded.step(good.sum() + bad.sum() * float("nan"))
    guarded.restored_serial = 7
    assert guarded.step(good.sum() + bad.sum())
    assert (good < 1).all()
    assert (bad < 1).all()
    assert (guarded.skipped_updates, guarded.consecutive_skips) == (1, 0)
    assert guarded.restored_serial is None
