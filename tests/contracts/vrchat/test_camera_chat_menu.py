"""User camera, chatbox, menu and picture of a VRChat client. One test per statement."""

import time

import numpy as np
import pytest

from tests.contracts.vrchat.client import RUN_M_S, near, standin_only
from tests.polling import wait_until


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_a_pose_turns_flying_on_so_that_inputs_move_the_camera(client):
    client.send("/usercamera/Mode", 1)
    client.send("/usercamera/Pose", 0.0, 1.5, 0.0, 0.0, 90.0, 0.0)
    mark = client.wait_for_silence()
    client.set_input("Vertical", 1.0)
    client.assert_silent(0.3, "VelocityZ")
    client.send("/usercamera/Flying", False)
    client.wait_for("VelocityZ", near(RUN_M_S), after=mark)
    client.send("/usercamera/Close")


@standin_only
def test_streaming_shows_the_user_camera(client):
    before = client.picture(0.1)
    client.send("/usercamera/Mode", 2)
    client.send("/usercamera/Pose", 15.0, 2.5, 15.0, 40.0, 225.0, 0.0)
    client.send("/usercamera/Streaming", True)
    assert difference(client.picture(0.2), before) > 10
    client.send("/usercamera/Close")
    client.send("/usercamera/Streaming", False)
    assert difference(client.picture(0.2), before) < 2


@standin_only
def test_the_chatbox_cuts_long_text_and_locks_after_too_many_messages(client):
    def chatbox() -> dict[str, object]:
        return client.request("/truth")["chatbox"]

    client.send("/chatbox/input", "あ" * 200, True)
    wait_until(lambda: chatbox()["shown"] == "あ" * 144, "the cut text")
    client.send("/chatbox/typing", True)
    wait_until(lambda: chatbox()["typing"], "typing")
    for i in range(8):
        client.send("/chatbox/input", f"message {i}", True, False)
    wait_until(lambda: chatbox()["locked_s"] > 25.0, "the lock")
    assert chatbox()["shown"] == "message 3"


@standin_only
def test_an_open_menu_blocks_movement(client):
    client.set_input("QuickMenuToggleLeft", 1)
    wait_until(lambda: client.request("/truth")["menu"], "the menu")
    mark = client.wait_for_silence()
    client.set_input("Vertical", 1.0)
    client.assert_silent(0.3, "VelocityZ")
    client.set_input("QuickMenuToggleLeft", 0)
    client.set_input("QuickMenuToggleLeft", 1)
    client.wait_for("VelocityZ", near(RUN_M_S), after=mark)
    client.set_input("QuickMenuToggleLeft", 0)


def test_the_picture_turns_with_the_avatar(client):
    before = client.picture()
    client.set_input("LookHorizontal", 1.0)
    time.sleep(0.4)
    client.set_input("LookHorizontal", 0.0)
    assert difference(client.picture(0.2), before) > 5


@standin_only
@pytest.mark.parametrize(
    ("video", "matches"),
    [
        ("black", lambda before, now: now.max() < 8),
        ("frozen", lambda before, now: difference(before, now) < 2),
    ],
)
def test_a_video_fault_changes_the_picture(client, video, matches):
    before = client.picture(0.1)
    client.request("/faults", {"video": video})
    client.set_input("LookHorizontal", 1.0)
    time.sleep(0.3)
    client.set_input("LookHorizontal", 0.0)
    assert matches(before, client.picture(0.2))
    client.request("/faults", {"video": "good"})
    assert not matches(before, client.picture(0.2))
