"""Avatar parameters: the newest value counts, unknown ones are dropped, no datagram raises."""

import math
import random
import struct

import numpy as np

from interfaces.core.clock import VirtualClock
from interfaces.osc.message import encode
from interfaces.vrchat.avatar_parameters import AvatarParameters


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


def test_avatar_change_resets_custom_parameters():
    parameters = AvatarParameters(["Mood", "Grounded"])
    parameters.receive(encode("/avatar/parameters/Mood", 0.5))
    parameters.receive(encode("/avatar/parameters/Grounded", True))
    parameters.receive(encode("/avatar/change", "avtr_2"))
    assert parameters.vector().tolist() == [0.0, 1.0]
    assert parameters.avatar_id == "avtr_2"


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
