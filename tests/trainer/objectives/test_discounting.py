"""The discount is applied exactly once, in either place."""

import pytest
import torch

from configs.learning import DreamConfig
from trainer.objectives.discounting import (
    continue_target,
    imagined_discount,
    imagined_factor,
    recorded_discount,
    recorded_weight,
)

TERMINAL = torch.tensor([False, True, False])


@pytest.fixture(params=["dream", "continue"])
def config(request):
    return DreamConfig(discount=0.9, discount_in=request.param)


def test_a_perfect_continue_head_gives_dreams_the_discount_of_recordings(config):
    continue_prob = continue_target(TERMINAL, torch.float32, config)
    imagined = imagined_discount(continue_prob, config)
    assert torch.equal(imagined, recorded_discount(TERMINAL, config.discount, torch.float32))
    torch.testing.assert_close(imagined, torch.tensor([0.9, 0.0, 0.9]))
    assert torch.equal(imagined_factor(config) * continue_prob, imagined)


def test_recorded_steps_without_an_end_are_weighted_by_powers_of_the_discount(config):
    weight = recorded_weight(4, torch.device("cpu"), config)
    torch.testing.assert_close(weight, torch.tensor([[1.0], [0.9], [0.81], [0.729]]))
