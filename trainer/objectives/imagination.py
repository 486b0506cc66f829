"""Dreams: H steps of f under the policy, from states that were lived.

Shapes: H dreamed steps, N dreams, time first.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import State
from agent.networks.noise import Noise
from agent.networks.policy import Policy
from configs.learning import DreamConfig


@dataclass(frozen=True, slots=True)
class Dream:
    """feature and alive (H+1, N, ...): the start and H dreamed states. The rest (H, N, ...).

    reward r_{t+1} follows action t and is predicted at the state arrived at; alive is the
    probability that life goes on at a state, the start's own included. chosen is the raw sample.
    log_prob and entropy are the policy's at the state it chose in.
    """

    feature: Tensor
    action: Tensor
    chosen: Tensor
    reward: Tensor
    alive: Tensor
    log_prob: Tensor
    entropy: Tensor


@contextmanager
def frozen(*modules: nn.Module) -> Generator[None]:
    """Gradients flow through these modules, none stays on their parameters."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def imagine(
    networks: Networks,
    policy: Policy,
    start: State,
    config: DreamConfig,
    noise: Noise,
    *,
    pathwise: bool = True,
) -> Dream:
    """Dream `config.horizon` steps of `policy` from `start` (N, ...).

    The policy reads sg(feature) (Hafner 2019): its gradient runs from rewards and values back
    through f to each action, not through the choice of the later ones. Rewards are the means of
    p(r), states are samples of f, or its mode unless `config.sample`. Not `pathwise`: the dream
    itself has no gradient, which is all that REINFORCE needs, at half the price.
    """
    with torch.set_grad_enabled(pathwise):
        state = start.detach()
        features: list[Tensor] = [state.feature]
        actions: list[Tensor] = []
        chosen: list[Tensor] = []
        for _ in range(config.horizon):
            choice = policy.sample(features[-1].detach(), noise)
            if config.sample:
                state = networks.dynamics.imagine_step(state, choice.action, noise)
            else:
                state = networks.dynamics.expect_step(state, choice.action)
            features.append(state.feature)
            actions.append(choice.action)
            chosen.append(choice.chosen)
        feature, drawn = torch.stack(features), torch.stack(chosen)
        reward = networks.reward(feature[1:])
        alive = torch.sigmoid(networks.continues(feature).squeeze(-1))
    # In one pass over all steps: the policy's parameters get their gradient here.
    with torch.enable_grad():
        intention = policy.intend(feature[:-1].detach())
        log_prob, entropy = policy.judge(intention, drawn.detach())
    return Dream(feature, torch.stack(actions), drawn, reward, alive, log_prob, entropy)
