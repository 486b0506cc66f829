"""A kind of action is one row in each of four tables; no other code asks which kind it is."""

import ast
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

from agent.networks.action_distributions import DISTRIBUTIONS, ActionSample, IndependentNumbers
from agent.networks.noise import TorchNoise
from agent.networks.policy import Policy
from configs.actions import INPUT_AXES, KINDS, ActionConfig, KindRules
from configs.learning import ActorConfig, ModelConfig
from configs.load import load_config
from interfaces.core.action_parts import KIND_VALUES, OneHot
from interfaces.core.spaces import Spaces
from interfaces.osc.message import decode
from interfaces.standin.baselines import StickyRandom
from interfaces.vrchat.action_encoder import ActionEncoder, rest_datagrams
from interfaces.vrchat.actuators import ACTUATORS, Axis, wire_value
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.cloning_loss import cloning_loss

TABLES = {"configs/actions.py", "interfaces/core/action_parts.py", "interfaces/vrchat/actuators.py"}
FIRST_KINDS = {"axis", "press", "hold"}  # words with no other meaning in the code
LAYERS = ("configs", "interfaces", "agent", "trainer")


def test_every_kind_has_rules_values_a_distribution_and_an_actuator():
    assert set(KINDS) == set(KIND_VALUES) == set(ACTUATORS)
    assert {*KIND_VALUES.values(), OneHot} == set(DISTRIBUTIONS)


def names_a_kind(node):
    """Whether code compares with the name of a kind, or looks something up by it."""
    if isinstance(node, ast.Compare):
        inner = [each for part in (node.left, *node.comparators) for each in ast.walk(part)]
    elif isinstance(node, ast.Dict):
        inner = node.keys
    elif isinstance(node, ast.MatchValue):
        inner = [node.value]
    else:
        return False
    names = KINDS if any(is_kind(each) for each in inner) else FIRST_KINDS
    return any(isinstance(each, ast.Constant) and each.value in names for each in inner)


def is_kind(node):
    return isinstance(node, ast.Attribute) and node.attr == "kind"


def test_no_code_outside_the_tables_asks_for_a_kind_by_name():
    asking = {
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if names_a_kind(node)
    }
    assert {place.split(":")[0] for place in asking} <= TABLES, asking


# A kind that only this test has: a lever with the positions -1, 0 and 1.


@dataclass(frozen=True)
class Positions:
    indices: tuple[int, ...]
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def from_uniform(self, drawn):
        return np.clip(np.floor(1.5 * (drawn + 1.0)) - 1.0, -1.0, 1.0).astype(np.float32)

    def start(self, rng):
        return np.zeros(len(self.indices), np.float32)

    def stick(self, before, draw, rng):
        return np.where(draw.change, self.from_uniform(draw.value), before)


class Lever(Axis):
    @staticmethod
    def wire_type(config):
        return "int"


def lever_logits(params):
    """(..., A, 3): of -1, 0 and 1."""
    return torch.stack([params[0], torch.zeros_like(params[0]), params[1]], -1)


class LeverCategorical(IndependentNumbers):
    def draw(self, params, noise):
        probs = torch.softmax(lever_logits(params), -1)
        below = probs.detach().cumsum(-1)[..., :2]
        chosen = (noise.uniform.unsqueeze(-1) >= below).sum(-1).to(below.dtype) - 1.0
        mean = probs[..., 2] - probs[..., 0]
        return ActionSample(chosen + mean - mean.detach(), chosen)

    def score(self, params, chosen):
        log_probs = torch.log_softmax(lever_logits(params), -1)
        index = (chosen.round() + 1.0).clamp(0.0, 2.0).long().unsqueeze(-1)
        return log_probs.gather(-1, index).squeeze(-1), -(log_probs.exp() * log_probs).sum(-1)

    def most_likely(self, params):
        return lever_logits(params).argmax(-1).to(params[0].dtype) - 1.0


LEVERS = [1, 3]
ACTIONS = (
    "world.actions=[{name: Vertical}, {name: Horizontal, kind: lever}, {name: Jump, kind: press}, "
    "{name: Gear, kind: lever, target: parameter, rest: 1}, {name: Run, kind: hold}]"
)


@pytest.fixture
def config(monkeypatch):
    """A configuration with two actions of the new kind."""
    monkeypatch.setitem(KINDS, "lever", KindRules("a lever", "axis", INPUT_AXES))
    monkeypatch.setitem(KIND_VALUES, "lever", Positions)
    monkeypatch.setitem(DISTRIBUTIONS, Positions, LeverCategorical)
    monkeypatch.setitem(ACTUATORS, "lever", Lever)
    return load_config(ROOT / "configs" / "tiny.yaml", [ACTIONS])


def make_policy(config):
    policy = Policy(spaces_of(config), ModelConfig(units=16, layers=1), ActorConfig(), 8)
    torch.nn.init.normal_(policy.net[-1].weight, std=1.0)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    return policy, noise


def test_settings_check_a_new_kind_by_its_rules(config):
    with pytest.raises(ValueError, match="levels needs kind axis, not lever"):
        ActionConfig(name="Vertical", kind="lever", levels=3)
    with pytest.raises(ValueError, match="target chat needs kind press, not lever"):
        ActionConfig(name="Hi", kind="lever", target="chat", text="hi")
    with pytest.raises(ValueError, match=r"'axis', 'press'.* or 'lever'"):
        ActionConfig(name="Vertical", kind="fly")
    with pytest.raises(ValueError, match="did you mean Vertical"):
        load_config(
            ROOT / "configs" / "tiny.yaml", ["world.actions=[{name: Vertica, kind: lever}]"]
        )


def test_the_policy_samples_and_scores_a_new_kind(config):
    policy, noise = make_policy(config)
    feature = torch.randn(4000, 8)
    output = policy(feature, noise)
    params = policy.distribution_params(feature)
    expected = Categorical(logits=lever_logits(params)[:, LEVERS])
    levers = output.chosen[:, LEVERS]
    assert set(levers.unique().tolist()) == {-1.0, 0.0, 1.0}
    torch.testing.assert_close(output.action[:, LEVERS], levers, atol=1e-6, rtol=0.0)
    shares = torch.stack([(levers == value).float().mean(0) for value in (-1.0, 0.0, 1.0)], -1)
    torch.testing.assert_close(shares, expected.probs.mean(0), atol=0.03, rtol=0.0)

    without = Spaces((0, 0, 3), ("a",), [spaces_of(config).actions[i] for i in (0, 2, 4)])
    others = Policy(without, ModelConfig(units=16, layers=1), ActorConfig(), 8)
    log_prob, entropy = others.log_prob_and_entropy(
        type(params)(*(each[:, [0, 2, 4]] for each in params)), output.chosen[:, [0, 2, 4]]
    )
    own = expected.log_prob(levers.long() + 1).sum(-1)
    torch.testing.assert_close(output.log_prob, log_prob + own)
    torch.testing.assert_close(output.entropy, entropy + expected.entropy().sum(-1))
    mode = policy.mode(feature)[:, LEVERS]
    torch.testing.assert_close(mode, expected.probs.argmax(-1) - 1.0)
    output.action[:, LEVERS[0]].sum().backward()
    gradient = policy.net[-1].bias.grad
    assert gradient.nonzero().flatten().tolist() == [LEVERS[0], LEVERS[0] + 5], "both outputs"


def test_baselines_draw_a_new_kind(config):
    spaces = spaces_of(config)
    assert spaces.action_ranges == ((-1, 1), (-1, 1), (0, 1), (-1, 1), (0, 1))
    drawn = spaces.sample_actions(np.random.default_rng(0), 3000)[:, LEVERS]
    shares = [(drawn == value).mean() for value in (-1.0, 0.0, 1.0)]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)
    policy = StickyRandom(spaces, 0)
    lasting = np.array([policy.act()[LEVERS] for _ in range(400)])
    assert set(lasting.flatten()) == {-1.0, 0.0, 1.0}
    assert (lasting[1:] == lasting[:-1]).mean() > 0.8, "a value lasts"


def test_the_action_encoder_sends_a_new_kind(config):
    encoder = ActionEncoder(config.world.actions)
    datagrams, sent = encoder.encode(np.array([0, -1, 0, 1, 0], np.float32))
    values = {address: arguments[0] for each in datagrams for address, arguments in decode(each)}
    assert sent.tolist() == [0, -1, 0, 1, 0]
    assert (values["/input/Horizontal"], values["/avatar/parameters/Gear"]) == (-1, 1)
    assert type(values["/input/Horizontal"]) is int, "its own OSC type"
    assert wire_value(config.world.actions[1], -1.0) == -1.0
    assert encoder.rest() == rest_datagrams(config.world.actions)
    assert Spaces.from_json(spaces_of(config).to_json()) == spaces_of(config)


def test_a_new_kind_is_cloned_and_trained(config):
    spaces, actions = spaces_of(config), spaces_of(config).num_actions
    policy, _ = make_policy(config)
    batch = random_batch(spaces, (3, 8), (1, 4), 0)
    drawn = spaces.sample_actions(np.random.default_rng(0), 24)
    batch.vector[..., -actions:] = torch.from_numpy(drawn).reshape(3, 8, actions)
    feature = torch.randn(3, 8, 8)
    included = ~batch.is_first[:, 1:]
    params = policy.distribution_params(feature[:, :-1])
    log_prob, _ = policy.log_prob_and_entropy(params, batch.vector[:, 1:, -actions:])
    loss = cloning_loss(policy, batch, feature, actions)
    torch.testing.assert_close(loss, -log_prob[included].mean())
    learner = DreamerLearner(spaces, config, torch.device("cpu"))
    metrics = learner.update(batch)
    assert all(np.isfinite(float(value)) for value in metrics.values())
    assert learner.updates == 1
