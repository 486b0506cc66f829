"""The return gap: the dreamed return compared with the recorded return, from the same states.

A policy that is trained on a wrong model f learns to exploit the errors of f (Ha & Schmidhuber
2018, section 5). Then its dreams have higher returns than the environment gives.

Shapes: B windows, T steps, H horizon, A actions.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import Noise
from agent.networks.observing import previous_action
from configs.schema import Config
from trainer.data.batch import Batch
from trainer.objectives.discounting import imagined_discount, recorded_weight
from trainer.objectives.filtering import filter_batch
from trainer.objectives.imagination import imagine
from trainer.objectives.model_terms import surprise_bonus

BURN_IN = 5  # steps that only initialise the recurrent state
_ALARM_AFTER = 3  # measurements in a row that must show exploitation
_ALARM_SPREADS = 0.5  # a gap below so many standard deviations of the recorded return is ignored


@dataclass(frozen=True)
class ReturnGap:
    """Mean discounted returns over the first 1..H steps, (H,) each.

    `dreamed`: in a dream with the current policy.
    `recorded`: of the recorded steps.
    `replayed`: in a dream with the recorded actions; it tests f without the policy.
    `standard_error`: of dreamed - recorded at H.
    `spread`: the standard deviation of the recorded returns at H, with a lower limit.
    """

    dreamed: Tensor
    recorded: Tensor
    replayed: Tensor
    standard_error: float
    spread: float

    @property
    def gap(self) -> float:
        """dreamed - recorded at the full horizon H."""
        return float(self.dreamed[-1] - self.recorded[-1])

    @property
    def shows_exploitation(self) -> bool:
        """Whether the policy significantly exploits errors of f.

        The dreamed return must exceed both the recorded and the replayed one. Early in training f
        is wrong for every policy: then the replayed return is too high as well.
        """
        excess = min(self.gap, float(self.dreamed[-1] - self.replayed[-1]))
        return excess - 1.96 * self.standard_error > _ALARM_SPREADS * self.spread


@torch.no_grad()
def measure_return_gap(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    config: Config,
    surprise_scale: Tensor,
    noise: Noise,
) -> ReturnGap | None:
    """Measures the return gap on windows (B, BURN_IN + H) of the newest Steps.

    The windows must be recent, so that policies close to the current one recorded them. After a
    terminal Step, the rewards are 0. A window counts up to its first cut or excluded Step. None if
    fewer than two windows count up to H.
    """
    action = previous_action(batch.vector, num_actions)
    observed = filter_batch(networks, batch, noise)
    ahead = slice(BURN_IN, None)
    surprise = networks.dynamics.surprise(observed) * ~batch.is_first
    reward = batch.reward + surprise_bonus(surprise, config, surprise_scale)
    cut = batch.is_first
    if batch.loss_mask is not None:  # excluded Steps, for example in a menu: no policy acted there
        cut = cut | ~batch.loss_mask
        cut[:, BURN_IN] |= ~batch.loss_mask[:, BURN_IN - 1]
    reward, terminal, cut = (
        part[:, ahead].transpose(0, 1) for part in (reward, batch.is_terminal, cut)
    )
    over = _shift_down(terminal.cumsum(0)) > 0  # (H, B): a later episode
    whole = ((cut & ~over).cumsum(0) == 0).to(reward.dtype)
    counts = whole.sum(1)
    if counts[-1] < 2:
        return None
    weight = recorded_weight(len(reward), reward.device, config.dream)
    recorded = (reward * ~over * weight).cumsum(0)

    start = LatentState(*(part[:, BURN_IN - 1] for part in observed.state))
    dream = imagine(networks, networks.policy, start, config.dream, noise, pathwise=False)
    dreamed = _discounted(dream.reward, dream.continue_prob[1:], config)
    replayed = _discounted(
        *_dream_actions(networks, start, action[:, ahead], config, noise), config
    )
    gaps = (dreamed - recorded)[-1][whole[-1] > 0]
    returns = recorded[-1][whole[-1] > 0]
    means = [
        (each * whole).sum(1) / counts.clamp(min=1.0) for each in (dreamed, recorded, replayed)
    ]
    return ReturnGap(
        *means,
        standard_error=float(gaps.std()) / math.sqrt(len(gaps)),
        spread=max(float(returns.std()), 0.1 * float(returns.abs().mean()), 1e-6),
    )


class ReturnGapAlarm:
    """Raises the alarm once several measurements in a row show exploitation."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def update(self, gap: ReturnGap) -> bool:
        """Takes a measurement. Returns True once per series: for the third one in a row."""
        self._in_a_row = self._in_a_row + 1 if gap.shows_exploitation else 0
        return self._in_a_row == _ALARM_AFTER


def _dream_actions(
    networks: Networks, state: LatentState, action: Tensor, config: Config, noise: Noise
) -> tuple[Tensor, Tensor]:
    """Reward and continue probability (H, B) of a dream with the actions (B, H, A).

    States are sampled or predicted, as in the dreams that train the policy.
    """
    features: list[Tensor] = []
    for t in range(action.shape[1]):
        if config.dream.sample:
            state = networks.dynamics.imagine_step(state, action[:, t], noise)
        else:
            state = networks.dynamics.predict_step(state, action[:, t])
        features.append(state.feature)
    feature = torch.stack(features)
    return networks.reward(feature), torch.sigmoid(networks.continues(feature).squeeze(-1))


def _discounted(reward: Tensor, continue_prob: Tensor, config: Config) -> Tensor:
    """Discounted return up to each step, (H, B), weighted by the probability to get there."""
    discount = imagined_discount(continue_prob, config.dream)
    reached = torch.cat([torch.ones_like(discount[:1]), discount[:-1]])
    return (torch.cumprod(reached, 0) * reward).cumsum(0)


def _shift_down(count: Tensor) -> Tensor:
    """The values (H, B) of the step before; 0 for the first step."""
    return torch.cat([torch.zeros_like(count[:1]), count[:-1]])
