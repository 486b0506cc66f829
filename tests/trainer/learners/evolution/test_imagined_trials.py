"""Scores of controllers in dreams."""

import numpy as np
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import LatentState
from tests.trainer.batches import spaces_of
from tests.trainer.learners.world_models_case import make_noise, small_config
from trainer.learners.evolution.controller import Controller
from trainer.learners.evolution.imagined_trials import imagined_scores

CONFIG = small_config()


def scores_with_reward_1_and_continue_08(discount=None):
    """Scores of 3 candidates in 6 steps from 4 starts."""
    networks = build_networks(spaces_of(CONFIG), CONFIG)
    with torch.no_grad():
        networks.reward.net[-1].bias.fill_(1.0)
        networks.continues[-1].weight.zero_()
        networks.continues[-1].bias.fill_(float(np.log(0.8 / 0.2)))
    controller = Controller(CONFIG.world_models, 2)
    flat = torch.randn(3, controller.size, generator=torch.Generator().manual_seed(1))
    start = LatentState(torch.randn(4, 16), torch.randn(4, 3))
    return imagined_scores(
        networks, controller, flat, start, 6, CONFIG, make_noise(), discount=discount
    )


def test_a_score_is_the_sum_of_rewards_weighted_by_discount_and_continue_probability():
    expected = sum((CONFIG.dream.discount * 0.8) ** t for t in range(6))
    torch.testing.assert_close(scores_with_reward_1_and_continue_08(), torch.full((3, 4), expected))
    undiscounted = torch.full((3, 4), sum(0.8**t for t in range(6)))
    torch.testing.assert_close(scores_with_reward_1_and_continue_08(1.0), undiscounted)


def test_candidates_get_the_same_noise():
    networks = build_networks(spaces_of(CONFIG), CONFIG)
    with torch.no_grad():
        torch.nn.init.normal_(networks.reward.net[-1].weight)
    controller = Controller(CONFIG.world_models, 2)
    flat = torch.randn(1, controller.size).repeat(3, 1)
    flat[2] *= -1.0
    start = LatentState(torch.randn(4, 16), torch.randn(4, 3))
    scores = imagined_scores(networks, controller, flat, start, 7, CONFIG, make_noise())
    torch.testing.assert_close(scores[0], scores[1])
    assert not torch.allclose(scores[0], scores[2])
