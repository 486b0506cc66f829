"""The return gap: dreamed and recorded returns, step by step up to the horizon."""

from types import SimpleNamespace

import pytest
import torch

from agent.networks.action_distributions import ActionSample, DistributionParams
from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import FilteredSequence, LatentState
from agent.networks.noise import TorchNoise
from tests.trainer.batches import random_batch, spaces_of
from trainer.evaluation.return_gap import BURN_IN, ReturnGap, ReturnGapAlarm, measure_return_gap

GAMMA = 0.9
WINDOWS = 6


@pytest.fixture
def measure(tiny):
    """Measures the return gap of networks that predict reward 1.0 at every step, without an end.

    Its argument is the recorded reward of each step.
    """
    dream = tiny.dream.model_copy(update={"discount": GAMMA})
    reward_config = tiny.reward.model_copy(update={"surprise": 0.0})
    config = tiny.model_copy(update={"dream": dream, "reward": reward_config})
    spaces = spaces_of(config)
    networks = build_networks(spaces, config)
    with torch.no_grad():
        networks.reward.net[-1].bias.fill_(1.0)
        networks.continues[-1].bias.fill_(50.0)
    length = BURN_IN + config.dream.horizon
    batch = random_batch(spaces, (WINDOWS, length), (0, 0), 0)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)

    def run(step_reward, **changes):
        reward = torch.full_like(batch.reward, step_reward)
        changed = batch._replace(**{"reward": reward} | changes)
        return measure_return_gap(
            networks, changed, spaces.num_actions, config, torch.tensor(1.0), noise
        )

    run.batch, run.horizon = batch, config.dream.horizon
    return run


def discounted_sums(horizon):
    return (GAMMA ** torch.arange(horizon)).cumsum(0)


def test_returns_are_discounted_sums_up_to_each_step(measure):
    gap = measure(0.5)
    torch.testing.assert_close(gap.dreamed, discounted_sums(measure.horizon))
    torch.testing.assert_close(gap.replayed, discounted_sums(measure.horizon))
    torch.testing.assert_close(gap.recorded, 0.5 * discounted_sums(measure.horizon))
    assert gap.gap == pytest.approx(0.5 * float(discounted_sums(measure.horizon)[-1]), rel=1e-5)


class WalkDynamics:
    """A known f: deter is a position, the first action moves it, and the reward is the position.

    `sample_offset`: is added to the position in a sampled step, but not in a predicted step.
    """

    sample_offset = 0.0

    def initial(self, batch, device):
        return LatentState(torch.zeros(batch, 1), torch.zeros(batch, 1))

    def observe(self, tokens, action, is_first, state, noise):
        position = action[..., :1].cumsum(1)
        zero = torch.zeros_like(position)
        return FilteredSequence(LatentState(position, zero), zero, zero)

    def surprise(self, observed):
        return torch.zeros(observed.state.deter.shape[:2])

    def imagine_step(self, state, action, noise):
        return self.predict_step(state._replace(deter=state.deter + self.sample_offset), action)

    def predict_step(self, state, action):
        return state._replace(deter=state.deter + action[..., :1])


class ConstantPolicy:
    """A policy with the same action at every step."""

    def __init__(self, num_actions, stride):
        self.num_actions, self._stride = num_actions, stride

    def sample(self, feature, noise):
        action = torch.full((*feature.shape[:-1], self.num_actions), self._stride)
        return ActionSample(action, action)

    def distribution_params(self, feature):
        return DistributionParams(feature, feature)

    def log_prob_and_entropy(self, intention, chosen):
        return chosen.sum(-1), chosen.sum(-1)


@pytest.mark.parametrize("sample", [True, False])
def test_all_returns_start_from_the_same_states(tiny, sample):
    """With the true f, the replayed return equals the recorded return at each step.

    The dream of the policy starts from the recorded state.
    """
    config = tiny.model_copy(
        update={
            "dream": tiny.dream.model_copy(update={"sample": sample}),
            "reward": tiny.reward.model_copy(update={"surprise": 0.0}),
        }
    )
    spaces, horizon, stride = spaces_of(config), config.dream.horizon, 0.25
    batch = random_batch(spaces, (WINDOWS, BURN_IN + horizon), (0, 0), 0)
    position = batch.vector[..., -spaces.num_actions].cumsum(1)
    dynamics = WalkDynamics()
    dynamics.sample_offset = 0.0 if sample else 9.0
    networks = SimpleNamespace(
        dynamics=dynamics,
        encoder=lambda patches, vector, sound: vector,
        reward=lambda feature: feature[..., 0],
        continues=lambda feature: torch.full_like(feature[..., :1], 50.0),
        policy=ConstantPolicy(spaces.num_actions, stride),
    )
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    gap = measure_return_gap(
        networks,
        batch._replace(reward=position),
        spaces.num_actions,
        config,
        torch.tensor(1.0),
        noise,
    )
    gamma = config.dream.discount ** torch.arange(horizon)
    torch.testing.assert_close(gap.recorded, (position[:, BURN_IN:] * gamma).cumsum(1).mean(0))
    torch.testing.assert_close(gap.replayed, gap.recorded)
    steps = stride * torch.arange(1, horizon + 1)
    dreamed = ((position[:, BURN_IN - 1 : BURN_IN] + steps) * gamma).cumsum(1).mean(0)
    torch.testing.assert_close(gap.dreamed, dreamed)


def gap_of(dreamed, recorded=0.0, replayed=0.0, error=0.0):
    returns = (torch.tensor([each]) for each in (dreamed, recorded, replayed))
    return ReturnGap(*returns, error, 1.0)


def test_only_a_significant_excess_of_the_dreamed_return_shows_exploitation():
    assert gap_of(1.0).shows_exploitation
    assert not gap_of(0.2).shows_exploitation
    assert not gap_of(-2.0).shows_exploitation, "the dreamed return is lower"
    assert not gap_of(1.0, error=0.5).shows_exploitation, "not significant"
    assert not gap_of(1.0, replayed=1.0).shows_exploitation, "f is wrong for every policy"


def test_gap_of_an_untrained_model_does_not_show_exploitation(measure):
    gap = measure(0.5)
    assert gap.gap > gap.spread
    assert not gap.shows_exploitation


def test_rewards_after_a_terminal_step_do_not_count(measure):
    terminal = measure.batch.is_terminal.clone()
    first = measure.batch.is_first.clone()
    terminal[:, BURN_IN + 1] = True  # the second step ahead: its reward still counts
    first[:, BURN_IN + 2] = True
    gap = measure(1.0, is_terminal=terminal, is_first=first)
    torch.testing.assert_close(gap.recorded[1:], torch.full_like(gap.recorded[1:], 1 + GAMMA))


def test_a_window_counts_up_to_its_first_excluded_step(measure):
    """Three windows exclude three steps ahead, and one excludes the burn-in."""
    reward = torch.zeros_like(measure.batch.reward)
    reward[: WINDOWS - 2, BURN_IN + 1 :] = 9.0
    loss_mask = torch.ones_like(measure.batch.is_first)
    loss_mask[: WINDOWS - 3, BURN_IN + 1 : BURN_IN + 4] = False
    loss_mask[WINDOWS - 3, :BURN_IN] = False
    gap = measure(0.0, loss_mask=loss_mask, reward=reward)
    torch.testing.assert_close(gap.recorded, torch.zeros_like(gap.recorded))
    assert measure(0.0, loss_mask=torch.zeros_like(loss_mask)) is None, "every step is excluded"


def test_a_window_counts_up_to_its_first_cut(measure):
    first = measure.batch.is_first.clone()
    first[1:4, BURN_IN + 2] = True
    gap = measure(1.0, is_first=first)
    torch.testing.assert_close(gap.recorded, discounted_sums(measure.horizon))
    first[1:, BURN_IN + 2] = True
    assert measure(1.0, is_first=first) is None, "one whole window is not enough"


def test_alarm_needs_three_measurements_in_a_row_and_is_raised_once():
    alarm = ReturnGapAlarm()
    raised = [alarm.update(gap_of(gap)) for gap in (1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0)]
    assert raised == [False] * 5 + [True, False]
