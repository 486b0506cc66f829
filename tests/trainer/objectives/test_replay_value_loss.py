"""The value loss on recorded sequences uses the same rewards as dreams."""

import torch

from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.replay_value_loss import cut_after, replay_returns

SMALL = [
    *("model.deter=32", "model.units=16", "model.stoch=8"),
    *("world.camera.width=32", "world.camera.height=32"),
    *("trainer.batch=3", "trainer.length=6", "trainer.warmup=1"),
    *("dream.horizon=4", "dream.starts=18", "reward.surprise=0.5"),
]


def test_recorded_returns_contain_curiosity(monkeypatch):
    config = load_config(ROOT / "configs" / "dreamerv3.yaml", SMALL)
    spaces, rewards = spaces_of(config), []
    learner = DreamerLearner(spaces, config, torch.device("cpu"))

    def spy(reward, *rest):
        rewards.append(reward)
        return replay_returns(reward, *rest)

    monkeypatch.setattr("trainer.objectives.replay_value_loss.replay_returns", spy)
    batch = random_batch(spaces, (3, 6), (0, 3), 0)._replace(reward=torch.zeros(3, 6))
    learner.update(batch)
    (reward,) = rewards
    known = ~batch.is_first.transpose(0, 1)
    known[0] = False  # the first row of a window has no surprise
    assert (reward[known] > 0).all()
    assert not reward[~known].any()


def flags(*rows):
    flag = torch.zeros(1, 6, dtype=torch.bool)
    flag[0, list(rows)] = True
    return flag


def test_a_sequence_is_cut_by_is_last_and_before_is_first(tiny):
    batch = random_batch(spaces_of(tiny), (1, 6), (0, 4), 0)._replace(is_last=flags(1))
    assert torch.equal(cut_after(batch), flags(1, 3))


def test_a_return_contains_nothing_of_an_excluded_step_and_after_it(tiny):
    batch = random_batch(spaces_of(tiny), (1, 6), (0, 0), 0)._replace(loss_mask=~flags(3))
    cut = cut_after(batch)
    assert torch.equal(cut, flags(2, 3))

    def returns(reward):
        value, terminal = torch.zeros(6, 1), torch.zeros(6, 1, dtype=torch.bool)
        return replay_returns(reward, terminal, cut.T, value, tiny.dream)

    before, reward = returns(torch.zeros(6, 1)), torch.zeros(6, 1)
    reward[3:] = 100.0
    assert torch.equal(returns(reward)[:2], before[:2])
