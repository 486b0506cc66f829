"""The chatbox cuts long text, hides old text, and limits the rate."""

import pytest

from interfaces.standin.client.chatbox import Chatbox


def send(box: Chatbox, now_s: float, text: str = "x") -> str:
    """Send a text; returns what is shown then."""
    assert box.receive(now_s, "/chatbox/input", [text, True])
    return box.shown(now_s)


def test_long_text_is_cut() -> None:
    assert send(Chatbox(), 0.0, "夢" * 300) == "夢" * 144
    assert send(Chatbox(), 0.0, "\n".join("abcdefghijkl")).count("\n") == 8


def test_text_disappears_after_five_seconds_and_can_be_cleared() -> None:
    box = Chatbox()
    send(box, 0.0, "hello")
    assert box.shown(4.9) == "hello"
    assert box.shown(5.1) == ""
    send(box, 6.0, "again")
    assert send(box, 6.5, "") == ""


def test_more_than_five_messages_in_five_seconds_lock_it_for_half_a_minute() -> None:
    box = Chatbox()
    for i in range(5):
        assert send(box, i * 0.01, f"{i}") == f"{i}"
    assert send(box, 0.06, "too many") == "4"
    assert send(box, 29.0, "still locked") == ""
    assert box.refused == 2
    assert send(box, 30.2, "free") == "free"


def test_one_message_per_second_is_never_locked() -> None:
    box = Chatbox()
    for i in range(100):
        assert send(box, i * 1.1, f"{i}") == f"{i}"


@pytest.mark.parametrize(
    "arguments", [[], [1], ["a", "b"], ["a", True, True, True], [True], ["a", 1.5]]
)
def test_wrong_arguments_are_refused(arguments: list[object]) -> None:
    assert Chatbox().receive(0.0, "/chatbox/input", arguments) is False


def test_text_that_is_not_immediate_is_typed_but_not_sent() -> None:
    box = Chatbox()
    assert box.receive(0.0, "/chatbox/input", ["draft", False])
    assert (box.shown(0.1), box.typing) == ("", True)
