"""The policy: bounds, mixed actions, log-probabilities and gradients."""

import torch

from agent.noise import TorchNoise
from agent.policy import Policy
from configs.learning import ActorConfig, ModelConfig
from configs.vrchat import ActionConfig
from interfaces.spaces import Spaces

ACTIONS = (
    ActionConfig(name="Vertical"),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="Look"),
    ActionConfig(name="Run", kind="hold"),
)
SPACES = Spaces((0, 0, 3), ("a",), ACTIONS)


def make():
    torch.manual_seed(0)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    return Policy(SPACES, ModelConfig(units=16, layers=1), ActorConfig(), 8), noise


def test_axes_are_bounded_and_buttons_are_pressed_or_not():
    policy, noise = make()
    choice = policy(torch.randn(500, 8) * 3, noise)
    axes, buttons = choice.action[:, [0, 2]], choice.action[:, [1, 3]]
    assert axes.abs().max() <= 1.0
    assert (choice.chosen[:, [0, 2]].abs() > 1.0).any(), "the raw sample is kept as it was"
    assert set(buttons.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}


def test_log_prob_is_the_sum_over_axes_and_buttons():
    policy, noise = make()
    feature = torch.randn(6, 8)
    choice = policy(feature, noise)
    first, second = policy.net(feature).chunk(2, -1)
    std = 0.9 * torch.sigmoid(second + 2) + 0.1
    axes, buttons = [0, 2], [1, 3]
    normal = torch.distributions.Normal(torch.tanh(first), std).log_prob(choice.chosen)
    bernoulli = torch.distributions.Bernoulli(logits=first[:, buttons])
    expected = normal[:, axes].sum(-1) + bernoulli.log_prob(choice.chosen[:, buttons]).sum(-1)
    torch.testing.assert_close(choice.log_prob, expected)


def test_every_action_has_a_pathwise_gradient():
    policy, noise = make()
    for i in range(4):
        policy.zero_grad()
        policy(torch.randn(200, 8), noise).action[:, i].sum().backward()
        assert policy.net[-1].bias.grad[i] != 0
