"""Contact receivers: constant, on_enter and proximity, by hands and heads."""

from itertools import pairwise

import pytest

from configs.standin import ContactConfig, StandinConfig
from interfaces.osc.message import decode
from interfaces.standin.client.contact_senders import ContactSenders
from interfaces.standin.client.contacts import Contacts
from interfaces.standin.core import StandinCore


class StillAvatar:
    """An avatar at x, z = 0, with a head 1.5 m high and any hands."""

    def __init__(self, x: float, hands: tuple[tuple[float, float, float], ...] = ()) -> None:
        self.x, self.z, self._hands = x, 0.0, hands

    def contact_senders(self) -> ContactSenders:
        return ContactSenders((self.x, 1.5, self.z), self._hands)


def receiver(kind: str, **more: object) -> Contacts:
    return Contacts({"C": ContactConfig(kind=kind, radius_m=0.3, **more)})


def value(contacts: Contacts, *others: StillAvatar) -> object:
    """The receiver's value, with the agent at the origin and eyes 1.6 m high."""
    contacts.advance((0.0, 0.0, 0.0), 0.0, 1.6, others)
    return contacts.values["C"]


def hand_at(distance: float) -> StillAvatar:
    return StillAvatar(0.8, ((distance, 1.68, 0.0),))


def test_constant_is_true_while_touched() -> None:
    contacts = receiver("constant")
    assert [value(contacts, hand_at(d)) for d in (0.5, 0.39, 0.1, 0.39, 0.5)] == [
        *(False, True, True, True, False)
    ]
    assert value(contacts) is False


def test_on_enter_is_true_for_one_tick() -> None:
    contacts = receiver("on_enter")
    assert [value(contacts, hand_at(d)) for d in (0.5, 0.3, 0.2, 0.5, 0.3)] == [
        *(False, True, False, False, True)
    ]


def test_proximity_is_one_at_the_centre_and_the_nearest_sender_counts() -> None:
    contacts = receiver("proximity")
    assert value(contacts, hand_at(0.05)) == 1.0
    assert value(contacts, hand_at(0.25)) == pytest.approx(0.5)
    assert value(contacts, hand_at(0.39), hand_at(0.25)) == pytest.approx(0.5)
    assert value(contacts, hand_at(0.6)) == 0.0
    assert value(contacts) == 0.0


def test_a_receiver_reacts_only_to_its_kind_of_sender_and_at_its_place() -> None:
    touching = StillAvatar(0.2, ((0.1, 1.68, 0.0),))
    only_hand_near = StillAvatar(0.8, ((0.1, 1.68, 0.0),))
    assert value(receiver("constant", by="head"), only_hand_near) is False
    assert value(receiver("constant", by="head"), touching) is True
    assert value(receiver("constant", part="feet"), touching) is False


def test_people_touch_head_and_nose_of_the_agent() -> None:
    core = StandinCore(StandinConfig(people=5, size_m=4.0), 0)
    received: dict[str, list[object]] = {}
    for _ in range(120 * 60):
        for address, (number,) in (decode(d)[0] for d in core.step(1, [])):
            received.setdefault(address.rpartition("/")[2], []).append(number)
        if {True} <= set(received["HeadPat"]) & set(received["Boop"]):
            break
    assert True in received["HeadPat"]
    assert True in received["Boop"]
    assert all(0.0 <= float(v) <= 1.0 for v in received["HeadPat_Prox"])  # type: ignore[arg-type]
    assert all(a != b for a, b in pairwise(received["Boop"]))
