"""Keys become VRChat inputs: one message when pressed, one when released."""

import pytest

from configs.standin import StandinConfig
from interfaces.osc.message import decode
from interfaces.standin.client.input import BUTTONS
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.keyboard import HELP, KEYS, Keyboard

CONFIG = StandinConfig(size_m=40, people=0)


def inputs(datagrams: list[bytes]) -> dict[str, object]:
    values = {}
    for datagram in datagrams:
        ((address, (value,)),) = decode(datagram)
        assert type(value) is int
        values[address.removeprefix("/input/")] = value
    assert len(values) == len(datagrams)
    return values


def press(keyboard: Keyboard, *keys: str) -> dict[str, object]:
    """The inputs that change when exactly these keys are held."""
    return inputs(keyboard.messages(frozenset(keys)))


def test_a_message_is_sent_when_pressed_and_when_released() -> None:
    keyboard = Keyboard()
    assert press(keyboard) == {}
    assert press(keyboard, "w") == {"MoveForward": 1}
    assert press(keyboard, "w") == {}
    assert press(keyboard, "w", "shift", "lshift") == {"Run": 1}
    assert press(keyboard, "shift", "a") == {"MoveForward": 0, "MoveLeft": 1}
    assert press(keyboard) == {"MoveLeft": 0, "Run": 0}
    assert press(keyboard) == {}


def test_two_keys_of_one_input_count_as_one() -> None:
    keyboard = Keyboard()
    assert press(keyboard, "w", "arrow_up") == {"MoveForward": 1}
    assert press(keyboard, "arrow_up") == {}
    assert press(keyboard) == {"MoveForward": 0}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_a_vrchat_button(key: str) -> None:
    keyboard = Keyboard()
    assert press(keyboard, key) == {KEYS[key]: 1}
    assert press(keyboard) == {KEYS[key]: 0}
    assert KEYS[key] in BUTTONS


def test_other_keys_send_nothing() -> None:
    assert press(Keyboard(), "x", "f1", "escape", "mouse1", "") == {}


def test_the_help_text_names_all_keys() -> None:
    assert "\n" not in HELP
    for word in ("WASD", "Shift", "Q/E", "R/F", "Space", "V ", "Tab", "M ", "End", "left/right"):
        assert word in HELP


def test_keys_move_the_avatar() -> None:
    core, keyboard = StandinCore(CONFIG, 0), Keyboard()

    def hold(*keys: str) -> dict[str, float]:
        before = core.truth()["agent"]
        core.step(15, keyboard.messages(frozenset(keys)))
        after = core.truth()["agent"]
        turned = (after["heading_deg"] - before["heading_deg"] + 180.0) % 360.0 - 180.0
        return after | {"turned": turned, "tilted": after["pitch_deg"] - before["pitch_deg"]}

    assert hold("w")["velocity_z"] == pytest.approx(2.0)
    assert hold("w", "shift")["velocity_z"] == pytest.approx(4.0)
    assert hold("d")["velocity_x"] == pytest.approx(2.0)
    assert hold("q")["turned"] < -30.0
    assert hold("arrow_right")["turned"] > 30.0
    assert hold("r")["tilted"] > 30.0
    assert hold("f")["tilted"] < -30.0
    still = hold()
    assert (still["velocity_x"], still["velocity_z"], still["turn_deg_s"]) == (0.0, 0.0, 0.0)
