"""Policy and value losses in dreams, and the value's on lived sequences, with their gradients."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.policy import Intention
from configs.learning import ActorConfig, DreamConfig
from tests.golden.data import (
    ACTOR,
    DREAM,
    close,
    golden,
    gradients,
    leaf,
    make_policy,
    time_first,
    twohot_head,
)
from trainer.objectives.losses import (
    DreamReturns,
    advantage,
    critic_losses,
    policy_losses,
    replay_losses,
    replay_returns,
    returns_of,
)
from trainer.optim.running_scales import ReturnScale

G = golden("actor_critic")


@dataclass
class Case:
    """One set of switches. `alt` has another value for each of them, and a choice beside axes."""

    name: str
    dream: DreamConfig
    actor: ActorConfig
    slow_target: bool
    slow_weight: float
    choices: int


DEFAULT = Case("default", DREAM, ACTOR, False, 1.0, 0)
ALT = Case(
    "alt",
    DreamConfig(discount=0.95, discount_in="dream", lam=0.8),
    ActorConfig(gradient="reinforce", entropy=0.01),
    True,
    0.5,
    5,
)


@dataclass
class Solved:
    """Everything of one case, time first, and the leaves (N, T, ...) its gradients are of."""

    leaves: dict[str, Tensor]
    found: DreamReturns
    value: Tensor
    slow: Tensor
    scale: ReturnScale
    spread: Tensor
    log_prob: Tensor
    entropy: Tensor
    policy: Tensor
    critic: Tensor


def solve(case):
    names = ["policy/raw_mean", "policy/raw_std", "value_logits"]
    leaves = {name: leaf(G[name]) for name in names}
    head = twohot_head(G["bins"])
    raw = time_first(leaves["value_logits"])
    value, slow = head.mean(raw), head.mean(time_first(G["slowvalue_logits"]))
    alive = time_first(G["alt/con" if case is ALT else "con"])
    reward = time_first(G["rew"])
    found = returns_of(reward[1:], alive, slow if case.slow_target else value, case.dream)
    scale = ReturnScale(torch.device("cpu"))
    scale.low.copy_(G["retnorm/lo_before"])
    scale.high.copy_(G["retnorm/hi_before"])
    spread = scale.update(found.returns)

    first, second, chosen = leaves["policy/raw_mean"], leaves["policy/raw_std"], G["policy/action"]
    if case.choices:
        leaves["policy/disc_logits"] = leaf(G["policy/disc_logits"])
        first = torch.cat([first, leaves["policy/disc_logits"]], -1)
        second = torch.cat([second, torch.zeros_like(G["policy/disc_logits"])], -1)
        onehot = F.one_hot(G["policy/disc_action"].long(), case.choices).float()
        chosen = torch.cat([chosen, onehot], -1)
    policy = make_policy(3, case.choices)
    log_prob, entropy = (
        time_first(each)[:-1] for each in policy.judge(Intention(first, second), chosen)
    )
    losses = policy_losses(log_prob, entropy, found, spread, case.actor)
    critic = found.weight[:-1] * critic_losses(
        head, raw[:-1], found.returns, slow[:-1], case.slow_weight
    )
    return Solved(leaves, found, value, slow, scale, spread, log_prob, entropy, losses, critic)


@pytest.fixture(params=[DEFAULT, ALT], ids=["default", "alt"])
def case(request):
    return request.param


def test_returns_weights_and_scale(case):
    ours, given = solve(case), lambda name: G[f"{case.name}/{name}"]
    close(time_first(ours.found.weight), given("weight"))
    close(time_first(ours.value), given("val"))
    close(time_first(ours.slow), given("slowval"))
    close(time_first(ours.found.value), given("tarval"))
    close(time_first(ours.found.returns), given("ret"))
    close(ours.spread, given("rscale"))
    close(ours.scale.low, given("roffset"))
    close(ours.scale.low, given("retnorm_lo_after"))
    close(ours.scale.high, given("retnorm_hi_after"))
    relative = (ours.found.returns - ours.scale.low) / ours.spread
    close(relative.mean(), given("metric_ret"))
    close(relative.min(), given("metric_ret_min"))
    close(relative.max(), given("metric_ret_max"))
    close((relative.abs() >= 1).float().mean(), given("metric_ret_rate"))


def test_policy_loss(case):
    ours, given = solve(case), lambda name: G[f"{case.name}/{name}"]
    climbed = advantage(ours.found, ours.spread)
    close(time_first(climbed), given("adv"))
    close(time_first(climbed), given("adv_normed"))
    close(climbed.abs().mean(), given("metric_adv_mag"))
    close(climbed.std(correction=0), given("metric_adv_std"))
    close(time_first(ours.log_prob), given("logpi"))
    close(time_first(ours.entropy), given("entropy"))
    close(time_first(ours.policy), given("policy_loss"))
    names = [name for name in ours.leaves if name.startswith("policy/")]
    found = gradients(ours.policy.mean(), *(ours.leaves[name] for name in names))
    for name, gradient in zip(names, found, strict=True):
        close(gradient, given(f"grad_{name.replace('/', '_')}"))


def test_the_score_function_teaches_the_value_nothing(case):
    ours = solve(case)
    value = ours.leaves["value_logits"]
    assert torch.autograd.grad(ours.policy.mean(), value, allow_unused=True)[0] is None


def test_value_loss(case):
    ours, given = solve(case), lambda name: G[f"{case.name}/{name}"]
    close(time_first(ours.critic), given("value_loss"))
    gradient = gradients(ours.critic.mean(), ours.leaves["value_logits"])
    close(*gradient, given("grad_value_logits"))


def test_replay_value_loss():
    reward, terminal, last, boot, slow_raw = (
        time_first(G[f"repl/{name}"])
        for name in ("rew", "term", "last", "boot", "slowvalue_logits")
    )
    logits, head = leaf(G["repl/value_logits"]), twohot_head(G["bins"])
    last = last.bool()
    returns = replay_returns(reward, terminal.bool(), last, boot, DREAM)
    close(time_first(returns), G["repl/ret"])
    raw, slow = time_first(logits)[:-1], head.mean(slow_raw)[:-1]
    losses = replay_losses(head, raw, returns, slow, last, 1.0)
    close(time_first(losses), G["repl/loss"])
    close(*gradients(losses.mean(), logits), G["repl/grad_value_logits"])
