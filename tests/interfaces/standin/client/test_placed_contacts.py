"""Receivers at a place on the avatar: they turn and scale with it, and say nothing unasked."""

import pytest

from configs.load import load_config
from configs.standin import AVATAR_ID, ContactConfig, StandinConfig
from configs.world.senses import ContactsConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.avatar_settings import standin_settings
from interfaces.standin.client.contact_senders import CHEST, ContactSenders
from interfaces.standin.client.contacts import Contacts
from interfaces.standin.client_tree import client_tree
from interfaces.standin.contact_ring import contact_ring
from interfaces.standin.core import StandinCore
from tests.conftest import ROOT

CHEST_M = CHEST * 1.6


class Torso:
    """An avatar at x, z with a torso at the height of the ring, and a head 10 m above."""

    def __init__(self, x: float, z: float, height_m: float = CHEST_M) -> None:
        self.x, self.z, self._height_m = x, z, height_m

    def contact_senders(self) -> ContactSenders:
        return ContactSenders((self.x, 10.0, self.z), (), (self.x, self._height_m, self.z))


def values(contacts: Contacts, heading_deg: float, *others: Torso, eye_m: float = 1.6):
    contacts.advance_placed((0.0, 0.0, 0.0), heading_deg, eye_m, others)
    return list(contacts.values.values())


def ring(**settings: float) -> Contacts:
    return Contacts(contact_ring(ContactsConfig(mode="on", **settings), 1.6))


@pytest.mark.parametrize(("heading_deg", "nearest"), [(0, 0), (90, 3), (180, 2), (270, 1)])
def test_the_ring_turns_with_the_avatar_and_is_numbered_clockwise(heading_deg, nearest):
    seen = values(ring(), heading_deg, Torso(0.0, 2.0))  # a person 2 m north
    assert max(range(4), key=seen.__getitem__) == nearest
    assert seen[nearest] == pytest.approx(1 - (1 - 0.2) / 3, abs=1e-4)
    assert seen[(nearest + 2) % 4] == pytest.approx(1 - (3 - 0.2) / 3, abs=1e-4)


def test_place_and_radius_scale_with_the_eye_height_up_to_three_metres():
    one = {"C": ContactConfig(kind="proximity", position_m=(0, 1, 1), by=("torso",), radius_m=1)}
    at_2_m = Torso(0.0, 2.0, 2.0)  # where the receiver is at twice the size
    assert values(Contacts(one), 0, at_2_m) == [0.0]
    assert values(Contacts(one), 0, at_2_m, eye_m=3.2) == [1.0]
    assert values(Contacts(one), 0, Torso(0.0, 3.2, 2.0), eye_m=3.2) == [pytest.approx(0.5)]
    large = {"C": one["C"].model_copy(update={"radius_m": 2.0})}
    assert values(Contacts(large), 0, Torso(0.0, 2.0 + 3.15, 2.0), eye_m=3.2)[0] > 0
    assert values(Contacts(large), 0, Torso(0.0, 2.0 + 3.25, 2.0), eye_m=3.2) == [0.0]


def test_a_receiver_reacts_to_its_senders_and_to_self_or_others_only_as_allowed():
    def touched(**settings):
        config = ContactConfig(position_m=(0, CHEST_M, 0), radius_m=0.1, **settings)
        return values(Contacts({"C": config}), 0, Torso(0.1, 0.0))[0]

    assert touched(by=("torso",)) is True
    assert touched(by=("torso",), allow_others=False) is False
    assert touched(by=("head", "hand")) is False
    assert touched(by=("torso",), allow_self=True, allow_others=False) is True
    assert touched(by=("head",), allow_self=True) is False


def test_parts_of_the_body_react_to_torsos_and_to_the_avatar_itself_too():
    def touched(**settings):
        contacts = Contacts({"C": ContactConfig(part="chest", radius_m=0.1, **settings)})
        contacts.advance((0.0, 0.0, 0.0), 0.0, 1.6, [Torso(0.1, 0.0)])
        return contacts.values["C"]

    assert touched(by=("torso",)) is True
    assert touched(by="any") is False
    assert touched(by=("torso",), allow_others=False) is False
    assert touched(by=("torso",), allow_others=False, allow_self=True) is True


def ring_core(**settings: object) -> StandinCore:
    world = load_config(ROOT / "configs" / "tiny.yaml", ["world.contacts.mode=on"]).world
    standin = world.standin.model_copy(update=settings)
    return StandinCore(standin_settings(world.model_copy(update={"standin": standin})), 0)


def names_in(datagrams: list[bytes]) -> set[str]:
    return {decode(each)[0][0].rpartition("/")[2] for each in datagrams}


def test_values_leave_on_change_only_and_the_tree_shows_zero_until_then():
    core = ring_core(people=0)
    sent = names_in(core.step(120, []))
    assert "HeadPat" in sent
    assert not {name for name in sent if name.startswith("YumeNear")}
    tree = client_tree(core)
    by_name = {node.full_path.rpartition("/")[2]: node for node in tree}
    near = [by_name[f"YumeNear{i}"] for i in range(4)]
    assert [(node.types, node.access, node.value) for node in near] == [("f", 1, (0.0,))] * 4


def test_people_without_senders_touch_nothing():
    def heard(share):
        core = ring_core(people=5, without_senders=share)
        sent = [core.step(6, [encode("/input/LookHorizontal", 1.0)]) for _ in range(100)]
        return "YumeNear0" in names_in([each for datagrams in sent for each in datagrams])

    assert heard(0.0)
    assert not heard(1.0)


def test_the_setting_for_people_without_senders_changes_nothing_else():
    seen = []
    for share in (0.0, 0.5):
        core = StandinCore(StandinConfig(people=5, without_senders=share), 3)
        core.step(60, [])
        seen.append([(person.x, person.z, person.name) for person in core.people])
    assert seen[0] == seen[1]


def test_an_avatar_that_names_its_contacts_keeps_them():
    avatar = {"id": AVATAR_ID, "contacts": {"VF3_YumeNear0": {"kind": "proximity"}}}
    overrides = ["world.contacts.mode=on", f"world.standin.avatars=[{avatar}]"]
    world = load_config(ROOT / "configs" / "tiny.yaml", overrides).world
    assert standin_settings(world) == world.standin
