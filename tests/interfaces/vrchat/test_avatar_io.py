"""Situations as the stand-in makes them, and what becomes of the inputs in them."""

import json

import numpy as np
import pytest

from configs.load import load_config
from configs.standin import AVATAR_ID, OTHER_AVATAR_ID
from interfaces.core.world import Situation
from interfaces.osc.message import encode
from interfaces.standin.lockstep_standin import LockstepStandin
from tests.conftest import ROOT

FORWARD, TURN = np.array([1, 0, 0, 0, 0], np.float32), np.array([0, 0, 1, 0, 0], np.float32)


def world(*overrides: str) -> LockstepStandin:
    made = LockstepStandin(load_config(ROOT / "configs" / "tiny.yaml", overrides), 0)
    for _ in range(3):
        made.observe()
    return made


def live(made, action, beats):
    """Observations of as many beats, acting as a body would."""
    found = []
    for _ in range(beats):
        observation = made.observe()
        found.append(observation)
        if observation.resting:
            made.rest()
        else:
            made.act(action)
    return found


def seen(observations):
    together = Situation.NONE
    for observation in observations:
        together |= observation.situation
    return together


def fault(made, **faults):
    made.core.faults = made.core.faults.model_copy(update=faults)


def test_walking_about_is_nothing_unusual():
    rng = np.random.default_rng(0)
    made = world()
    unusual = Situation.MENU | Situation.FROZEN | Situation.BLACK | Situation.NO_FRAME
    unusual |= Situation.RESPAWN | Situation.AVATAR_CHANGE | Situation.AFK
    for _ in range(30):
        action = rng.uniform(-1, 1, 5).astype(np.float32)
        assert not seen(live(made, action, 10)) & unusual


def test_at_a_wall_it_is_stuck_and_goes_on_pushing():
    observations = live(world("world.standin.people=0"), FORWARD, 80)
    assert Situation.STUCK in observations[-1].situation
    assert not observations[-1].resting


def test_an_open_menu_is_concluded_and_rested_in():
    made = world()
    fault(made, menu=True)
    observations = live(made, TURN, 30)
    assert Situation.MENU in seen(observations)
    assert observations[-1].resting
    assert not any(made.core.inputs.values()), "at rest"
    fault(made, menu=False)
    after = live(made, TURN, 45)
    begin = next(i for i, each in enumerate(after) if not each.situation & Situation.MENU)
    assert after[begin].is_first, "a new beginning"
    assert Situation.MENU not in seen(after[begin:])


def test_osc_switched_off_is_like_a_menu():
    made = world()
    fault(made, osc=False)
    assert Situation.MENU in seen(live(made, TURN, 30))


def test_afk_waits():
    made = world()
    fault(made, afk=True)
    observations = live(made, FORWARD, 5)
    assert Situation.AFK in observations[-1].situation
    assert observations[-1].resting
    fault(made, afk=False)
    after = live(made, FORWARD, 5)
    assert any(each.is_first for each in after)


@pytest.mark.parametrize(("video", "flag"), [("black", "BLACK"), ("frozen", "FROZEN")])
def test_a_picture_that_is_none(video, flag):
    made = world("world.standin.people=0")
    fault(made, video=video)
    observations = live(made, TURN, 25)
    assert Situation[flag] in seen(observations)


def test_another_avatar_is_a_new_beginning():
    made = world()
    made.core.happen("avatar_swap")
    observations = live(made, FORWARD, 5)
    changed = [each for each in observations if Situation.AVATAR_CHANGE in each.situation]
    assert len(changed) == 1
    assert changed[0].is_first
    assert not changed[0].situation & Situation.WORLD_CHANGE


def test_a_world_load_is_black_then_another_world():
    made = world()
    made.core.happen("world_load")
    observations = live(made, FORWARD, 70)
    assert sum(Situation.BLACK in each.situation for each in observations) >= 45
    changed = [each for each in observations if Situation.WORLD_CHANGE in each.situation]
    assert len(changed) == 1
    assert changed[0].is_first


def test_a_respawn_is_seen_when_it_stands():
    made = world("world.standin.place=gallery", "world.standin.people=0")
    found = 0
    for _ in range(10):
        live(made, np.zeros(5, np.float32), 5)
        made.core.happen("respawn")
        found += Situation.RESPAWN in seen(live(made, np.zeros(5, np.float32), 3))
    assert found >= 5, "where the two places look alike nobody could tell"


def test_the_avatars_own_off_switch_stops_it():
    made = world(
        f"world.standin.avatars=[{{id: {AVATAR_ID}, parameters: {{YumeOff: bool}}}}]",
        "world.actions=[{name: Vertical}, {name: YumeOff, kind: hold, target: parameter}]",
    )
    assert not live(made, np.array([1, 0], np.float32), 3)[-1].resting
    live(made, np.array([1, 1], np.float32), 1)
    observation = live(made, np.array([1, 1], np.float32), 1)[-1]
    assert Situation.STOPPED in observation.situation
    assert observation.resting


def test_another_avatar_does_not_lift_the_stop_only_its_off_does():
    made = world(
        f"world.standin.avatars=[{{id: {AVATAR_ID}, parameters: {{YumeOff: bool}}}}, "
        f"{{id: {OTHER_AVATAR_ID}, parameters: {{YumeOff: bool}}}}]"
    )

    def press(on):
        made._pending.append(encode("/avatar/parameters/YumeOff", on))
        return seen(live(made, FORWARD, 3)[1:])

    assert Situation.STOPPED in press(True)
    made.core.happen("avatar_swap")
    assert Situation.STOPPED in live(made, FORWARD, 5)[-1].situation, "it loads with it off"
    press(True)
    assert Situation.STOPPED in live(made, FORWARD, 3)[-1].situation
    press(False)
    assert Situation.STOPPED not in live(made, FORWARD, 3)[-1].situation


def test_in_an_avatar_that_is_not_allowed_it_rests():
    made = world(f"world.manners.avatars=[{AVATAR_ID}]")
    assert not live(made, FORWARD, 3)[-1].resting
    made.core.happen("avatar_swap", OTHER_AVATAR_ID)
    observation = live(made, FORWARD, 5)[-1]
    assert Situation.FORBIDDEN in observation.situation
    assert observation.resting


def test_a_snapshot_in_the_middle_of_a_situation_goes_on_alike():
    one, other = world(), world()
    fault(one, menu=True)
    live(one, TURN, 17)
    other.restore(json.loads(json.dumps(one.snapshot())))
    for a, b in zip(live(one, TURN, 30), live(other, TURN, 30), strict=True):
        assert (a.situation, a.is_first, a.resting) == (b.situation, b.is_first, b.resting)
        assert np.array_equal(a.image, b.image)
