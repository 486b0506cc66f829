"""The curiosity reward."""

import torch

from trainer.objectives.model_terms import surprise_bonus


def test_curiosity_reward_is_never_negative_and_has_an_upper_limit(tiny):
    config = tiny.model_copy(update={"reward": tiny.reward.model_copy(update={"surprise": 0.5})})
    surprise = torch.tensor([-3.0, 0.0, 2.0, 1000.0])
    bonus = surprise_bonus(surprise, config, torch.tensor(4.0))
    torch.testing.assert_close(bonus, torch.tensor([0.0, 0.0, 0.25, 5.0]))
