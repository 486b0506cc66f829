"""Hands: full state every beat, presses held two beats and released, dead zones mapped away."""

import numpy as np
import pytest

from configs.vrchat import ActionConfig
from interfaces.vrchat.hands import Hands, rest_datagrams
from interfaces.vrchat.osc import decode

ACTIONS = (
    ActionConfig(name="Vertical", dead_zone=0.1),
    ActionConfig(name="LookHorizontal", dead_zone=0.5),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="Run", kind="hold"),
)


def wire(datagrams):
    return {address: arguments[0] for d in datagrams for address, arguments in decode(d)}


def move(hands, *action):
    datagrams, sent = hands.move(np.array(action, np.float32))
    return wire(datagrams), sent


def test_every_beat_carries_the_whole_state():
    hands = Hands(ACTIONS)
    for _ in range(3):
        values, _ = move(hands, 0, 0, 0, 0)
        assert values == {
            "/input/Vertical": 0.0,
            "/input/LookHorizontal": 0.0,
            "/input/Jump": 0,
            "/input/Run": 0,
        }


def test_a_small_number_does_something_and_zero_does_nothing():
    values, sent = move(Hands(ACTIONS), 0.02, -0.02, 0, 0)
    assert values["/input/Vertical"] == pytest.approx(0.118)
    assert values["/input/LookHorizontal"] == pytest.approx(-0.51)
    np.testing.assert_allclose(sent[:2], [0.02, -0.02], atol=1e-6)


@pytest.mark.parametrize("asked", [-1.0, -0.3, 0.0, 0.7, 1.0])
def test_what_was_sent_is_what_is_said_to_be_sent(asked):
    values, sent = move(Hands(ACTIONS), asked, asked, 0, 0)
    assert sent[0] == pytest.approx(asked, abs=1e-6)
    assert abs(values["/input/LookHorizontal"]) <= 1.0


def test_out_of_range_and_nan_are_made_safe_and_said_so():
    values, sent = move(Hands(ACTIONS), 7.0, float("nan"), float("nan"), 2.0)
    assert values["/input/Vertical"] == 1.0
    assert values["/input/LookHorizontal"] == 0.0
    assert sent.tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_press_is_held_two_beats_then_let_go_before_the_next():
    hands = Hands(ACTIONS)
    pressed = [move(hands, 0, 0, 1, 0)[0]["/input/Jump"] for _ in range(7)]
    assert pressed == [1, 1, 0, 1, 1, 0, 1]


def test_a_single_press_lasts_two_beats_even_when_no_longer_wanted():
    hands = Hands(ACTIONS)
    seen = [move(hands, 0, 0, want, 0) for want in (1, 0, 0, 0)]
    assert [values["/input/Jump"] for values, _ in seen] == [1, 1, 0, 0]
    assert [sent[2] for _, sent in seen] == [1.0, 1.0, 0.0, 0.0], "learn from what was sent"


def test_hold_follows_the_policy():
    hands = Hands(ACTIONS)
    assert [move(hands, 0, 0, 0, w)[0]["/input/Run"] for w in (1, 1, 0, 1)] == [1, 1, 0, 1]


def test_rest_lets_go_of_everything_and_forgets_presses():
    hands = Hands(ACTIONS)
    move(hands, 1, 1, 1, 1)
    assert set(wire(hands.rest()).values()) == {0}
    assert wire(rest_datagrams(ACTIONS)) == wire(hands.rest())
    assert move(hands, 0, 0, 0, 0)[0]["/input/Jump"] == 0
