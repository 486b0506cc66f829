"""The detector infers situations from inputs without effect; the responder acts on them."""

import numpy as np
import pytest

from configs.vrchat import SituationsConfig
from interfaces.core.situation_responses import excluded_from_learning
from interfaces.core.world import Situation
from interfaces.vrchat.situation_detector import (
    AvatarState,
    FrameSample,
    SituationDetector,
    SituationResponder,
)

TICK_S = 0.1
STILL = AvatarState(0.0, 0.0, 0.0, afk=False, muted=False, avatar_changed=False)
WALKS = AvatarState(0.0, 2.0, 0.0, afk=False, muted=False, avatar_changed=False)
TURNS = AvatarState(0.0, 0.0, 90.0, afk=False, muted=False, avatar_changed=False)
SWAPPED = AvatarState(0.0, 0.0, 0.0, afk=False, muted=False, avatar_changed=True)


class Ticks:
    """Feeds the detector one frame per tick of 0.1 s."""

    def __init__(self, **config):
        self.detector = SituationDetector(SituationsConfig(**config), stale_s=0.3)
        self.tick = 0

    def step(
        self, avatar=STILL, move=0.0, turn=0.0, brightness=100.0, shade=100, same_s=0.0, age_s=0.0
    ):
        self.tick += 1
        picture = np.full((16, 16, 3), shade, np.uint8)
        frame = FrameSample(picture, age_s, self.tick, brightness, same_s)
        return self.detector.detect(frame, avatar, move, turn, self.tick * TICK_S)

    def steps_until(self, flag, **inputs):
        """The number of ticks until the situation is detected; None if not within 50."""
        return next((i for i in range(1, 51) if flag in self.step(**inputs)), None)


def test_walking_and_standing_are_not_unusual():
    ticks = Ticks()
    assert not any(ticks.step(WALKS, move=1.0) for _ in range(50))
    assert not any(ticks.step(STILL) for _ in range(50)), "without move input it is not stuck"


def test_move_input_without_movement_is_stuck():
    ticks = Ticks()
    assert ticks.steps_until(Situation.STUCK, move=1.0) == 11
    assert Situation.STUCK not in ticks.step(WALKS, move=1.0)


def test_turn_input_without_turning_is_a_menu_for_three_seconds():
    ticks = Ticks()
    assert ticks.steps_until(Situation.MENU, move=1.0, turn=1.0) == 11
    in_menu = [Situation.MENU in ticks.step() for _ in range(35)]
    assert all(in_menu[:28]), "nothing shows whether the menu was closed"
    assert not any(in_menu[30:]), "then the agent tries again"


def test_turning_shows_that_the_menu_was_closed():
    ticks = Ticks()
    ticks.steps_until(Situation.MENU, turn=1.0)
    assert Situation.MENU not in ticks.step(TURNS)


def test_a_wall_is_not_a_menu():
    ticks = Ticks()
    assert ticks.steps_until(Situation.MENU, avatar=TURNS, move=1.0, turn=1.0) is None


def test_dark_picture_is_black_and_an_old_or_missing_one_is_no_frame():
    ticks = Ticks()
    assert ticks.step(brightness=2.0) == Situation.BLACK
    assert ticks.step(age_s=0.5) == Situation.NO_FRAME
    assert ticks.detector.detect(None, STILL, 0, 0, 1.0) == Situation.NO_FRAME


def test_unchanged_picture_is_frozen_only_while_the_avatar_moves():
    ticks = Ticks()
    assert ticks.steps_until(Situation.FROZEN, same_s=60.0) is None, "the world may be still too"
    assert ticks.steps_until(Situation.FROZEN, avatar=WALKS, same_s=60.0) == 11


def test_avatar_change_after_black_is_a_world_change_once():
    ticks = Ticks()
    assert ticks.step(SWAPPED) == Situation.AVATAR_CHANGE
    for _ in range(50):
        ticks.step(brightness=0.0)
    assert ticks.step(SWAPPED) == Situation.AVATAR_CHANGE | Situation.WORLD_CHANGE
    assert ticks.step(SWAPPED) == Situation.AVATAR_CHANGE


def test_afk_and_muted_come_from_the_parameters():
    avatar = AvatarState(0.0, 0.0, 0.0, afk=True, muted=True, avatar_changed=False)
    assert Ticks().step(avatar) == Situation.AFK | Situation.MUTED


def test_sudden_other_picture_of_a_still_avatar_is_a_respawn():
    ticks = Ticks()
    for _ in range(5):
        ticks.step()
    assert Situation.RESPAWN in ticks.step(shade=200)
    assert Situation.RESPAWN not in ticks.step(shade=200)
    assert Situation.RESPAWN not in ticks.step(TURNS, shade=10), "turning changes the picture"


def test_restored_detector_continues_alike():
    first, second = Ticks(), Ticks()
    for _ in range(8):
        first.step(move=1.0, turn=1.0)
    second.detector.restore(first.detector.snapshot())
    second.tick = first.tick
    steps = [ticks.steps_until(Situation.MENU, move=1.0, turn=1.0) for ticks in (first, second)]
    assert steps == [3, 3]


def test_responses_rest_the_inputs_and_start_episodes_as_configured():
    responder = SituationResponder(
        SituationsConfig(menu=("wait",), stuck=("first",), afk=("rest",))
    )
    respond = responder.respond  # -> (the inputs rest, a new episode starts)
    assert respond(Situation.NONE) == (False, False)
    assert respond(Situation.STUCK) == (False, True), "a new episode when it begins"
    assert respond(Situation.STUCK) == (False, False), "and only then"
    assert respond(Situation.MENU) == (True, False)
    assert respond(Situation.MENU | Situation.AFK) == (True, False)
    assert respond(Situation.AFK) == (True, True), "the wait has ended"
    assert respond(Situation.NONE) == (False, False), "rest alone starts no episode"
    assert respond(Situation.STOPPED) == (True, False), "whatever is configured"
    assert respond(Situation.NONE) == (False, True)


def test_unlearned_and_paused_steps_are_excluded_from_learning():
    bits = excluded_from_learning(SituationsConfig(menu=(), afk=("unlearned",)))
    assert bits & Situation.AFK
    assert not bits & Situation.MENU
    assert bits & Situation.PAUSED, "the policy did not choose these actions"


def test_unknown_responses_are_refused():
    with pytest.raises(ValueError, match="rest"):
        SituationsConfig(menu=("sleep",))
