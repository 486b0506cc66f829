"""PPO's advantages and clipped objective, against plain numpy."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.rollouts import random_rollout
from tests.worlds import PointWorld
from trainer.objectives.ppo_objective import clipped_objective, normalised, rollout_advantages


def test_advantages_are_sums_of_discounted_td_errors_up_to_each_cut():
    steps, discount, lam = 12, 0.9, 0.8
    spaces = PointWorld(load_config(ROOT / "tests" / "point_ppo.yaml"), 0).spaces
    rollout = random_rollout(spaces, steps, 0, terminal=(3,), cut=(7,))
    value = torch.randn(steps, 2, generator=torch.Generator().manual_seed(1))
    advantages = rollout_advantages(rollout, value, discount, lam).numpy()
    reward, v = rollout.reward.numpy(), value.numpy()
    for t in range(steps):
        expected = 0.0
        for k in range(t, steps):
            next_value = 0.0 if k == 3 else discount * v[k, 1]
            expected += (discount * lam) ** (k - t) * (reward[k] + next_value - v[k, 0])
            if k in (3, 7):
                break
        assert advantages[t] == pytest.approx(expected, abs=1e-5), t


def test_clipped_objective_case_by_case():
    old = np.log(np.array([0.5, 0.5, 0.5, 0.5, 0.5]))
    new = np.log(np.array([0.9, 0.9, 0.2, 0.2, 0.55]))
    advantage = np.array([2.0, -2.0, 2.0, -2.0, 1.0])
    inputs = (torch.from_numpy(each) for each in (new, old, advantage))
    objective = clipped_objective(*inputs, 0.2).numpy()
    np.testing.assert_allclose(objective, [1.2 * 2, 1.8 * -2, 0.4 * 2, 0.8 * -2, 1.1])


def test_a_clipped_ratio_has_no_gradient():
    new = torch.log(torch.tensor([0.9, 0.2, 0.9, 0.2])).requires_grad_()
    old, advantage = torch.log(torch.full((4,), 0.5)), torch.tensor([1.0, -1.0, -1.0, 1.0])
    clipped_objective(new, old, advantage, 0.2).sum().backward()
    torch.testing.assert_close(new.grad, torch.tensor([0.0, 0.0, -1.8, 0.4]))


def test_normalised_advantages_have_mean_0_and_deviation_1():
    advantage = normalised(torch.tensor([1.0, 2.0, 3.0, 10.0]))
    assert float(advantage.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(advantage.std(correction=0)) == pytest.approx(1.0, abs=1e-5)
    assert normalised(torch.full((3,), 5.0)).tolist() == [0.0, 0.0, 0.0]
