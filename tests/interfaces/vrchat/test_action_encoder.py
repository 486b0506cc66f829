"""Hands: full state every beat, presses held two beats and released, dead zones mapped away."""

import numpy as np
import pytest

from configs.actions import ActionConfig
from configs.vrchat import MannersConfig
from interfaces.osc.message import decode
from interfaces.vrchat.action_encoder import Hands, rest_datagrams

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


def one(action: dict, wanted: list[float], **manners: float):
    """What is on the wire and what is said to be sent, beat by beat, of one action alone."""
    hands = Hands((ActionConfig(**action),), MannersConfig(**manners), beat_s=0.1)
    seen = [move(hands, value) for value in wanted]
    return [list(values.values()) for values, _ in seen], [float(sent[0]) for _, sent in seen]


def test_a_parameter_is_sent_as_what_the_avatar_has():
    emote = {"name": "VRCEmote", "target": "parameter", "kind": "press", "wire": "int", "down": 5}
    assert one(emote, [1, 0, 0])[0] == [[5], [5], [0]]
    hat = {"name": "Hat", "target": "parameter", "kind": "hold"}
    assert one(hat, [1, 0])[0] == [[True], [False]]
    mood = {"name": "Mood", "target": "parameter", "rest": 0.25}
    assert one(mood, [-0.5, 0.0])[0] == [[-0.5], [0.0]]
    assert wire(rest_datagrams([ActionConfig(**mood)])) == {"/avatar/parameters/Mood": 0.25}


def test_an_axis_of_levels_takes_the_nearest():
    wires, sent = one({"name": "Vertical", "levels": 3}, [0.4, 0.6, -0.9])
    assert [each[0] for each in wires] == [0.0, 1.0, -1.0]
    assert sent == [0.0, 1.0, -1.0]


def test_slew_and_smoothing_hold_an_axis_back_and_say_so():
    _, sent = one({"name": "LookVertical", "slew_per_s": 5}, [1, 1, 1, -1])
    assert sent == pytest.approx([0.5, 1.0, 1.0, 0.5])
    _, sent = one({"name": "LookVertical", "smooth_s": 0.1}, [1, 1, 0])
    e = float(np.exp(-1))
    assert sent == pytest.approx([1 - e, 1 - e**2, (1 - e**2) * e], abs=1e-6)


def test_presses_beyond_the_limit_are_not_sent_until_a_minute_has_passed():
    wanted = [1.0] * 1300
    _, sent = one({"name": "Jump", "kind": "press"}, wanted, jumps_per_minute=20)
    edges = [i for i in range(1300) if sent[i] and not (i and sent[i - 1])]
    assert edges[:20] == list(range(0, 60, 3))
    assert edges[20:40] == [600 + i for i in edges[:20]]
    assert not any(sent[62:600])


def test_less_than_one_a_minute_is_one_in_more_than_a_minute():
    _, sent = one({"name": "AFKToggle", "kind": "press", "per_minute": 0.5}, [1.0] * 1300)
    assert [i for i, each in enumerate(sent) if each] == [0, 1, 1200, 1201]


def test_it_does_not_spin_for_ever_and_may_turn_back():
    spin = {"name": "LookHorizontal"}
    _, sent = one(spin, [1.0] * 100 + [-1.0] * 5 + [0.0] * 600 + [1.0] * 5, spins_per_minute=2)
    turned = sum(sent[:100]) * 20.0
    assert 720 <= turned < 1080, "two rounds, and what is left of a third"
    assert sent[100:105] == [-1.0] * 5
    assert sent[-5:] == [1.0] * 5, "a minute later it may again"


def test_chat_lines_keep_their_distance_and_are_never_said_into_a_loading_world():
    say = {"name": "Hello", "target": "chat", "kind": "press", "text": "こんにちは"}
    hands = Hands((ActionConfig(**say),), beat_s=0.1)
    said = []
    for beat in range(100):
        hands.chat.silent = 40 <= beat < 80
        values, sent = move(hands, float(beat % 2 == 0))
        if values:
            assert values == {"/chatbox/input": "こんにちは"}
            assert sent[0] == 1.0
            said.append(beat)
    assert said == [0, 18, 36, 80, 98], "1.7 s apart, none while silent"


def test_what_is_under_way_goes_on_from_a_snapshot():
    actions = (
        ActionConfig(name="LookHorizontal", smooth_s=0.2),
        ActionConfig(name="Jump", kind="press"),
        ActionConfig(name="Hi", target="chat", kind="press", text="hi"),
    )
    manners = MannersConfig(jumps_per_minute=3, spins_per_minute=1)
    one, other = Hands(actions, manners), Hands(actions, manners)
    rng = np.random.default_rng(0)
    for _ in range(50):
        one.move(rng.uniform(-1, 1, 3).astype(np.float32))
    other.restore(one.snapshot())
    for _ in range(50):
        action = rng.uniform(-1, 1, 3).astype(np.float32)
        assert one.move(action)[0] == other.move(action)[0]


@pytest.mark.parametrize(
    ("action", "named"),
    [
        ({"name": "Jump", "kind": "press", "dead_zone": 0.1}, "dead_zone is for an axis"),
        ({"name": "Run", "kind": "hold", "per_minute": 3}, "per_minute is for a press"),
        ({"name": "Hi", "target": "chat", "kind": "press"}, "chat and text go together"),
        ({"name": "Vertical", "text": "hi"}, "chat and text go together"),
        ({"name": "Hi", "target": "chat", "text": "hi"}, "chat is done by a press"),
        ({"name": "Vertical", "rest": 3}, "rest of an input"),
    ],
)
def test_what_does_not_fit_together_is_refused(action, named):
    with pytest.raises(ValueError, match=named):
        ActionConfig(**action)


def test_the_dead_zone_of_an_input_is_known():
    assert ActionConfig(name="LookHorizontal").dead_zone == 0.5
    assert ActionConfig(name="LookHorizontal", dead_zone=0.2).dead_zone == 0.2
    assert ActionConfig(name="Mood", target="parameter").dead_zone == 0.0
