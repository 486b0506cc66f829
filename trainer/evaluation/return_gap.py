"""Does the dream keep what it promises? Return dreamed against return lived, from the same starts.

A policy that climbs a wrong f finds where it is wrong (Ha & Schmidhuber 2018, section 5): then its
dreams promise what life does not pay. Shapes: B windows, T time; H horizon.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import State
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from trainer.objectives.imagination import imagine
from trainer.objectives.losses import Batch, previous_action, surprise_bonus

BURN_IN = 5  # steps that only fill the recurrent state
_ROWS = 3  # measures in a row that must say so before it is called cheating
_PART = 0.5  # of the spread of lived returns


@dataclass(frozen=True)
class Honesty:
    """Mean discounted return over the first 1..H steps, (H,) each.

    dreamed: under the policy as it is. lived: what really followed. replayed: the dream when it
    does what was done, so that only f is asked. gap_error: standard error of dreamed - lived at H;
    spread: how much lived returns differ at H.
    """

    dreamed: Tensor
    lived: Tensor
    replayed: Tensor
    gap_error: float
    spread: float

    @property
    def gap(self) -> float:
        """dreamed - lived at the whole horizon."""
        return float(self.dreamed[-1] - self.lived[-1])

    @property
    def cheats(self) -> bool:
        """The dream surely promises more than life pays, and more than it promises for what was
        done: not f alone is wrong, as at the beginning, but the policy has found out where."""
        beyond = min(self.gap, float(self.dreamed[-1] - self.replayed[-1]))
        return beyond - 1.96 * self.gap_error > _PART * self.spread


@torch.no_grad()
def measure_honesty(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    config: Config,
    surprise_scale: Tensor,
    noise: Noise,
) -> Honesty | None:
    """Of windows (B, BURN_IN + H) just lived: the policies that lived them are nearly this one.

    Life that ended in a window pays nothing more; a window that was cut counts as far as it goes,
    and as far as it was learned from. None where fewer than two windows are whole.
    """
    action = previous_action(batch.vector, num_actions)
    observed = networks.dynamics.observe(
        networks.encoder(to_patches(batch.image), batch.vector, batch.sound),
        action,
        batch.is_first,
        networks.dynamics.initial(batch.vector.shape[0], batch.vector.device),
        noise,
    )
    ahead = slice(BURN_IN, None)
    surprise = networks.dynamics.surprise(observed) * ~batch.is_first
    reward = batch.reward + surprise_bonus(surprise, config, surprise_scale)
    cut = batch.is_first
    if batch.learned is not None:  # a menu, a loading world: nobody's policy lived that
        cut = cut | ~batch.learned
        cut[:, BURN_IN] |= ~batch.learned[:, BURN_IN - 1]
    reward, terminal, cut = (
        part[:, ahead].transpose(0, 1) for part in (reward, batch.is_terminal, cut)
    )
    over = _before(terminal.cumsum(0)) > 0  # what stands here belongs to a later life
    whole = ((cut & ~over).cumsum(0) == 0).to(reward.dtype)
    counts = whole.sum(1)
    if counts[-1] < 2:
        return None
    gamma = config.dream.discount
    steps = torch.arange(len(reward), device=reward.device)[:, None]
    lived = (reward * ~over * gamma**steps).cumsum(0)

    start = State(*(part[:, BURN_IN - 1] for part in observed.state))
    dream = imagine(networks, networks.policy, start, config.dream, noise, pathwise=False)
    dreamed = _discounted(dream.reward, dream.alive[1:], config)
    replayed = _discounted(*_replay(networks, start, action[:, ahead], config, noise), config)
    gaps = (dreamed - lived)[-1][whole[-1] > 0]
    paid = lived[-1][whole[-1] > 0]
    means = [(each * whole).sum(1) / counts.clamp(min=1.0) for each in (dreamed, lived, replayed)]
    return Honesty(
        *means,
        gap_error=float(gaps.std()) / math.sqrt(len(gaps)),
        spread=max(float(paid.std()), 0.1 * float(paid.abs().mean()), 1e-6),
    )


class Conscience:
    """Calls it cheating once several measures in a row agree."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def hear(self, found: Honesty) -> bool:
        """Whether this measure is the one that makes it certain."""
        self._in_a_row = self._in_a_row + 1 if found.cheats else 0
        return self._in_a_row == _ROWS


def _replay(
    networks: Networks, state: State, action: Tensor, config: Config, noise: Noise
) -> tuple[Tensor, Tensor]:
    """Reward and alive (H, B) of a dream that does `action` (B, H, A), dreamed as policies are."""
    features: list[Tensor] = []
    for t in range(action.shape[1]):
        if config.dream.sample:
            state = networks.dynamics.imagine_step(state, action[:, t], noise)
        else:
            state = networks.dynamics.expect_step(state, action[:, t])
        features.append(state.feature)
    feature = torch.stack(features)
    return networks.reward(feature), torch.sigmoid(networks.continues(feature).squeeze(-1))


def _discounted(reward: Tensor, alive: Tensor, config: Config) -> Tensor:
    """(H, B): the discounted sum up to each step, by how likely life still is."""
    inside = config.dream.discount_in == "continue"
    discount = alive if inside else config.dream.discount * alive
    reached = torch.cat([torch.ones_like(discount[:1]), discount[:-1]])
    return (torch.cumprod(reached, 0) * reward).cumsum(0)


def _before(counted: Tensor) -> Tensor:
    """Shifted by one step: what was so before this one."""
    return torch.cat([torch.zeros_like(counted[:1]), counted[:-1]])
