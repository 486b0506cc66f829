"""Scores of controllers in dreams: a whole population at once, all in the same dreams.

Shapes: P candidates, D dreams, F feature, N parameters of a controller.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import Noise
from configs.schema import Config
from trainer.learners.evolution.controller import Controller
from trainer.objectives.discounting import imagined_factor

_MIN_WEIGHT = 1e-3  # the dreams stop once every weight is below this


class SharedNoise:
    """The same noise for each candidate: scores differ by the actions, not by luck."""

    def __init__(self, noise: Noise, candidates: int) -> None:
        self._noise, self._candidates = noise, candidates

    def normal(self, shape: Sequence[int]) -> Tensor:
        return self._repeated(self._noise.normal(self._shape_of_one(shape)))

    def uniform(self, shape: Sequence[int]) -> Tensor:
        return self._repeated(self._noise.uniform(self._shape_of_one(shape)))

    def _shape_of_one(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (shape[0] // self._candidates, *shape[1:])

    def _repeated(self, drawn: Tensor) -> Tensor:
        return drawn.repeat(self._candidates, *(1,) * (drawn.dim() - 1))


@torch.no_grad()
def imagined_scores(
    networks: Networks,
    controller: Controller,
    candidates: Tensor,
    start: LatentState,
    steps: int,
    config: Config,
    noise: Noise,
    *,
    discount: float | None = None,
) -> Tensor:
    """The imagined return (P, D) of each candidate (P, N) from each start (D, ...).

    It is the discounted sum of predicted rewards, each weighted by the probability that the episode
    still continues. Actions have no noise. `discount` None: as `dream.discount_in` says.
    """
    count, dreams = candidates.shape[0], start.stoch.shape[0]
    if discount is None:
        discount = imagined_factor(config.dream)
    dynamics, shared = networks.dynamics, SharedNoise(noise, count)
    state = LatentState(*(part.repeat(count, 1) for part in start))
    weight = torch.ones(count * dreams, device=candidates.device)
    total = torch.zeros_like(weight)
    for _ in range(steps):
        feature = state.feature.unflatten(0, (count, dreams))
        outputs = controller.outputs(candidates, feature)
        action = networks.policy.most_likely_action(outputs).flatten(0, 1)
        if config.dream.sample:
            state = dynamics.imagine_step(state, action, shared)
        else:
            state = dynamics.predict_step(state, action)
        feature = state.feature
        total += weight * networks.reward(feature)
        weight *= discount * torch.sigmoid(networks.continues(feature).squeeze(-1))
        if float(weight.max()) < _MIN_WEIGHT:
            break
    return total.unflatten(0, (count, dreams))
