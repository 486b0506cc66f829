"""Situations: told from what does not follow on what was sent; each is answered as configured."""

import numpy as np
import pytest

from configs.vrchat import SituationsConfig
from interfaces.core.world import Situation
from interfaces.vrchat.situation_detector import Felt, Responses, Sight, Situations, unlearned

BEAT_S = 0.1
STILL = Felt(0.0, 0.0, 0.0, afk=False, muted=False, avatar_changed=False)
WALKS = Felt(0.0, 2.0, 0.0, afk=False, muted=False, avatar_changed=False)
TURNS = Felt(0.0, 0.0, 90.0, afk=False, muted=False, avatar_changed=False)
SWAPPED = Felt(0.0, 0.0, 0.0, afk=False, muted=False, avatar_changed=True)


class Life:
    """Beats of one tenth of a second, looked at one after another."""

    def __init__(self, **config):
        self.situations = Situations(SituationsConfig(**config), stale_s=0.3)
        self.beat = 0
        self.same_s = 0.0

    def look(self, felt=STILL, push=0.0, turn=0.0, brightness=100.0, value=None, same_s=0.0, age=0):
        self.beat += 1
        shade = 100 if value is None else value
        picture = np.full((16, 16, 3), shade, np.uint8)
        sight = Sight(picture, age, self.beat, brightness, same_s)
        return self.situations.look(sight, felt, push, turn, self.beat * BEAT_S)

    def until(self, flag, **look):
        """After how many beats it is seen, at most five seconds."""
        return next((i for i in range(1, 51) if flag in self.look(**look)), None)


def test_nothing_unusual():
    life = Life()
    assert not any(life.look(WALKS, push=1.0) for _ in range(50))
    assert not any(life.look(STILL) for _ in range(50)), "who does not push is not stuck"


def test_pushing_without_getting_on_is_stuck():
    life = Life()
    assert life.until(Situation.STUCK, push=1.0) == 11
    assert Situation.STUCK not in life.look(WALKS, push=1.0)


def test_turning_without_turning_is_a_menu_and_is_tried_again():
    life = Life()
    assert life.until(Situation.MENU, push=1.0, turn=1.0) == 11
    resting = [Situation.MENU in life.look() for _ in range(35)]
    assert all(resting[:28]), "nothing tells that it was closed"
    assert not any(resting[30:]), "so that after three seconds it tries again"


def test_a_menu_that_was_closed_is_seen_at_once():
    life = Life()
    life.until(Situation.MENU, turn=1.0)
    assert Situation.MENU not in life.look(TURNS)


def test_a_wall_is_no_menu():
    life = Life()
    assert life.until(Situation.MENU, felt=TURNS, push=1.0, turn=1.0) is None


def test_black_and_gone_pictures():
    life = Life()
    assert life.look(brightness=2.0) == Situation.BLACK
    assert life.look(age=0.5) == Situation.NO_FRAME
    assert life.situations.look(None, STILL, 0, 0, 1.0) == Situation.NO_FRAME


def test_a_picture_that_stands_still_is_frozen_only_while_it_moves():
    life = Life()
    assert life.until(Situation.FROZEN, same_s=60.0) is None, "so does a quiet world"
    assert life.until(Situation.FROZEN, felt=WALKS, same_s=60.0) == 11


def test_an_avatar_that_comes_after_black_comes_with_a_world():
    life = Life()
    assert life.look(SWAPPED) == Situation.AVATAR_CHANGE
    for _ in range(50):
        life.look(brightness=0.0)
    assert life.look(SWAPPED) == Situation.AVATAR_CHANGE | Situation.WORLD_CHANGE
    assert life.look(SWAPPED) == Situation.AVATAR_CHANGE


def test_afk_and_muted_are_told():
    afk = Felt(0.0, 0.0, 0.0, afk=True, muted=True, avatar_changed=False)
    assert Life().look(afk) == Situation.AFK | Situation.MUTED


def test_another_picture_out_of_the_blue_is_a_respawn():
    life = Life()
    for _ in range(5):
        life.look()
    assert Situation.RESPAWN in life.look(value=200)
    assert Situation.RESPAWN not in life.look(value=200)
    assert Situation.RESPAWN not in life.look(TURNS, value=10), "who turns sees something else"


def test_a_snapshot_goes_on_alike():
    one, other = Life(), Life()
    for _ in range(8):
        one.look(push=1.0, turn=1.0)
    other.situations.restore(one.situations.snapshot())
    other.beat = one.beat
    looks = [life.until(Situation.MENU, push=1.0, turn=1.0) for life in (one, other)]
    assert looks == [3, 3]


def test_responses():
    responses = Responses(SituationsConfig(menu=("wait",), stuck=("first",), afk=("rest",)))
    assert responses.of(Situation.NONE) == (False, False)
    assert responses.of(Situation.STUCK) == (False, True), "a new beginning when it comes"
    assert responses.of(Situation.STUCK) == (False, False), "and only then"
    assert responses.of(Situation.MENU) == (True, False)
    assert responses.of(Situation.MENU | Situation.AFK) == (True, False)
    assert responses.of(Situation.AFK) == (True, True), "the waiting is over"
    assert responses.of(Situation.NONE) == (False, False), "rest alone begins nothing"
    assert responses.of(Situation.STOPPED) == (True, False), "whatever is configured"
    assert responses.of(Situation.NONE) == (False, True)


def test_what_is_not_learned_from():
    bits = unlearned(SituationsConfig(menu=(), afk=("unlearned",)))
    assert bits & Situation.AFK
    assert not bits & Situation.MENU
    assert bits & Situation.PAUSED, "nobody chose these actions"


def test_unknown_answers_are_refused():
    with pytest.raises(ValueError, match="rest"):
        SituationsConfig(menu=("sleep",))
