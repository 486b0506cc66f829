"""The controller as a flat vector acts like the policy it is written into."""

import pytest
import torch

from agent.networks.agent_networks import build_networks
from tests.trainer.batches import spaces_of
from tests.trainer.learners.world_models_case import make_noise, small_config
from trainer.learners.evolution.controller import Controller

CONFIG = small_config()


@pytest.mark.parametrize(("inputs", "count"), [("z", 3), ("zh", 11), ("zhc", 19)])
def test_flat_controllers_and_their_policies_choose_the_same_actions(inputs, count):
    own = CONFIG.world_models.model_copy(update={"controller": inputs})
    networks, controller = build_networks(spaces_of(CONFIG), CONFIG), Controller(own, 2)
    assert controller.size == 2 * (count + 1)
    flat = torch.randn(3, controller.size)
    feature = torch.randn(3, 5, networks.dynamics.feature_size)
    actions = networks.policy.most_likely_action(controller.outputs(flat, feature))
    for i in range(3):
        controller.write(networks.policy, flat[i], explores=True)
        assert torch.equal(controller.read(networks.policy), flat[i])
        torch.testing.assert_close(networks.policy.mode(feature[i]), actions[i])
    changed = feature.clone()
    changed[..., : 16 if inputs == "z" else 0] += 1.0  # h and c, no inputs of a z controller
    torch.testing.assert_close(networks.policy.mode(changed), networks.policy.mode(feature))


def test_exploration_has_the_configured_std():
    networks = build_networks(spaces_of(CONFIG), CONFIG)
    controller = Controller(CONFIG.world_models, 2)
    controller.write(networks.policy, torch.zeros(controller.size), explores=True)
    features = torch.zeros(20_000, networks.dynamics.feature_size)
    chosen = networks.policy.sample(features, make_noise()).chosen.detach()
    assert float(chosen[:, 0].std()) == pytest.approx(CONFIG.world_models.explore, rel=0.03)
    assert float(chosen[:, 1].mean()) == pytest.approx(0.5, abs=0.02)
