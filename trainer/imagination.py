"""Dreams: H steps of f under the policy, from states that were lived.

Shapes: H dreamed steps, N dreams, time first.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agent.dynamics import State
from agent.networks import Networks
from agent.noise import Noise


@dataclass(frozen=True, slots=True)
class Dream:
    """feature (H+1, N, F): the start and H dreamed states. The rest (H, N) follows each action.

    reward r_{t+1} and alive, the probability that life goes on at t+1, are predicted at the state
    arrived at; entropy is the policy's at the state it chose in.
    """

    feature: Tensor
    action: Tensor
    reward: Tensor
    alive: Tensor
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


def imagine(networks: Networks, start: State, horizon: int, noise: Noise) -> Dream:
    """Dream `horizon` steps from `start` (N, ...).

    The policy reads sg(feature) (Hafner 2019): its gradient runs from rewards and values back
    through f to each action, not through the choice of the later ones. Rewards are the means of
    p(r), states are samples of f.
    """
    state = start.detach()
    features, actions, entropies = [state.feature], [], []
    for _ in range(horizon):
        choice = networks.policy(features[-1].detach(), noise)
        state = networks.dynamics.imagine_step(state, choice.action, noise)
        features.append(state.feature)
        actions.append(choice.action)
        entropies.append(choice.entropy)
    feature = torch.stack(features)
    return Dream(
        feature=feature,
        action=torch.stack(actions),
        reward=networks.reward(feature[1:]).squeeze(-1),
        alive=torch.sigmoid(networks.continues(feature[1:]).squeeze(-1)),
        entropy=torch.stack(entropies),
    )
