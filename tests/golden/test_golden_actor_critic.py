"""Policy and value losses in dreams, the value loss on recorded sequences, and their gradients.

Shapes: T time, N batch.
"""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.action_distributions import DistributionParams
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
from trainer.objectives.actor_critic_loss import (
    DreamReturns,
    bootstrapped_returns,
    critic_losses,
    policy_losses,
    scaled_advantage,
)
from trainer.objectives.replay_value_loss import replay_losses, replay_returns
from trainer.optim.running_scales import ReturnScale

G = golden("actor_critic")


@dataclass
class Case:
    """One set of settings. `alt` changes each of them, and adds a group of choices to the axes."""

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
class CaseResult:
    """All results of one case, (T, N); `leaves` (N, T, ...) are the inputs that get gradients."""

    leaves: dict[str, Tensor]
    returns: DreamReturns
    value: Tensor
    slow: Tensor
    scale: ReturnScale
    return_scale: Tensor
    log_prob: Tensor
    entropy: Tensor
    policy_loss: Tensor
    value_loss: Tensor


def compute(case):
    names = ["policy/raw_mean", "policy/raw_std", "value_logits"]
    leaves = {name: leaf(G[name]) for name in names}
    head = twohot_head(G["bins"])
    raw = time_first(leaves["value_logits"])
    value, slow = head.mean(raw), head.mean(time_first(G["slowvalue_logits"]))
    alive = time_first(G["alt/con" if case is ALT else "con"])
    reward = time_first(G["rew"])
    returns = bootstrapped_returns(
        reward[1:], alive, slow if case.slow_target else value, case.dream
    )
    scale = ReturnScale(torch.device("cpu"))
    scale.low.copy_(G["retnorm/lo_before"])
    scale.high.copy_(G["retnorm/hi_before"])
    return_scale = scale.update(returns.lambda_return)

    mean, std, chosen = leaves["policy/raw_mean"], leaves["policy/raw_std"], G["policy/action"]
    if case.choices:
        leaves["policy/disc_logits"] = leaf(G["policy/disc_logits"])
        mean = torch.cat([mean, leaves["policy/disc_logits"]], -1)
        std = torch.cat([std, torch.zeros_like(G["policy/disc_logits"])], -1)
        onehot = F.one_hot(G["policy/disc_action"].long(), case.choices).float()
        chosen = torch.cat([chosen, onehot], -1)
    policy = make_policy(3, case.choices)
    log_prob, entropy = (
        time_first(each)[:-1]
        for each in policy.log_prob_and_entropy(DistributionParams(mean, std), chosen)
    )
    losses = policy_losses(log_prob, entropy, returns, return_scale, case.actor)
    value_losses = returns.weight[:-1] * critic_losses(
        head, raw[:-1], returns.lambda_return, slow[:-1], case.slow_weight
    )
    return CaseResult(
        leaves,
        returns,
        value,
        slow,
        scale,
        return_scale,
        log_prob,
        entropy,
        losses,
        value_losses,
    )


@pytest.fixture(params=[DEFAULT, ALT], ids=["default", "alt"])
def case(request):
    return request.param


def test_returns_weights_and_scale_equal_the_reference(case):
    ours, given = compute(case), lambda name: G[f"{case.name}/{name}"]
    close(time_first(ours.returns.weight), given("weight"))
    close(time_first(ours.value), given("val"))
    close(time_first(ours.slow), given("slowval"))
    close(time_first(ours.returns.value), given("tarval"))
    close(time_first(ours.returns.lambda_return), given("ret"))
    close(ours.return_scale, given("rscale"))
    close(ours.scale.low, given("roffset"))
    close(ours.scale.low, given("retnorm_lo_after"))
    close(ours.scale.high, given("retnorm_hi_after"))
    relative = (ours.returns.lambda_return - ours.scale.low) / ours.return_scale
    close(relative.mean(), given("metric_ret"))
    close(relative.min(), given("metric_ret_min"))
    close(relative.max(), given("metric_ret_max"))
    close((relative.abs() >= 1).float().mean(), given("metric_ret_rate"))


def test_policy_loss_and_gradients_equal_the_reference(case):
    ours, given = compute(case), lambda name: G[f"{case.name}/{name}"]
    advantage = scaled_advantage(ours.returns, ours.return_scale)
    close(time_first(advantage), given("adv"))
    close(time_first(advantage), given("adv_normed"))
    close(advantage.abs().mean(), given("metric_adv_mag"))
    close(advantage.std(correction=0), given("metric_adv_std"))
    close(time_first(ours.log_prob), given("logpi"))
    close(time_first(ours.entropy), given("entropy"))
    close(time_first(ours.policy_loss), given("policy_loss"))
    names = [name for name in ours.leaves if name.startswith("policy/")]
    policy_gradients = gradients(ours.policy_loss.mean(), *(ours.leaves[name] for name in names))
    for name, gradient in zip(names, policy_gradients, strict=True):
        close(gradient, given(f"grad_{name.replace('/', '_')}"))


def test_policy_loss_has_no_gradient_to_the_value(case):
    ours = compute(case)
    value = ours.leaves["value_logits"]
    assert torch.autograd.grad(ours.policy_loss.mean(), value, allow_unused=True)[0] is None


def test_value_loss_and_gradient_equal_the_reference(case):
    ours, given = compute(case), lambda name: G[f"{case.name}/{name}"]
    close(time_first(ours.value_loss), given("value_loss"))
    gradient = gradients(ours.value_loss.mean(), ours.leaves["value_logits"])
    close(*gradient, given("grad_value_logits"))


def test_replay_value_loss_and_gradient_equal_the_reference():
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
