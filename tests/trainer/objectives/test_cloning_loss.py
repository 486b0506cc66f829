"""Behaviour cloning, against log-densities computed one Step at a time."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from agent.networks.agent_networks import build_networks
from configs.load import load_config
from interfaces.core.action_parts import Interval, OneHot
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.cloning_loss import MAX_EXPONENT, advantage_weights, cloning_loss

SIZE, LENGTH = 3, 8
GROUP = ", ".join(f"{{name: {name}, kind: hold, group: hand}}" for name in ("UseLeft", "GrabLeft"))
WITH_GROUP = f"world.actions=[{{name: Vertical}}, {{name: Jump, kind: press}}, {GROUP}]"


def config_of(*overrides):
    return load_config(ROOT / "configs" / "tiny.yaml", list(overrides))


def actions_in(batch, spaces):
    """A view of the actions in the vectors, (B, T, A)."""
    return batch.vector[..., -spaces.num_actions :]


def axis_mask(spaces):
    axes = {i for part in spaces.parts if isinstance(part, Interval) for i in part.indices}
    return [i in axes for i in range(spaces.num_actions)]


def groups(spaces):
    return [list(part.indices) for part in spaces.parts if isinstance(part, OneHot)]


def batch_with_valid_actions(spaces, seed=0):
    """Axes in -1..1, buttons 0 or 1, and one button of each group down."""
    batch = random_batch(spaces, (SIZE, LENGTH), (1, 4), seed)
    actions = actions_in(batch, spaces)
    axes = torch.tensor(axis_mask(spaces))
    actions.copy_(torch.where(axes, actions.clamp(-1.0, 1.0), (actions > 0).float()))
    for group in groups(spaces):
        down = torch.randint(len(group), (SIZE, LENGTH))
        actions[..., group] = torch.nn.functional.one_hot(down, len(group)).float()
    return batch


@pytest.fixture(params=["axes and buttons", "groups"])
def case(request):
    config = config_of(*([WITH_GROUP] if request.param == "groups" else []))
    spaces = spaces_of(config)
    networks = build_networks(spaces, config)
    with torch.no_grad():
        torch.nn.init.normal_(networks.policy.net[-1].weight, std=0.5)
    feature = torch.randn(SIZE, LENGTH, networks.dynamics.feature_size)
    return networks.policy, batch_with_valid_actions(spaces), feature, spaces


@torch.no_grad()
def loss_step_by_step(policy, batch, feature, spaces):
    losses = []
    grouped = {i for group in groups(spaces) for i in group}
    for row in range(SIZE):
        for t in range(LENGTH - 1):
            if batch.is_first[row, t + 1]:
                continue
            if batch.loss_mask is not None and not batch.loss_mask[row, t : t + 2].all():
                continue
            first, second = policy.distribution_params(feature[row, t])
            action, total = actions_in(batch, spaces)[row, t + 1], 0.0
            for i, is_axis in enumerate(axis_mask(spaces)):
                if i in grouped:
                    continue
                std = 0.9 * torch.sigmoid(second[i] + 2.0) + 0.1
                axis, button = Normal(first[i].tanh(), std), Bernoulli(logits=first[i])
                total -= float((axis if is_axis else button).log_prob(action[i]))
            for group in groups(spaces):
                choice = Categorical(logits=first[group])
                total -= float(choice.log_prob(action[group].argmax()))
            losses.append(total)
    return sum(losses) / len(losses)


def test_loss_is_the_mean_negative_log_density_of_the_recorded_actions(case):
    policy, batch, feature, spaces = case
    assert set(axis_mask(spaces)) == {True, False}
    expected = loss_step_by_step(policy, batch, feature, spaces)
    loss = cloning_loss(policy, batch, feature, spaces.num_actions).item()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_excluded_steps_are_not_cloned(case):
    policy, batch, feature, spaces = case
    loss_mask = torch.ones(SIZE, LENGTH, dtype=torch.bool)
    loss_mask[0, 3:5] = loss_mask[2, 0] = False
    batch = batch._replace(loss_mask=loss_mask)
    loss = cloning_loss(policy, batch, feature, spaces.num_actions).item()
    assert loss == pytest.approx(loss_step_by_step(policy, batch, feature, spaces), rel=1e-4)
    none_included = batch._replace(loss_mask=torch.zeros_like(loss_mask))
    assert cloning_loss(policy, none_included, feature, spaces.num_actions) == 0.0


def test_the_policy_gets_a_gradient_and_the_states_get_none(case):
    policy, batch, feature, spaces = case
    feature.requires_grad_()
    cloning_loss(policy, batch, feature, spaces.num_actions).backward()
    assert feature.grad is None
    assert all(float(p.grad.abs().sum()) > 0 for p in policy.net[-1].parameters())


def make_learner(*overrides):
    config = config_of(*overrides)
    torch.manual_seed(0)
    return DreamerLearner(spaces_of(config), config, torch.device("cpu")), spaces_of(config)


def test_actor_cloning_is_the_weight_of_the_loss(monkeypatch):
    def losses(weight):
        learner, spaces = make_learner(f"actor.cloning={weight}")
        totals = []
        monkeypatch.setattr(
            learner.guarded_step, "step", lambda total: totals.append(total) or False
        )
        metrics = learner.update(batch_with_valid_actions(spaces))
        return totals[0].item(), metrics.get("loss_cloning")

    (without, no_metric), (doubled, cloning) = losses(0.0), losses(2.0)
    assert no_metric is None
    assert doubled - without == pytest.approx(2.0 * cloning.item(), rel=1e-2)


@pytest.mark.parametrize("slow_rate", [1.0, 0.5])
def test_with_a_large_weight_the_policy_learns_the_recorded_action(slow_rate):
    """The same batch again and again, with one action only."""

    def distance_after_training(weight):
        overrides = [f"actor.cloning={weight}", f"actor.slow_rate={slow_rate}"]
        learner, spaces = make_learner(*overrides, "trainer.policy_lr=1e-2")
        axes = torch.tensor(axis_mask(spaces))
        action = torch.where(axes, 0.6 * (-1.0) ** torch.arange(len(axes)), 1.0)
        batch = batch_with_valid_actions(spaces)
        actions_in(batch, spaces).copy_(action)
        for _ in range(40):
            learner.update(batch)
        feature = torch.randn(16, learner.networks.dynamics.feature_size)
        with torch.no_grad():
            return float((learner.networks.learning_policy.mode(feature) - action).abs().mean())

    assert distance_after_training(10.0) < 0.25 < 0.5 < distance_after_training(0.0)


def advantage_step_by_step(value, reward, terminal, cut, config):
    """Lambda-return minus value, one row at a time, from the end of the sequence."""
    length, ahead, advantage = len(value), float(value[-1]), []
    for t in reversed(range(length - 1)):
        lam = 0.0 if cut[t + 1] else config.lam
        discount = 0.0 if terminal[t + 1] else config.discount
        mixed = (1 - lam) * float(value[t + 1]) + lam * ahead
        ahead = float(reward[t + 1]) + discount * mixed
        advantage.append(ahead - float(value[t]))
    return advantage[::-1]


def test_a_better_outcome_than_the_value_gives_a_larger_weight():
    config = config_of()
    batch = random_batch(spaces_of(config), (SIZE, LENGTH), (1, 4), 0)
    value, reward = torch.randn(SIZE, LENGTH), torch.randn(SIZE, LENGTH)
    weight = advantage_weights(value, reward, batch, config.dream)
    first = torch.cat([batch.is_first[:, 1:], torch.zeros(SIZE, 1, dtype=torch.bool)], 1)
    cut, included = batch.is_last | first, ~batch.is_first[:, 1:] & ~batch.is_last[:, :-1]
    assert 0 < int(included.sum()) < included.numel()
    advantage = torch.tensor(
        [
            advantage_step_by_step(value[i], reward[i], batch.is_terminal[i], cut[i], config.dream)
            for i in range(SIZE)
        ]
    )
    chosen = advantage[included]
    centred = chosen - chosen.mean()
    expected = (centred / chosen.std(correction=0)).clamp(max=MAX_EXPONENT).exp()
    torch.testing.assert_close(weight[included], expected / expected.mean())
    assert (weight[~included] == 1).all()


def test_a_value_that_is_wrong_everywhere_does_not_switch_cloning_off():
    config = config_of()
    batch = random_batch(spaces_of(config), (SIZE, LENGTH), (1, 4), 0)
    reward = 0.01 * torch.randn(SIZE, LENGTH)
    weight = advantage_weights(torch.full_like(reward, 50.0), reward, batch, config.dream)
    included = ~batch.is_first[:, 1:]
    assert weight[included].mean() == pytest.approx(1.0, abs=1e-4)


def test_steps_that_are_excluded_do_not_change_the_other_weights():
    config = config_of()
    batch = random_batch(spaces_of(config), (SIZE, LENGTH), (1, 4), 0)
    loss_mask = torch.ones(SIZE, LENGTH, dtype=torch.bool)
    loss_mask[:, 4] = False
    batch = batch._replace(loss_mask=loss_mask)
    value, reward = torch.randn(SIZE, LENGTH), torch.randn(SIZE, LENGTH)
    weight = advantage_weights(value, reward, batch, config.dream)
    changed = reward.clone()
    changed[:, 4] += 100.0
    assert torch.equal(advantage_weights(value, changed, batch, config.dream), weight)


def test_equal_advantages_clone_as_without_weights(case):
    policy, batch, feature, spaces = case
    config, flat = config_of(), torch.zeros(SIZE, LENGTH)
    weight = advantage_weights(flat, flat, batch, config.dream)
    assert cloning_loss(policy, batch, feature, spaces.num_actions, weight) == cloning_loss(
        policy, batch, feature, spaces.num_actions
    )


def test_cloning_by_advantage_learns_the_rewarded_action():
    """One sequence acts one way and gets rewards; the others act the other way and get none."""

    def vertical_after_training(by):
        learner, spaces = make_learner(
            "actor.cloning=10", f"actor.cloning_by={by}", "trainer.policy_lr=1e-2"
        )
        batch = batch_with_valid_actions(spaces)
        rewarded = torch.arange(SIZE) == 0
        actions_in(batch, spaces)[..., 0] = torch.where(rewarded, 0.8, -0.8)[:, None]
        batch.reward.copy_(rewarded[:, None].float().expand(SIZE, LENGTH))
        for _ in range(60):
            learner.update(batch)
        feature = torch.randn(64, learner.networks.dynamics.feature_size)
        with torch.no_grad():
            return float(learner.networks.learning_policy.mode(feature)[:, 0].mean())

    assert vertical_after_training("advantage") > vertical_after_training("all") + 0.2
