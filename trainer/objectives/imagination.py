"""Dreams: imagined rollouts of H steps of the world model f under the policy.

Shapes: H imagined steps, N dreams, time first; A actions, F feature.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import Noise
from agent.networks.policy import Policy
from configs.learning import DreamConfig


@dataclass(frozen=True, slots=True)
class Dream:
    """H imagined steps of N dreams, after the start.

    `feature`: (H+1, N, F), of the start and of H imagined states.
    `action`, `chosen`: (H, N, A), the bounded action and the policy's raw sample.
    `reward`: (H, N), r_{t+1}, the outcome of action t, predicted at the next state.
    `continue_prob`: (H+1, N), the probability that the episode continues at each state.
    `log_prob`, `entropy`: (H, N), of the policy at the state before the action.
    """

    feature: Tensor
    action: Tensor
    chosen: Tensor
    reward: Tensor
    continue_prob: Tensor
    log_prob: Tensor
    entropy: Tensor


@contextmanager
def frozen(*modules: nn.Module) -> Generator[None]:
    """Within the context, gradients pass through these modules but not to their parameters."""
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
    start: LatentState,
    config: DreamConfig,
    noise: Noise,
    *,
    pathwise: bool = True,
) -> Dream:
    """Imagines `config.horizon` steps of `policy` from `start` (N, ...).

    Rewards are means of p(r). States are samples of f, or its mode without `config.sample`. The
    policy reads sg(feature) (Hafner 2019): its gradient runs from rewards and values back through f
    to each action, but not through the inputs of later decisions. Without `pathwise` the dream has
    no gradient; REINFORCE needs none, and this takes half the time.
    """
    with torch.set_grad_enabled(pathwise):
        state = start.detach()
        features: list[Tensor] = [state.feature]
        actions: list[Tensor] = []
        chosen: list[Tensor] = []
        for _ in range(config.horizon):
            sample = policy.sample(features[-1].detach(), noise)
            if config.sample:
                state = networks.dynamics.imagine_step(state, sample.action, noise)
            else:
                state = networks.dynamics.predict_step(state, sample.action)
            features.append(state.feature)
            actions.append(sample.action)
            chosen.append(sample.chosen)
        feature, chosen_HN = torch.stack(features), torch.stack(chosen)
        reward = networks.reward(feature[1:])
        continue_prob = torch.sigmoid(networks.continues(feature).squeeze(-1))
    # One pass over all steps: log_prob and entropy carry a gradient even without `pathwise`.
    with torch.enable_grad():
        params = policy.distribution_params(feature[:-1].detach())
        log_prob, entropy = policy.log_prob_and_entropy(params, chosen_HN.detach())
    return Dream(feature, torch.stack(actions), chosen_HN, reward, continue_prob, log_prob, entropy)
