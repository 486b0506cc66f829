"""The honesty gauge: what is dreamed against what is lived, horizon by horizon."""

from types import SimpleNamespace

import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import Observed, State
from agent.networks.noise import TorchNoise
from agent.networks.policy import Intention, Sample
from tests.trainer.batches import random_batch, spaces_of
from trainer.evaluation.return_gap import BURN_IN, Conscience, Honesty, measure_honesty
from trainer.objectives.losses import surprise_bonus

GAMMA = 0.9
WINDOWS = 6


@pytest.fixture
def measure(tiny):
    """Networks that promise 1.0 a step for ever, and what life pays instead."""
    dream = tiny.dream.model_copy(update={"discount": GAMMA})
    reward = tiny.reward.model_copy(update={"surprise": 0.0})
    config = tiny.model_copy(update={"dream": dream, "reward": reward})
    spaces = spaces_of(config)
    networks = build_networks(spaces, config)
    with torch.no_grad():
        networks.reward.net[-1].bias.fill_(1.0)
        networks.continues[-1].bias.fill_(50.0)
    length = BURN_IN + config.dream.horizon
    batch = random_batch(spaces, (WINDOWS, length), (0, 0), 0)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)

    def run(paid, **changes):
        given = batch._replace(**{"reward": torch.full_like(batch.reward, paid)} | changes)
        return measure_honesty(
            networks, given, spaces.num_actions, config, torch.tensor(1.0), noise
        )

    run.batch, run.horizon = batch, config.dream.horizon
    return run


def sums(horizon):
    return (GAMMA ** torch.arange(horizon)).cumsum(0)


def test_returns_are_discounted_sums_up_to_each_horizon(measure):
    found = measure(0.5)
    torch.testing.assert_close(found.dreamed, sums(measure.horizon))
    torch.testing.assert_close(found.replayed, sums(measure.horizon))
    torch.testing.assert_close(found.lived, 0.5 * sums(measure.horizon))
    assert found.gap == pytest.approx(0.5 * float(sums(measure.horizon)[-1]), rel=1e-5)


def test_curiosity_is_paid_for_surprise_never_absurdly_and_never_less_than_nothing(tiny):
    config = tiny.model_copy(update={"reward": tiny.reward.model_copy(update={"surprise": 0.5})})
    surprise = torch.tensor([-3.0, 0.0, 2.0, 1000.0])
    paid = surprise_bonus(surprise, config, torch.tensor(4.0))
    torch.testing.assert_close(paid, torch.tensor([0.0, 0.0, 0.25, 5.0]))


class Walk:
    """f where all is known: deter is a place, moved by the first action, and to be there pays it.
    `led_astray`: what a sample adds to it, of which the mode knows nothing."""

    led_astray = 0.0

    def initial(self, batch, device):
        return State(torch.zeros(batch, 1), torch.zeros(batch, 1))

    def observe(self, tokens, action, is_first, state, noise):
        place = action[..., :1].cumsum(1)
        nothing = torch.zeros_like(place)
        return Observed(State(place, nothing), nothing, nothing)

    def surprise(self, observed):
        return torch.zeros(observed.state.deter.shape[:2])

    def imagine_step(self, state, action, noise):
        return self.expect_step(state._replace(deter=state.deter + self.led_astray), action)

    def expect_step(self, state, action):
        return state._replace(deter=state.deter + action[..., :1])


class Steady:
    """A policy that always does the same."""

    def __init__(self, num_actions, stride):
        self._num_actions, self._stride = num_actions, stride

    def sample(self, feature, noise):
        action = torch.full((*feature.shape[:-1], self._num_actions), self._stride)
        return Sample(action, action)

    def intend(self, feature):
        return Intention(feature, feature)

    def judge(self, intention, chosen):
        return chosen.sum(-1), chosen.sum(-1)


@pytest.mark.parametrize("samples", [True, False])
def test_all_three_are_of_the_same_starts_and_steps(tiny, samples):
    """In a world that f knows, the dream of what was done pays what was lived, at each horizon;
    and the policy's own begins where life was."""
    config = tiny.model_copy(
        update={
            "dream": tiny.dream.model_copy(update={"sample": samples}),
            "reward": tiny.reward.model_copy(update={"surprise": 0.0}),
        }
    )
    spaces, horizon, stride = spaces_of(config), config.dream.horizon, 0.25
    batch = random_batch(spaces, (WINDOWS, BURN_IN + horizon), (0, 0), 0)
    place = batch.vector[..., -spaces.num_actions].cumsum(1)
    walk = Walk()
    walk.led_astray = 0.0 if samples else 9.0
    networks = SimpleNamespace(
        dynamics=walk,
        encoder=lambda patches, vector, sound: vector,
        reward=lambda feature: feature[..., 0],
        continues=lambda feature: torch.full_like(feature[..., :1], 50.0),
        policy=Steady(spaces.num_actions, stride),
    )
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    found = measure_honesty(
        networks,
        batch._replace(reward=place),
        spaces.num_actions,
        config,
        torch.tensor(1.0),
        noise,
    )
    gamma = config.dream.discount ** torch.arange(horizon)
    torch.testing.assert_close(found.lived, (place[:, BURN_IN:] * gamma).cumsum(1).mean(0))
    torch.testing.assert_close(found.replayed, found.lived)
    steps = stride * torch.arange(1, horizon + 1)
    own = ((place[:, BURN_IN - 1 : BURN_IN] + steps) * gamma).cumsum(1).mean(0)
    torch.testing.assert_close(found.dreamed, own)


def of(dreamed, lived=0.0, replayed=0.0, error=0.0):
    return Honesty(*(torch.tensor([each]) for each in (dreamed, lived, replayed)), error, 1.0)


def test_a_dream_that_promises_too_much_is_called_cheating_and_an_honest_one_is_not():
    assert of(1.0).cheats
    assert not of(0.2).cheats
    assert not of(-2.0).cheats, "modesty is no cheating"
    assert not of(1.0, error=0.5).cheats, "it may be chance"
    assert not of(1.0, replayed=1.0).cheats, "f is wrong for everybody, as at the beginning"


def test_promises_of_an_untrained_model_are_no_cheating(measure):
    found = measure(0.5)
    assert found.gap > found.spread
    assert not found.cheats


def test_after_a_life_has_ended_nothing_is_paid(measure):
    terminal = measure.batch.is_terminal.clone()
    first = measure.batch.is_first.clone()
    terminal[:, BURN_IN + 1] = True  # the second step ahead ends it, and pays
    first[:, BURN_IN + 2] = True  # another life begins
    found = measure(1.0, is_terminal=terminal, is_first=first)
    torch.testing.assert_close(found.lived[1:], torch.full_like(found.lived[1:], 1 + GAMMA))


def test_what_is_only_remembered_is_held_against_nobody(measure):
    """In a menu for three steps ahead, or at the very start: until then it counts, and no more."""
    reward = torch.zeros_like(measure.batch.reward)
    reward[: WINDOWS - 2, BURN_IN + 1 :] = 9.0
    learned = torch.ones_like(measure.batch.is_first)
    learned[: WINDOWS - 3, BURN_IN + 1 : BURN_IN + 4] = False
    learned[WINDOWS - 3, :BURN_IN] = False
    found = measure(0.0, learned=learned, reward=reward)
    torch.testing.assert_close(found.lived, torch.zeros_like(found.lived))
    everybody = measure(0.0, learned=torch.zeros_like(learned))
    assert everybody is None


def test_a_window_that_was_cut_counts_as_far_as_it_goes(measure):
    first = measure.batch.is_first.clone()
    first[1:4, BURN_IN + 2] = True
    found = measure(1.0, is_first=first)
    torch.testing.assert_close(found.lived, sums(measure.horizon))
    first[1:, BURN_IN + 2] = True
    assert measure(1.0, is_first=first) is None, "one whole window says nothing"


def test_it_takes_several_measures_in_a_row_to_be_sure():
    conscience = Conscience()
    said = [conscience.hear(of(gap)) for gap in (1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0)]
    assert said == [False] * 5 + [True, False]
