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


def test_a_sequence_is_cut_by_is_last_and_before_is_first():
    is_last, is_first = torch.zeros(1, 5, dtype=torch.bool), torch.zeros(1, 5, dtype=torch.bool)
    is_last[0, 1] = is_first[0, 4] = True
    assert cut_after(is_last, is_first).tolist() == [[False, True, False, True, False]]
