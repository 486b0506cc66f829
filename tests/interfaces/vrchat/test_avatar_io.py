"""Avatar IO in the lockstep stand-in: it detects situations and rests the inputs in some."""

import json

import numpy as np
import pytest

from configs.load import load_config
from configs.standin import AVATAR_ID, OTHER_AVATAR_ID
from interfaces.core.clock import VirtualClock
from interfaces.core.world import Situation
from interfaces.osc.message import encode
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.vrchat.avatar_io import AvatarIO
from interfaces.vrchat.avatar_listing import Avatar
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT

FORWARD, TURN = np.array([1, 0, 0, 0, 0], np.float32), np.array([0, 0, 1, 0, 0], np.float32)


def world(*overrides: str) -> LockstepStandin:
    made = LockstepStandin(load_config(ROOT / "configs" / "tiny.yaml", overrides), 0)
    for _ in range(3):
        made.observe()
    return made


def run(made, action, ticks):
    """The observations of `ticks` ticks. Acts as a body does."""
    observations = []
    for _ in range(ticks):
        observation = made.observe()
        observations.append(observation)
        if observation.resting:
            made.rest()
        else:
            made.act(action)
    return observations


def situations(observations):
    """Every situation that occurs in them."""
    union = Situation.NONE
    for observation in observations:
        union |= observation.situation
    return union


def set_faults(made, **faults):
    made.core.faults = made.core.faults.model_copy(update=faults)


def test_walking_sets_no_unusual_situation():
    rng = np.random.default_rng(0)
    made = world()
    unusual = Situation.MENU | Situation.FROZEN | Situation.BLACK | Situation.NO_FRAME
    unusual |= Situation.RESPAWN | Situation.AVATAR_CHANGE | Situation.AFK
    for _ in range(30):
        action = rng.uniform(-1, 1, 5).astype(np.float32)
        assert not situations(run(made, action, 10)) & unusual


def test_stuck_at_a_wall_does_not_rest_the_inputs():
    observations = run(world("world.standin.people=0"), FORWARD, 80)
    assert Situation.STUCK in observations[-1].situation
    assert not observations[-1].resting


def test_open_menu_is_detected_and_rests_the_inputs():
    made = world()
    set_faults(made, menu=True)
    observations = run(made, TURN, 30)
    assert Situation.MENU in situations(observations)
    assert observations[-1].resting
    assert not any(made.core.inputs.values()), "at rest"
    set_faults(made, menu=False)
    after = run(made, TURN, 45)
    begin = next(i for i, each in enumerate(after) if not each.situation & Situation.MENU)
    assert after[begin].is_first, "a new episode starts"
    assert Situation.MENU not in situations(after[begin:])


def test_osc_switched_off_counts_as_menu():
    made = world()
    set_faults(made, osc=False)
    assert Situation.MENU in situations(run(made, TURN, 30))


def test_afk_rests_the_inputs_and_then_starts_a_new_episode():
    made = world()
    set_faults(made, afk=True)
    observations = run(made, FORWARD, 5)
    assert Situation.AFK in observations[-1].situation
    assert observations[-1].resting
    set_faults(made, afk=False)
    after = run(made, FORWARD, 5)
    assert any(each.is_first for each in after)


@pytest.mark.parametrize(("video", "flag"), [("black", "BLACK"), ("frozen", "FROZEN")])
def test_video_fault_is_detected(video, flag):
    made = world("world.standin.people=0")
    set_faults(made, video=video)
    observations = run(made, TURN, 25)
    assert Situation[flag] in situations(observations)


def test_avatar_change_starts_a_new_episode():
    made = world()
    made.core.trigger_event("avatar_swap")
    observations = run(made, FORWARD, 5)
    changed = [each for each in observations if Situation.AVATAR_CHANGE in each.situation]
    assert len(changed) == 1
    assert changed[0].is_first
    assert not changed[0].situation & Situation.WORLD_CHANGE


def test_world_load_is_black_then_a_world_change():
    made = world()
    made.core.trigger_event("world_load")
    observations = run(made, FORWARD, 70)
    assert sum(Situation.BLACK in each.situation for each in observations) >= 45
    changed = [each for each in observations if Situation.WORLD_CHANGE in each.situation]
    assert len(changed) == 1
    assert changed[0].is_first


def test_respawn_is_detected_while_the_avatar_is_still():
    made = world("world.standin.place=gallery", "world.standin.people=0")
    detected = 0
    for _ in range(10):
        run(made, np.zeros(5, np.float32), 5)
        made.core.trigger_event("respawn")
        detected += Situation.RESPAWN in situations(run(made, np.zeros(5, np.float32), 3))
    assert detected >= 5, "not where the two places look alike"


def test_stop_parameter_of_the_avatar_stops_the_agent():
    made = world(
        f"world.standin.avatars=[{{id: {AVATAR_ID}, parameters: {{YumeOff: bool}}}}]",
        "world.actions=[{name: Vertical}, {name: YumeOff, kind: hold, target: parameter}]",
    )
    assert not run(made, np.array([1, 0], np.float32), 3)[-1].resting
    run(made, np.array([1, 1], np.float32), 1)
    observation = run(made, np.array([1, 1], np.float32), 1)[-1]
    assert Situation.STOPPED in observation.situation
    assert observation.resting


def test_avatar_change_does_not_end_the_stop():
    made = world(
        f"world.standin.avatars=[{{id: {AVATAR_ID}, parameters: {{YumeOff: bool}}}}, "
        f"{{id: {OTHER_AVATAR_ID}, parameters: {{YumeOff: bool}}}}]"
    )

    def set_stop(on):
        made._pending.append(encode("/avatar/parameters/YumeOff", on))
        return situations(run(made, FORWARD, 3)[1:])

    assert Situation.STOPPED in set_stop(True)
    made.core.trigger_event("avatar_swap")
    assert Situation.STOPPED in run(made, FORWARD, 5)[-1].situation, (
        "the new avatar loads with it off"
    )
    set_stop(True)
    assert Situation.STOPPED in run(made, FORWARD, 3)[-1].situation
    set_stop(False)
    assert Situation.STOPPED not in run(made, FORWARD, 12)[-1].situation


class StoppedClient:
    """An agent without a world: what the client tells, and whether the agent is stopped."""

    def __init__(self):
        config = load_config(ROOT / "configs" / "tiny.yaml").world
        self.clock = VirtualClock(5.0)
        self.io = AvatarIO(config, vrchat_spaces(config), self.clock.now, 0.1)

    def tell(self, name, value, pause_s=0.0):
        path = name if name[0] == "/" else f"/avatar/parameters/{name}"
        self.io.parameters.receive(encode(path, value))
        self.wait(pause_s)

    def wait(self, seconds):
        """Observe ten times a second. Returns whether the agent was ever free to move."""
        free = False
        for _ in range(round(10 * seconds)):
            self.clock.advance(0.1)
            free |= not self.stopped
        return free

    @property
    def stopped(self):
        return bool(self.io.observe(None).situation & Situation.STOPPED)


@pytest.mark.parametrize("change_last", [False, True])
@pytest.mark.parametrize("loads_as", [True, False, None])  # on, off, an avatar without it
def test_stop_ends_when_a_person_switches_it_off_and_not_by_the_load_of_an_avatar(
    change_last, loads_as
):
    client = StoppedClient()
    client.tell("YumeOff", True, 2.0)
    assert client.stopped
    if not change_last:
        client.tell("/avatar/change", "avtr_b")
    if loads_as is not None:
        client.tell("YumeOff", loads_as, 0.2)
    if change_last:
        client.tell("/avatar/change", "avtr_b")
    assert not client.wait(5.0), "the load of an avatar is no person"
    client.tell("YumeOff", True)
    client.tell("YumeOff", False)
    assert client.stopped, "a change of avatar may follow"
    assert client.wait(1.5), "turned off in the menu"


def test_stop_that_returns_with_the_avatar_ends_when_it_is_switched_off_there():
    """As VRChat plays it around the load of a world, with the change of avatar last."""
    client = StoppedClient()
    client.tell("YumeOff", True, 1.5)
    client.tell("YumeOff", True)
    client.tell("/avatar/change", "avtr_a", 2.0)
    assert client.stopped
    client.tell("YumeOff", False, 1.5)
    assert not client.stopped


def test_stop_pressed_just_before_a_change_of_avatar_is_not_ended_by_its_load():
    client = StoppedClient()
    client.tell("YumeOff", True, 0.3)
    client.tell("/avatar/change", "avtr_b", 0.2)
    client.tell("YumeOff", False)
    assert not client.wait(5.0)


def test_stop_that_was_on_in_the_new_avatar_can_be_ended_at_once():
    client = StoppedClient()
    client.tell("/avatar/change", "avtr_b")
    client.tell("YumeOff", True, 0.2)
    client.tell("YumeOff", False)
    assert client.wait(1.5)


def test_stop_that_the_new_avatar_lists_holds_and_a_list_never_ends_one():
    client = StoppedClient()
    client.tell("/avatar/change", "avtr_b", 2.0)
    client.io.parameters.set_listing(Avatar("avtr_b", {"YumeOff": True}), 1)
    assert client.stopped
    for values in ({"YumeOff": False}, {}):
        client.io.parameters.set_listing(Avatar("avtr_b", values), 1)
        assert not client.wait(3.0)


def test_avatar_that_is_not_allowed_rests_the_inputs():
    made = world(f"world.limits.avatars=[{AVATAR_ID}]")
    assert not run(made, FORWARD, 3)[-1].resting
    made.core.trigger_event("avatar_swap", OTHER_AVATAR_ID)
    observation = run(made, FORWARD, 5)[-1]
    assert Situation.FORBIDDEN in observation.situation
    assert observation.resting


def test_snapshot_taken_in_a_situation_continues_bit_identically():
    first, second = world(), world()
    set_faults(first, menu=True)
    run(first, TURN, 17)
    second.restore(json.loads(json.dumps(first.snapshot())))
    for a, b in zip(run(first, TURN, 30), run(second, TURN, 30), strict=True):
        assert (a.situation, a.is_first, a.resting) == (b.situation, b.is_first, b.resting)
        assert np.array_equal(a.image, b.image)
