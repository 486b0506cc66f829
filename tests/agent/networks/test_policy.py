"""The policy: bounds, mixed actions, log-probabilities and gradients."""

import torch

from agent.networks.noise import TorchNoise
from agent.networks.policy import Policy
from configs.learning import ActorConfig, ModelConfig
from configs.vrchat import ActionConfig
from interfaces.core.spaces import Spaces

ACTIONS = (
    ActionConfig(name="Vertical"),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="Look"),
    ActionConfig(name="Run", kind="hold"),
)
SPACES = Spaces((0, 0, 3), ("a",), ACTIONS)
GROUPED = (
    ActionConfig(name="Vertical"),
    *(ActionConfig(name=f"Gear{i}", kind="hold", group="gear") for i in range(3)),
    ActionConfig(name="Run", kind="hold"),
)


def make_policy():
    torch.manual_seed(0)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    return Policy(SPACES, ModelConfig(units=16, layers=1), ActorConfig(), 8), noise


def make_grouped_policy(unimix=0.0):
    torch.manual_seed(1)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    spaces = Spaces((0, 0, 3), ("a",), GROUPED)
    model, actor = ModelConfig(units=16, layers=1), ActorConfig(unimix=unimix)
    policy = Policy(spaces, model, actor, 8)
    with torch.no_grad():
        policy.net[-1].weight.mul_(20.0)
    return policy, noise


def test_axes_are_bounded_and_buttons_are_0_or_1():
    policy, noise = make_policy()
    output = policy(torch.randn(500, 8) * 3, noise)
    axes, buttons = output.action[:, [0, 2]], output.action[:, [1, 3]]
    assert axes.abs().max() <= 1.0
    assert (output.chosen[:, [0, 2]].abs() > 1.0).any(), "the raw sample is not bounded"
    assert set(buttons.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}


def test_log_prob_is_the_sum_over_axes_and_buttons():
    policy, noise = make_policy()
    feature = torch.randn(6, 8)
    output = policy(feature, noise)
    mean_or_logit, raw_std = policy.net(feature).chunk(2, -1)
    std = 0.9 * torch.sigmoid(raw_std + 2) + 0.1
    axes, buttons = [0, 2], [1, 3]
    normal = torch.distributions.Normal(torch.tanh(mean_or_logit), std).log_prob(output.chosen)
    bernoulli = torch.distributions.Bernoulli(logits=mean_or_logit[:, buttons])
    expected = normal[:, axes].sum(-1) + bernoulli.log_prob(output.chosen[:, buttons]).sum(-1)
    torch.testing.assert_close(output.log_prob, expected)


def test_every_action_has_a_pathwise_gradient():
    policy, noise = make_policy()
    for i in range(4):
        policy.zero_grad()
        policy(torch.randn(200, 8), noise).action[:, i].sum().backward()
        assert policy.net[-1].bias.grad[i] != 0


def test_exactly_one_button_of_a_group_is_pressed():
    policy, noise = make_grouped_policy()
    feature = torch.randn(300, 8)
    output = policy(feature, noise)
    gears = output.action[:, 1:4].detach().round(decimals=5)
    assert (gears.sum(-1) == 1).all()
    assert set(gears.unique().tolist()) == {0.0, 1.0}
    assert len(gears.argmax(-1).unique()) == 3
    mode = policy.mode(feature)
    torch.testing.assert_close(mode[:, 1:4].argmax(-1), policy.net(feature)[:, 1:4].argmax(-1))
    assert (mode[:, 1:4].sum(-1) == 1).all()


def test_log_prob_and_entropy_of_a_mixed_action_are_sums_over_its_parts():
    for unimix in (0.0, 0.1):
        policy, noise = make_grouped_policy(unimix)
        feature = torch.randn(9, 8)
        output = policy(feature, noise)
        mean_or_logit, raw_std = policy.net(feature).chunk(2, -1)
        probs = (1 - unimix) * torch.softmax(mean_or_logit[:, 1:4], -1) + unimix / 3
        mean, std = torch.tanh(mean_or_logit[:, 0]), 0.9 * torch.sigmoid(raw_std[:, 0] + 2) + 0.1
        gear = output.chosen[:, 1:4].argmax(-1)
        parts = [
            (torch.distributions.Normal(mean, std), output.chosen[:, 0]),
            (torch.distributions.Categorical(probs=probs), gear),
            (torch.distributions.Bernoulli(logits=mean_or_logit[:, 4]), output.chosen[:, 4]),
        ]
        expected = sum(distribution.log_prob(sample) for distribution, sample in parts)
        torch.testing.assert_close(output.log_prob, expected)
        entropy = sum(distribution.entropy() for distribution, _ in parts)
        torch.testing.assert_close(output.entropy, entropy)


def test_a_group_has_a_pathwise_gradient():
    policy, noise = make_grouped_policy()
    policy(torch.randn(200, 8), noise).action[:, 2].sum().backward()
    assert (policy.net[-1].bias.grad[1:4] != 0).all()
    assert policy.net[-1].bias.grad[4] == 0
