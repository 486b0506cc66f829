"""Behaviour cloning beside the dreams, against densities worked out one Step at a time."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from agent.networks.agent_networks import build_networks
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.losses import cloning_loss

SIZE, LENGTH = 3, 8
HANDS = ", ".join(f"{{name: {name}, kind: hold, group: hand}}" for name in ("UseLeft", "GrabLeft"))
GROUPS = f"world.actions=[{{name: Vertical}}, {{name: Jump, kind: press}}, {HANDS}]"


def config_of(*words):
    return load_config(ROOT / "configs" / "tiny.yaml", list(words))


def done_in(batch, spaces):
    return batch.vector[..., -spaces.num_actions :]


def lived(spaces, seed=0):
    """What was done: axes within -1..1, buttons up or down, one of each group down."""
    batch = random_batch(spaces, (SIZE, LENGTH), (1, 4), seed)
    done = done_in(batch, spaces)
    axes = torch.tensor(spaces.axis_mask)
    done.copy_(torch.where(axes, done.clamp(-1.0, 1.0), (done > 0).float()))
    for group in spaces.groups:
        down = torch.randint(len(group), (SIZE, LENGTH))
        done[..., list(group)] = torch.nn.functional.one_hot(down, len(group)).float()
    return batch


@pytest.fixture(params=["axes and buttons", "groups"])
def made(request):
    config = config_of(*([GROUPS] if request.param == "groups" else []))
    spaces = spaces_of(config)
    networks = build_networks(spaces, config)
    with torch.no_grad():
        torch.nn.init.normal_(networks.policy.net[-1].weight, std=0.5)
    feature = torch.randn(SIZE, LENGTH, networks.dynamics.feature_size)
    return networks.policy, lived(spaces), feature, spaces


@torch.no_grad()
def one_at_a_time(policy, batch, feature, spaces):
    found = []
    grouped = {i for group in spaces.groups for i in group}
    for row in range(SIZE):
        for t in range(LENGTH - 1):
            if batch.is_first[row, t + 1]:
                continue
            if batch.learned is not None and not batch.learned[row, t : t + 2].all():
                continue
            first, second = policy.intend(feature[row, t])
            done, total = done_in(batch, spaces)[row, t + 1], 0.0
            for i, is_axis in enumerate(spaces.axis_mask):
                if i in grouped:
                    continue
                std = 0.9 * torch.sigmoid(second[i] + 2.0) + 0.1
                law = Normal(first[i].tanh(), std) if is_axis else Bernoulli(logits=first[i])
                total -= float(law.log_prob(done[i]))
            for group in spaces.groups:
                law = Categorical(logits=first[list(group)])
                total -= float(law.log_prob(done[list(group)].argmax()))
            found.append(total)
    return sum(found) / len(found)


def test_it_is_the_density_of_what_was_done_in_each_state(made):
    policy, batch, feature, spaces = made
    assert set(spaces.axis_mask) == {True, False}
    alone = one_at_a_time(policy, batch, feature, spaces)
    found = cloning_loss(policy, batch, feature, spaces.num_actions).item()
    assert found == pytest.approx(alone, rel=1e-4)


def test_what_is_only_remembered_is_not_cloned(made):
    policy, batch, feature, spaces = made
    learned = torch.ones(SIZE, LENGTH, dtype=torch.bool)
    learned[0, 3:5] = learned[2, 0] = False
    batch = batch._replace(learned=learned)
    found = cloning_loss(policy, batch, feature, spaces.num_actions).item()
    assert found == pytest.approx(one_at_a_time(policy, batch, feature, spaces), rel=1e-4)
    nothing = batch._replace(learned=torch.zeros_like(learned))
    assert cloning_loss(policy, nothing, feature, spaces.num_actions) == 0.0


def test_it_teaches_the_policy_and_not_the_states(made):
    policy, batch, feature, spaces = made
    feature.requires_grad_()
    cloning_loss(policy, batch, feature, spaces.num_actions).backward()
    assert feature.grad is None
    assert all(float(p.grad.abs().sum()) > 0 for p in policy.net[-1].parameters())


def learner_of(*words):
    config = config_of(*words)
    torch.manual_seed(0)
    return DreamerLearner(spaces_of(config), config, torch.device("cpu")), spaces_of(config)


def test_its_weight_is_what_the_update_climbs_more(monkeypatch):
    def loss(weight):
        learner, spaces = learner_of(f"actor.cloning={weight}")
        totals = []
        monkeypatch.setattr(learner.descent, "step", lambda total: totals.append(total) or False)
        metrics = learner.update(lived(spaces))
        return totals[0].item(), metrics.get("loss_cloning")

    (without, nothing), (twice, cloned) = loss(0.0), loss(2.0)
    assert nothing is None
    assert twice - without == pytest.approx(2.0 * cloned.item(), rel=1e-2)


@pytest.mark.parametrize("slow_rate", [1.0, 0.5])
def test_a_policy_held_to_one_thing_does_it(slow_rate):
    """The same batch again and again, in which one thing was done: that is likeliest then."""

    def after(weight):
        words = [f"actor.cloning={weight}", f"actor.slow_rate={slow_rate}"]
        learner, spaces = learner_of(*words, "trainer.policy_lr=1e-2")
        axes = torch.tensor(spaces.axis_mask)
        done = torch.where(axes, 0.6 * (-1.0) ** torch.arange(len(axes)), 1.0)
        batch = lived(spaces)
        done_in(batch, spaces).copy_(done)
        for _ in range(40):
            learner.update(batch)
        feature = torch.randn(16, learner.networks.dynamics.feature_size)
        with torch.no_grad():
            return float((learner.networks.learning_policy.mode(feature) - done).abs().mean())

    assert after(10.0) < 0.25 < 0.5 < after(0.0)
