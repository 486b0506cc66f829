"""Avatar parameters: the newest value counts, unknown ones are dropped, no datagram raises."""

import json
import math
import random
import struct

import numpy as np
import pytest

from interfaces.core.clock import VirtualClock
from interfaces.osc.message import encode
from interfaces.vrchat.avatar_listing import Avatar
from interfaces.vrchat.avatar_parameters import AvatarParameters
from tests.interfaces.osc.services import bundle


def test_vector_holds_the_newest_values_in_configured_order():
    parameters = AvatarParameters(["VelocityZ", "Grounded", "HeadPat"])
    for address, value in [
        ("/avatar/parameters/HeadPat", True),
        ("/avatar/parameters/VelocityZ", 1.5),
        ("/avatar/parameters/VelocityZ", -2.5),
        ("/avatar/parameters/Viseme", 3),
    ]:
        parameters.receive(encode(address, value))
    np.testing.assert_array_equal(parameters.vector(), [-2.5, 0.0, 1.0])
    assert (parameters.received, parameters.ignored) == (4, 1)


def test_longer_name_with_the_same_start_is_ignored():
    parameters = AvatarParameters(["HeadPat"])
    parameters.receive(encode("/avatar/parameters/HeadPat_Prox", 0.7))
    assert parameters.vector()[0] == 0.0
    assert parameters.ignored == 1


def test_avatar_changes_are_counted():
    parameters = AvatarParameters(["HeadPat"])
    parameters.receive(encode("/avatar/change", "avtr_1"))
    assert parameters.avatar_changes == 1


def test_values_are_clipped_to_their_range_and_nan_is_ignored():
    parameters = AvatarParameters(["VelocityZ", "Mood", "Grounded"], ranges={"Mood": (0.0, 0.5)})
    for name, value in (("VelocityZ", float("-inf")), ("Mood", 0.9), ("Grounded", 7)):
        parameters.receive(encode(f"/avatar/parameters/{name}", value))
    assert parameters.vector().tolist() == [-1000.0, 0.5, 1.0]
    parameters.receive(encode("/avatar/parameters/Mood", float("nan")))
    assert parameters["Mood"] == 0.5


def test_extra_parameters_can_be_read_but_are_not_in_the_vector():
    parameters = AvatarParameters(["Mood"], extra=["AFK", "Mood"])
    parameters.receive(encode("/avatar/parameters/AFK", True))
    assert parameters.vector().shape == (1,)
    assert parameters["AFK"] == 1.0


def test_age_counts_from_the_last_message():
    clock = VirtualClock(5.0)
    parameters = AvatarParameters(["Mood"], now=clock.now)
    assert math.isnan(parameters.age_s("Mood"))
    parameters.receive(encode("/avatar/parameters/Mood", 0.5))
    clock.advance(2.0)
    assert parameters.age_s("Mood") == 2.0


def test_seed_fills_only_parameters_without_a_message():
    parameters = AvatarParameters(["Mood", "Hat"])
    parameters.receive(encode("/avatar/parameters/Mood", 0.5))
    parameters.seed("avtr_1", {"Mood": 0.1, "Hat": True, "Unknown": 1})
    assert parameters.vector().tolist() == [0.5, 1.0]
    assert parameters.avatar_id == "avtr_1"


class Heard:
    """Parameters on a virtual clock, told by name."""

    def __init__(self, *names, sense=None):
        self.clock = VirtualClock(5.0)
        self.parameters = AvatarParameters(names, now=self.clock.now, sense=sense)

    def tell(self, name, value, pause_s=0.0):
        path = name if name[0] == "/" else f"/avatar/parameters/{name}"
        self.parameters.receive(encode(path, value))
        self.clock.advance(pause_s)

    def values(self):
        return self.parameters.vector().tolist()


def test_avatar_change_resets_custom_parameters():
    heard = Heard("Mood", "Grounded")
    heard.tell("Mood", 0.5)
    heard.tell("Grounded", True, 2.0)
    heard.tell("/avatar/change", "avtr_2")
    assert heard.values() == [0.0, 1.0]
    assert heard.parameters.avatar_id == "avtr_2"
    assert math.isnan(heard.parameters.age_s("Mood"))


@pytest.mark.parametrize("change_last", [False, True])
def test_values_told_while_an_avatar_loads_are_its_own_in_both_orders(change_last):
    heard = Heard("Hat", "Mood")
    heard.tell("Mood", -1.0, 2.0)
    heard.tell("/avatar/change", "avtr_1", 2.0)
    if not change_last:
        heard.tell("/avatar/change", "avtr_2")
    heard.tell("Hat", True)
    heard.tell("Mood", 0.75, 0.05)
    if change_last:
        heard.tell("/avatar/change", "avtr_2")
    for _ in range(3):
        assert heard.values() == [1.0, 0.75]
        heard.clock.advance(1.0)
    heard.tell("/avatar/change", "avtr_3")
    assert heard.values() == [0.0, 0.0], "told long before"


@pytest.mark.parametrize(
    ("listed", "values"),
    [
        ({"Hat": True, "Mood": 0.25}, [1.0, 0.25]),  # newer than the message
        ({"Hat": False, "Mood": 0.0}, [0.0, 0.75]),  # VRChat lists 0 before the first change
        ({"Mood": 0.75}, [0.0, 0.75]),
        ({"Other": 1.0}, [0.0, 0.0]),  # the new avatar lacks both
        ({"Hat": 10**400, "Mood": math.nan}, [1.0, 0.75]),
    ],
)
def test_listing_corrects_what_was_sent_before_the_change(listed, values):
    heard = Heard("Hat", "Mood")
    heard.tell("Mood", 0.75, 0.05)
    heard.tell("/avatar/change", "avtr_2", 0.3)
    assert not heard.parameters.listed
    heard.parameters.set_listing(Avatar("avtr_2", listed), 0)  # an answer about the avatar before
    assert heard.values() == [0.0, 0.75]
    heard.parameters.set_listing(Avatar("avtr_2", listed), 1)
    assert heard.parameters.listed
    if listed.get("Hat") == 10**400:  # clipped like a told number
        values = [255.0, 0.75]
    assert heard.values() == values
    heard.tell("Mood", 0.5)
    assert heard.values() == [values[0], 0.5]
    heard.tell("/avatar/change", "avtr_3", 2.0)
    heard.tell("/avatar/change", "avtr_4")
    assert heard.values() == [0.0, 0.0], "what was listed is forgotten too"


def test_restored_parameters_still_know_when_they_were_told():
    heard, restored = Heard("Mood"), Heard("Mood")
    heard.tell("Mood", 0.5, 0.5)
    restored.clock.advance(0.5)
    restored.parameters.restore(json.loads(json.dumps(heard.parameters.snapshot())))
    for each in (heard, restored):
        each.tell("/avatar/change", "avtr_2", 2.0)
        assert each.values() == [0.5]
        each.tell("/avatar/change", "avtr_3")
        assert each.values() == [0.0]
    assert heard.parameters.snapshot() == restored.parameters.snapshot()


def test_old_snapshot_without_times_is_read():
    parameters = AvatarParameters(["Mood"])
    parameters.receive(encode("/avatar/parameters/Mood", 0.5))
    state = parameters.snapshot()
    del state["message_s"], state["changed_s"]
    restored = AvatarParameters(["Mood"])
    restored.restore(state)
    assert restored.vector().tolist() == [0.5]


def test_garbage_datagrams_never_raise():
    parameters = AvatarParameters(["VelocityZ"])
    rng = random.Random(0)
    good = encode("/avatar/parameters/VelocityZ", 1.0)
    for _ in range(3000):
        datagram = bytearray(good if rng.random() < 0.7 else rng.randbytes(40))
        for _ in range(rng.randrange(4)):
            datagram[rng.randrange(len(datagram))] = rng.randrange(256)
        parameters.receive(bytes(datagram[: rng.randrange(len(datagram) + 1)]))
    assert parameters.received == 3000
    assert np.isfinite(parameters.vector()).all()


@pytest.mark.parametrize(
    "arguments",
    [
        b",r\0\0\0\0\0\3",  # a colour
        b",m\0\0\0\0\0\3",
        b",N\0\0",
        b",b\0\0\0\0\0\4abcd",
        b",s\0\0abc\0",
        b",[f]\0\0\0\0" + struct.pack(">f", 0.5),
        b",f\0\0" + struct.pack(">f", math.nan),
        b",f\0\0\0\0",  # cut short
        b",fd\0" + struct.pack(">f", 0.5),
        b",q\0\0" + bytes(8),
        b",f\0\0" + struct.pack(">f", 0.5) + bytes(2000),
        b",\0\0\0",
        b"",
    ],
)
def test_what_is_no_number_is_counted_and_leaves_the_value(arguments):
    parameters = AvatarParameters(["Mood"])
    parameters.receive(encode("/avatar/parameters/Mood", 0.25))
    assert parameters["Mood"] == 0.25
    parameters.receive(b"/avatar/parameters/Mood\0" + arguments)
    assert parameters["Mood"] == 0.25
    assert (parameters.received, parameters.ignored) == (2, 1)


@pytest.mark.parametrize(
    ("tag", "raw", "value"),
    [
        ("i", struct.pack(">i", -(2**31)), -1.0),
        ("h", struct.pack(">q", 2**62), 255.0),
        ("d", struct.pack(">d", -math.inf), -1.0),
        ("f", struct.pack(">f", math.inf), 255.0),
        ("T", b"", 1.0),
        ("fs", struct.pack(">f", 0.5) + b"abc\0", 0.5),
    ],
)
def test_any_number_is_clipped_to_its_range(tag, raw, value):
    parameters = AvatarParameters(["Mood"])
    tags = f",{tag}".encode()
    tags += bytes(4 - len(tags) % 4)
    parameters.receive(b"/avatar/parameters/Mood\0" + tags + raw)
    assert parameters["Mood"] == value


@pytest.mark.parametrize("arguments", [b",r\0\0\0\0\0\3", b"", b",s\0\0abcd", b",T\0\0"])
def test_change_of_avatar_without_an_id_is_ignored_and_the_next_one_counts(arguments):
    parameters = AvatarParameters(["Mood"])
    parameters.receive(b"/avatar/change\0\0" + arguments)
    assert (parameters.avatar_changes, parameters.ignored) == (0, 1)
    parameters.receive(encode("/avatar/change", "avtr_1"))
    assert (parameters.avatar_changes, parameters.avatar_id) == (1, "avtr_1")


def test_wanted_messages_of_a_bundle_count_and_the_others_are_dropped():
    heard = Heard("Mood", "Hat")
    wanted = [encode("/avatar/parameters/Mood", 0.5), encode("/avatar/change", "avtr_2")]
    others = [encode("/tracking/vrsystem/head/pose", 1.0), encode("/avatar/parameters/X", 1)]
    heard.parameters.receive(
        bundle(*others, bundle(*wanted), encode("/avatar/parameters/Hat", True))
    )
    assert (heard.parameters.received, heard.parameters.ignored) == (1, 0)
    assert heard.values() == [0.5, 1.0]
    assert heard.parameters.avatar_id == "avtr_2"
    heard.parameters.receive(bundle(*others))
    heard.parameters.receive(bundle(*wanted, b"/avatar/parameters/Hat\0")[:-4])  # cut short
    assert (heard.parameters.received, heard.parameters.ignored) == (3, 2)


def test_restored_snapshot_is_the_same():
    parameters = AvatarParameters(["VelocityZ"])
    parameters.receive(encode("/avatar/parameters/VelocityZ", 0.1))
    restored = AvatarParameters(["VelocityZ"])
    restored.restore(parameters.snapshot())
    assert restored.snapshot() == parameters.snapshot()


def test_double_beyond_float32_is_clipped():
    parameters = AvatarParameters(["VelocityZ"])
    padded = b"/avatar/parameters/VelocityZ" + b"\0" * 4
    parameters.receive(padded + b",d\0\0" + struct.pack(">d", 1e300))
    assert parameters.vector()[0] == 1000.0
    parameters.receive(padded + b",d\0\0" + struct.pack(">d", 2.5))
    assert parameters.vector()[0] == 2.5


def test_receiving_all_at_once_is_the_same_as_one_by_one():
    """Also with unwanted addresses, a change of avatar, and a datagram that lost its NUL bytes."""
    wanted, unwanted = encode("/avatar/parameters/Mood", 0.25), encode("/avatar/parameters/X", 1)
    change = encode("/avatar/change", "avtr_2")
    datagrams = [wanted, unwanted, b"/avatar/change?", unwanted, change, unwanted, wanted, change]
    one_by_one, at_once = (AvatarParameters(["Mood"], now=lambda: 3.0) for _ in range(2))
    for _ in range(2):
        for datagram in datagrams:
            one_by_one.receive(datagram)
        at_once.receive_all(datagrams)
        assert at_once.snapshot() == one_by_one.snapshot()
        assert at_once.newest_s == one_by_one.newest_s == 3.0
    assert at_once.avatar_changes == 4
    assert (at_once.received, at_once.ignored) == (16, 8)
