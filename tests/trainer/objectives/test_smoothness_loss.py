"""Action smoothing: the change of the expected action in dreams."""

import torch

from agent.networks.agent_networks import build_networks
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.smoothness_loss import smoothness_loss

GROUP = ", ".join(f"{{name: {name}, kind: hold, group: hand}}" for name in ("UseLeft", "GrabLeft"))
ACTIONS = f"world.actions=[{{name: Vertical}}, {{name: Jump, kind: press}}, {GROUP}]"


def config_of(*overrides):
    return load_config(ROOT / "configs" / "tiny.yaml", [ACTIONS, *overrides])


def policy_of(config):
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():
        torch.nn.init.normal_(networks.policy.net[-1].weight, std=0.5)
    return networks.policy, torch.randn(5, 4, networks.dynamics.feature_size)


def test_the_expected_action_is_the_mean_of_many_samples():
    config = config_of()
    policy, feature = policy_of(config)
    with torch.no_grad():
        mean_or_logit = policy.distribution_params(feature).mean_or_logit
        expected = policy.expected_action(feature)
    torch.testing.assert_close(expected[..., 0], mean_or_logit[..., 0].tanh())
    torch.testing.assert_close(expected[..., 1], mean_or_logit[..., 1].sigmoid())
    group = expected[..., 2:]
    torch.testing.assert_close(group.sum(-1), torch.ones(5, 4))
    assert torch.equal(group.argmax(-1), mean_or_logit[..., 2:].argmax(-1))


def test_loss_is_the_mean_squared_change_between_steps():
    policy, feature = policy_of(config_of())
    weight = torch.rand(5, 4)
    loss = smoothness_loss(policy, feature, weight)
    action = [policy.expected_action(step) for step in feature]
    pairs = zip(action[1:], action[:-1], strict=True)
    changes = [(after - before).square().mean(-1) for after, before in pairs]
    torch.testing.assert_close(loss, (weight[1:] * torch.stack(changes)).mean())
    assert smoothness_loss(policy, feature[:1].expand(5, -1, -1), weight) == 0.0


def test_the_policy_gets_a_gradient_and_the_states_get_none():
    policy, feature = policy_of(config_of())
    feature.requires_grad_()
    smoothness_loss(policy, feature, torch.ones(5, 4)).backward()
    assert feature.grad is None
    assert all(float(p.grad.abs().sum()) > 0 for p in policy.net[0].parameters())


def test_a_large_weight_makes_imagined_actions_smooth():
    def change_after_training(weight):
        config = config_of(f"actor.smoothness={weight}", "trainer.policy_lr=1e-2")
        torch.manual_seed(0)
        learner = DreamerLearner(spaces_of(config), config, torch.device("cpu"))
        with torch.no_grad():
            torch.nn.init.normal_(learner.networks.policy.net[-1].weight, std=0.5)
        batch = random_batch(spaces_of(config), (3, 8), (0, 3), 0)
        return [float(learner.update(batch)["loss_smoothness"]) for _ in range(30)]

    rough, smooth = change_after_training(1e-6), change_after_training(100.0)
    assert rough[0] == smooth[0] > 0.01  # both start alike
    assert smooth[-1] < 0.3 * rough[-1]


def test_without_a_weight_there_is_no_smoothness_loss():
    config = config_of()
    learner = DreamerLearner(spaces_of(config), config, torch.device("cpu"))
    metrics = learner.update(random_batch(spaces_of(config), (3, 8), (0, 3), 0))
    assert "loss_smoothness" not in metrics
