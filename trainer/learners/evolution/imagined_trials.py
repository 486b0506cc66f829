"""Controllers on trial in dreams: a whole population at once, all in the same dreams.

Shapes: P candidates, D dreams, F feature, N numbers of a controller.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import State
from agent.networks.noise import Noise
from configs.schema import Config
from trainer.learners.evolution.controller import Controller

_DEAD = 1e-3  # less likely alive than this, and a dream adds nothing any more


class SharedNoise:
    """The same draws for each candidate: they differ by what they do, not by their luck."""

    def __init__(self, noise: Noise, candidates: int) -> None:
        self._noise, self._candidates = noise, candidates

    def normal(self, shape: Sequence[int]) -> Tensor:
        return self._repeated(self._noise.normal(self._of_one(shape)))

    def uniform(self, shape: Sequence[int]) -> Tensor:
        return self._repeated(self._noise.uniform(self._of_one(shape)))

    def _of_one(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (shape[0] // self._candidates, *shape[1:])

    def _repeated(self, drawn: Tensor) -> Tensor:
        return drawn.repeat(self._candidates, *(1,) * (drawn.dim() - 1))


@torch.no_grad()
def dreamed_scores(
    networks: Networks,
    controller: Controller,
    candidates: Tensor,
    start: State,
    steps: int,
    config: Config,
    noise: Noise,
    *,
    discount: float | None = None,
) -> Tensor:
    """(P, D): sum of discounted predicted rewards, each weighted by how likely life went on so far,
    of each candidate (P, N) acting without noise from each start (D, ...).

    `discount` None: as `dream` has it.
    """
    count, dreams = candidates.shape[0], start.stoch.shape[0]
    if discount is None:  # the continue head may hold it already
        discount = config.dream.discount if config.dream.discount_in == "dream" else 1.0
    dynamics, shared = networks.dynamics, SharedNoise(noise, count)
    state = State(*(part.repeat(count, 1) for part in start))
    weight = torch.ones(count * dreams, device=candidates.device)
    total = torch.zeros_like(weight)
    for _ in range(steps):
        feature = state.feature.unflatten(0, (count, dreams))
        action = networks.policy.likeliest(controller.intend(candidates, feature)).flatten(0, 1)
        if config.dream.sample:
            state = dynamics.imagine_step(state, action, shared)
        else:
            state = dynamics.expect_step(state, action)
        feature = state.feature
        total += weight * networks.reward(feature)
        weight *= discount * torch.sigmoid(networks.continues(feature).squeeze(-1))
        if float(weight.max()) < _DEAD:
            break
    return total.unflatten(0, (count, dreams))
