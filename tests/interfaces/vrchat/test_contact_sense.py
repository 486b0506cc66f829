"""Contacts in the observation: unknown is not clear, and bad contacts are named once."""

import json
import math

import numpy as np
import pytest
from loguru import logger

from configs.load import load_config
from configs.standin import OTHER_AVATAR_ID
from configs.world.senses import ContactsConfig
from interfaces.core.clock import VirtualClock
from interfaces.osc.message import encode
from interfaces.osc.oscquery import Node, host_info
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.vrchat.avatar_listing import Avatar
from interfaces.vrchat.avatar_parameters import AvatarParameters
from interfaces.vrchat.avatar_watch import AvatarWatch
from interfaces.vrchat.contact_sense import ContactSense
from interfaces.vrchat.sense_report import STUCK_S, UNHEARD_S, log_once
from tests.conftest import ROOT
from tests.polling import wait_until

PREFIX, TICK_S = "/avatar/parameters/", 0.1
NAMES = [f"YumeNear{i}" for i in range(4)]


@pytest.fixture(autouse=True)
def lines():
    """The lines that the test logs."""
    log_once.cache_clear()
    logged = []
    sink = logger.add(lambda message: logged.append(message.record["message"]), level="INFO")
    yield logged
    logger.remove(sink)


class ContactClient:
    """A body's side of one client: what it hears, what the client lists, what it observes."""

    def __init__(self, mode="on"):
        self.sense, self.clock = ContactSense(ContactsConfig(mode=mode), TICK_S), VirtualClock(5.0)
        self.parameters = AvatarParameters(["Mood"], now=self.clock.now, sense=self.sense)

    def hear(self, name, value):
        self.parameters.receive(encode(name if name[0] == "/" else PREFIX + name, value))

    def list(self, names, kind="f", number=None):
        avatar = Avatar("avtr_a", dict.fromkeys(names, 0.0), types=dict.fromkeys(names, kind))
        self.parameters.set_listing(avatar, self.sense.avatar if number is None else number)

    def observe(self, ticks=1, moves=False):
        """(closeness, known) after some ticks."""
        for _ in range(ticks):
            vector = self.sense.vector(moves=moves, avatar_id="avtr_a").tolist()
        return [round(each, 4) for each in vector[:4]], vector[4:]


def test_silent_contact_means_nobody_and_a_contact_the_avatar_lacks_is_unknown():
    client = ContactClient()
    assert client.observe() == ([0, 0, 0, 0], [0, 0, 0, 0]), "nothing listed, nothing heard"
    client.list(NAMES[:3])
    assert client.observe() == ([0, 0, 0, 0], [1, 1, 1, 0])
    client.hear("YumeNear1", 0.25)
    client.hear("YumeNear3", 0.75)
    assert client.observe() == ([0, 0.25, 0, 0.75], [1, 1, 1, 1])


def test_names_with_the_prefix_of_vrcfury_are_recognised():
    client = ContactClient()
    for value in (0.25, 0.5):
        client.hear("VF12_YumeNear2", value)
    client.hear("VFx_YumeNear1", 0.5)
    client.list(["VF12_YumeNear0", "Other"])
    assert client.observe() == ([0, 0, 0.5, 0], [1, 0, 1, 0])


def test_another_avatar_is_asked_again():
    client = ContactClient()
    client.list(NAMES)
    client.hear("YumeNear0", 0.5)
    assert client.observe()[1] == [1, 1, 1, 1]
    client.clock.advance(2.0)
    client.hear("/avatar/change", "avtr_b")
    assert not client.sense.listed
    client.list(NAMES, number=0)  # an answer about the avatar before
    assert client.observe() == ([0, 0, 0, 0], [0, 0, 0, 0])
    client.hear("YumeNear1", 0.25)
    assert client.observe() == ([0, 0.25, 0, 0], [0, 1, 0, 0])
    client.list(NAMES[:1])
    assert client.observe() == ([0, 0.25, 0, 0], [1, 1, 0, 0])


def test_contact_heard_while_the_avatar_loads_is_its_own_unless_the_list_corrects_it():
    client = ContactClient()
    client.hear("YumeNear0", 0.5)
    client.clock.advance(2.0)
    for name, value in zip(NAMES[1:], (0.25, 0.5, 0.75), strict=True):
        client.hear(name, value)
    client.clock.advance(0.1)
    client.hear("/avatar/change", "avtr_b")
    assert client.observe(3) == ([0, 0.25, 0.5, 0.75], [0, 1, 1, 1])
    values, types = {"YumeNear1": 0.0, "YumeNear2": 1.0}, dict.fromkeys(NAMES[1:3], "f")
    restored = ContactClient()
    restored.sense.restore(json.loads(json.dumps(client.sense.snapshot())))
    for each in (client, restored):
        each.sense.set_listing(Avatar("avtr_b", values, types=types), 1)
        assert each.observe() == ([0, 0.25, 1, 0], [0, 1, 1, 0]), "it lacks YumeNear3"
        each.clock.advance(9.0)
        each.hear("YumeNear3", 0.125)
        assert each.observe() == ([0, 0.25, 1, 0.125], [0, 1, 1, 1])


@pytest.mark.parametrize(
    ("value", "text"), [(1, "sends int"), (True, "sends bool"), (math.nan, "sends nan")]
)
def test_contact_with_a_wrong_value_is_named_once_and_unknown(value, text, lines):
    client = ContactClient()
    client.list(NAMES)
    client.hear("YumeNear2", value)
    assert client.observe(5) == ([0, 0, 0, 0], [1, 1, 0, 1])
    wait_until(lambda: lines)
    client.observe(5)
    assert len(lines) == 1
    assert f"YumeNear2 {text}" in lines[0]
    client.hear("YumeNear2", 0.5)
    assert client.observe() == ([0, 0, 0.5, 0], [1, 1, 1, 1])


def test_contact_of_a_wrong_type_in_the_list_is_named(lines):
    client = ContactClient()
    client.list(NAMES, kind="T")
    assert client.observe() == ([0, 0, 0, 0], [0, 0, 0, 0])
    wait_until(lambda: len(lines) == 4)
    assert "YumeNear0 is of type bool" in " ".join(lines)


def test_stuck_contact_is_named_once_and_unknown_until_it_changes(lines):
    client, ticks = ContactClient(), round(STUCK_S / TICK_S)
    client.list(NAMES)
    client.hear("YumeNear1", 0.5)
    assert client.observe(2 * ticks)[1] == [1, 1, 1, 1], "at rest a value may stay the same"
    assert client.observe(ticks - 5, moves=True)[1] == [1, 1, 1, 1]
    assert client.observe(10, moves=True) == ([0, 0, 0, 0], [1, 0, 1, 1])
    wait_until(lambda: lines)
    client.observe(10, moves=True)
    assert ["YumeNear1 kept one value" in line for line in lines] == [True]
    client.hear("YumeNear1", 0.25)
    assert client.observe(5, moves=True) == ([0, 0.25, 0, 0], [1, 1, 1, 1])


def test_missing_contacts_are_named_once_with_the_cure(lines):
    client = ContactClient()
    client.list(NAMES[:2])
    client.observe(3)
    wait_until(lambda: lines)
    assert len(lines) == 1
    assert "has no YumeNear2, YumeNear3, by OSCQuery" in lines[0]
    assert "Reset Config" in lines[0]


def test_auto_says_in_one_line_what_it_found(lines):
    client = ContactClient("auto")
    client.hear("YumeNear3", 0.5)
    client.observe(round(UNHEARD_S / TICK_S) - 5)
    assert not lines, "a client without OSCQuery lists nothing: wait for what is heard"
    client.observe(10)
    wait_until(lambda: lines)
    assert "1 of 4 contacts (YumeNear3)" in lines[0]
    client.hear("/avatar/change", "avtr_b")
    client.list(NAMES)
    client.observe(3)
    wait_until(lambda: len(lines) == 2)
    assert "4 of 4 contacts" in lines[1]


def test_the_watch_asks_the_client_after_each_change_of_avatar():
    names = [*NAMES]
    server = OscQueryServer(
        lambda: [
            Node("/avatar/change", "s", 3, (client.parameters.avatar_id or "avtr_a",)),
            *(Node(PREFIX + name, "f", 1, (0.0,)) for name in names),
        ],
        lambda: host_info("VRChat-Client-ABC123", 9000),
    )
    client = ContactClient()
    server.start()
    watch = AvatarWatch(client.parameters, "127.0.0.1", server.port)
    try:
        wait_until(lambda: client.observe()[1] == [1, 1, 1, 1])
        del names[0]
        client.clock.advance(2.0)
        client.hear("/avatar/change", "avtr_b")
        wait_until(lambda: client.observe()[1] == [0, 1, 1, 1])
    finally:
        watch.close()
        server.close()


def world(*overrides, seed=0):
    settings = ["world.contacts.mode=on", *overrides]
    return LockstepStandin(load_config(ROOT / "configs" / "tiny.yaml", settings), seed)


def observe(made, rng, ticks):
    """The contact features of each tick, float32 (ticks, 8), while the avatar acts at random."""
    rows = []
    for _ in range(ticks):
        rows.append(made.observe().vector[6:14])
        made.act(rng.uniform(-1, 1, 5).astype(np.float32))
    return np.array(rows)


def test_contacts_in_lockstep_are_bit_identical_after_a_restore():
    one, other, seen = world(), world(seed=5), world()
    rows = observe(one, np.random.default_rng(1), 40)
    assert (rows[:, 4:] == 1).all()
    assert (rows[:, :4] > 0).any()
    np.testing.assert_array_equal(rows, observe(seen, np.random.default_rng(1), 40))
    other.restore(json.loads(json.dumps(one.snapshot())))
    again = [observe(each, np.random.default_rng(2), 40) for each in (one, other)]
    np.testing.assert_array_equal(*again)


def test_other_avatar_of_the_standin_lacks_the_contacts():
    made, rng = world(), np.random.default_rng(0)
    assert observe(made, rng, 3)[-1, 4:].tolist() == [1, 1, 1, 1]
    made.core.trigger_event("avatar_swap", OTHER_AVATAR_ID)
    assert observe(made, rng, 3)[-1].tolist() == [0] * 8
    made.core.trigger_event("avatar_swap")
    assert observe(made, rng, 3)[-1, 4:].tolist() == [1, 1, 1, 1]


def test_with_auto_the_first_avatar_of_the_standin_has_the_contacts_too():
    on, auto = world(), world("world.contacts.mode=auto")
    assert auto.spaces.features == on.spaces.features
    rows = [observe(each, np.random.default_rng(1), 30) for each in (on, auto)]
    np.testing.assert_array_equal(*rows)
    assert rows[1][-1, 4:].tolist() == [1, 1, 1, 1]
