"""The action encoder: full state every tick, presses of two ticks, dead zones, limits."""

import numpy as np
import pytest

from configs.actions import ActionConfig
from configs.vrchat import LimitsConfig
from interfaces.osc.message import decode
from interfaces.vrchat.action_encoder import ActionEncoder, rest_datagrams

ACTIONS = (
    ActionConfig(name="Vertical", dead_zone=0.1),
    ActionConfig(name="LookHorizontal", dead_zone=0.5),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="Run", kind="hold"),
)


def wire(datagrams):
    return {address: arguments[0] for d in datagrams for address, arguments in decode(d)}


def encode(encoder, *action):
    datagrams, sent = encoder.encode(np.array(action, np.float32))
    return wire(datagrams), sent


def test_every_tick_sends_the_full_state():
    encoder = ActionEncoder(ACTIONS)
    for _ in range(3):
        values, _ = encode(encoder, 0, 0, 0, 0)
        assert values == {
            "/input/Vertical": 0.0,
            "/input/LookHorizontal": 0.0,
            "/input/Jump": 0,
            "/input/Run": 0,
        }


def test_a_small_value_is_beyond_the_dead_zone_and_zero_stays_zero():
    values, sent = encode(ActionEncoder(ACTIONS), 0.02, -0.02, 0, 0)
    assert values["/input/Vertical"] == pytest.approx(0.118)
    assert values["/input/LookHorizontal"] == pytest.approx(-0.51)
    np.testing.assert_allclose(sent[:2], [0.02, -0.02], atol=1e-6)


@pytest.mark.parametrize("requested", [-1.0, -0.3, 0.0, 0.7, 1.0])
def test_returned_action_is_the_action_as_sent(requested):
    values, sent = encode(ActionEncoder(ACTIONS), requested, requested, 0, 0)
    assert sent[0] == pytest.approx(requested, abs=1e-6)
    assert abs(values["/input/LookHorizontal"]) <= 1.0


def test_out_of_range_values_are_clipped_and_nan_becomes_zero():
    values, sent = encode(ActionEncoder(ACTIONS), 7.0, float("nan"), float("nan"), 2.0)
    assert values["/input/Vertical"] == 1.0
    assert values["/input/LookHorizontal"] == 0.0
    assert sent.tolist() == [1.0, 0.0, 0.0, 1.0]


def test_press_lasts_two_ticks_and_one_tick_up_follows():
    encoder = ActionEncoder(ACTIONS)
    pressed = [encode(encoder, 0, 0, 1, 0)[0]["/input/Jump"] for _ in range(7)]
    assert pressed == [1, 1, 0, 1, 1, 0, 1]


def test_press_lasts_two_ticks_even_if_requested_for_one():
    encoder = ActionEncoder(ACTIONS)
    results = [encode(encoder, 0, 0, want, 0) for want in (1, 0, 0, 0)]
    assert [values["/input/Jump"] for values, _ in results] == [1, 1, 0, 0]
    assert [sent[2] for _, sent in results] == [1.0, 1.0, 0.0, 0.0], "the action as sent"


def test_hold_button_follows_the_policy():
    encoder = ActionEncoder(ACTIONS)
    assert [encode(encoder, 0, 0, 0, w)[0]["/input/Run"] for w in (1, 1, 0, 1)] == [1, 1, 0, 1]


def test_rest_releases_every_input_and_drops_presses():
    encoder = ActionEncoder(ACTIONS)
    encode(encoder, 1, 1, 1, 1)
    assert set(wire(encoder.rest()).values()) == {0}
    assert wire(rest_datagrams(ACTIONS)) == wire(encoder.rest())
    assert encode(encoder, 0, 0, 0, 0)[0]["/input/Jump"] == 0


def run_alone(action: dict, requested: list[float], **limits: float):
    """(wire values, values as sent) of each tick, for one action alone."""
    encoder = ActionEncoder((ActionConfig(**action),), LimitsConfig(**limits), tick_s=0.1)
    results = [encode(encoder, value) for value in requested]
    wires = [list(values.values()) for values, _ in results]
    return wires, [float(sent[0]) for _, sent in results]


def test_parameter_is_sent_with_its_configured_type():
    emote = {"name": "VRCEmote", "target": "parameter", "kind": "press", "wire": "int", "down": 5}
    assert run_alone(emote, [1, 0, 0])[0] == [[5], [5], [0]]
    hat = {"name": "Hat", "target": "parameter", "kind": "hold"}
    assert run_alone(hat, [1, 0])[0] == [[True], [False]]
    mood = {"name": "Mood", "target": "parameter", "rest": 0.25}
    assert run_alone(mood, [-0.5, 0.0])[0] == [[-0.5], [0.0]]
    assert wire(rest_datagrams([ActionConfig(**mood)])) == {"/avatar/parameters/Mood": 0.25}


def test_axis_with_levels_takes_the_nearest_level():
    wires, sent = run_alone({"name": "Vertical", "levels": 3}, [0.4, 0.6, -0.9])
    assert [each[0] for each in wires] == [0.0, 1.0, -1.0]
    assert sent == [0.0, 1.0, -1.0]


def test_slew_limit_and_smoothing_change_the_action_as_sent():
    _, sent = run_alone({"name": "LookVertical", "slew_per_s": 5}, [1, 1, 1, -1])
    assert sent == pytest.approx([0.5, 1.0, 1.0, 0.5])
    _, sent = run_alone({"name": "LookVertical", "smooth_s": 0.1}, [1, 1, 0])
    e = float(np.exp(-1))
    assert sent == pytest.approx([1 - e, 1 - e**2, (1 - e**2) * e], abs=1e-6)


def test_presses_beyond_the_limit_wait_until_a_minute_has_passed():
    requested = [1.0] * 1300
    _, sent = run_alone({"name": "Jump", "kind": "press"}, requested, jumps_per_minute=20)
    edges = [i for i in range(1300) if sent[i] and not (i and sent[i - 1])]
    assert edges[:20] == list(range(0, 60, 3))
    assert edges[20:40] == [600 + i for i in edges[:20]]
    assert not any(sent[62:600])


def test_limit_below_one_per_minute_allows_one_in_a_longer_time():
    _, sent = run_alone({"name": "AFKToggle", "kind": "press", "per_minute": 0.5}, [1.0] * 1300)
    assert [i for i, each in enumerate(sent) if each] == [0, 1, 1200, 1201]


def test_full_turns_in_one_direction_are_limited_but_turning_back_is_not():
    spin = {"name": "LookHorizontal"}
    _, sent = run_alone(
        spin, [1.0] * 100 + [-1.0] * 5 + [0.0] * 600 + [1.0] * 5, spins_per_minute=2
    )
    turned = sum(sent[:100]) * 20.0
    assert 720 <= turned < 1080, "two full turns and part of a third"
    assert sent[100:105] == [-1.0] * 5
    assert sent[-5:] == [1.0] * 5, "allowed again a minute later"


def test_chat_lines_are_spaced_and_none_is_sent_while_a_world_loads():
    say = {"name": "Hello", "target": "chat", "kind": "press", "text": "こんにちは"}
    encoder = ActionEncoder((ActionConfig(**say),), tick_s=0.1)
    sent_at = []
    for tick in range(100):
        encoder.chat.silent = 40 <= tick < 80
        values, sent = encode(encoder, float(tick % 2 == 0))
        if values:
            assert values == {"/chatbox/input": "こんにちは"}
            assert sent[0] == 1.0
            sent_at.append(tick)
    assert sent_at == [0, 18, 36, 80, 98], "1.7 s apart, none while silent"


def test_restored_encoder_continues_bit_identically():
    actions = (
        ActionConfig(name="LookHorizontal", smooth_s=0.2),
        ActionConfig(name="Jump", kind="press"),
        ActionConfig(name="Hi", target="chat", kind="press", text="hi"),
    )
    limits = LimitsConfig(jumps_per_minute=3, spins_per_minute=1)
    first, second = ActionEncoder(actions, limits), ActionEncoder(actions, limits)
    rng = np.random.default_rng(0)
    for _ in range(50):
        first.encode(rng.uniform(-1, 1, 3).astype(np.float32))
    second.restore(first.snapshot())
    for _ in range(50):
        action = rng.uniform(-1, 1, 3).astype(np.float32)
        assert first.encode(action)[0] == second.encode(action)[0]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"name": "Jump", "kind": "press", "dead_zone": 0.1}, "dead_zone needs kind axis"),
        ({"name": "Run", "kind": "hold", "per_minute": 3}, "per_minute needs kind press"),
        ({"name": "Hi", "target": "chat", "kind": "press"}, "chat and text need each other"),
        ({"name": "Vertical", "text": "hi"}, "chat and text need each other"),
        ({"name": "Hi", "target": "chat", "text": "hi"}, "target chat needs kind press"),
        ({"name": "Vertical", "rest": 3}, "rest of an input"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(action, message):
    with pytest.raises(ValueError, match=message):
        ActionConfig(**action)


def test_dead_zone_of_an_input_has_a_default():
    assert ActionConfig(name="LookHorizontal").dead_zone == 0.5
    assert ActionConfig(name="LookHorizontal", dead_zone=0.2).dead_zone == 0.2
    assert ActionConfig(name="Mood", target="parameter").dead_zone == 0.0
