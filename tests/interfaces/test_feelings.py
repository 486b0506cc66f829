"""Feelings: newest value wins, strangers are dropped, nothing raises."""

import random
import struct

import numpy as np

from interfaces.vrchat.feelings import Feelings
from interfaces.vrchat.osc import encode


def test_newest_value_of_each_parameter_in_order():
    feelings = Feelings(["VelocityZ", "Grounded", "HeadPat"])
    for address, value in [
        ("/avatar/parameters/HeadPat", True),
        ("/avatar/parameters/VelocityZ", 1.5),
        ("/avatar/parameters/VelocityZ", -2.5),
        ("/avatar/parameters/Viseme", 3),
    ]:
        feelings.take(encode(address, value))
    np.testing.assert_array_equal(feelings.vector(), [-2.5, 0.0, 1.0])
    assert (feelings.received, feelings.ignored) == (4, 1)


def test_a_longer_name_that_begins_alike_is_not_it():
    feelings = Feelings(["HeadPat"])
    feelings.take(encode("/avatar/parameters/HeadPat_Prox", 0.7))
    assert feelings.vector()[0] == 0.0
    assert feelings.ignored == 1


def test_avatar_change_is_counted():
    feelings = Feelings(["HeadPat"])
    feelings.take(encode("/avatar/change", "avtr_1"))
    assert feelings.avatar_changes == 1


def test_infinity_and_nan_are_not_felt():
    feelings = Feelings(["VelocityZ"])
    feelings.take(encode("/avatar/parameters/VelocityZ", float("inf")))
    feelings.take(encode("/avatar/parameters/VelocityZ", float("nan")))
    assert feelings.vector()[0] == 0.0


def test_garbage_never_raises():
    feelings = Feelings(["VelocityZ"])
    source = random.Random(0)
    good = encode("/avatar/parameters/VelocityZ", 1.0)
    for _ in range(3000):
        noise = bytearray(good if source.random() < 0.7 else source.randbytes(40))
        for _ in range(source.randrange(4)):
            noise[source.randrange(len(noise))] = source.randrange(256)
        feelings.take(bytes(noise[: source.randrange(len(noise) + 1)]))
    assert feelings.received == 3000
    assert np.isfinite(feelings.vector()).all()


def test_snapshot_goes_on_alike():
    feelings = Feelings(["VelocityZ"])
    feelings.take(encode("/avatar/parameters/VelocityZ", 0.1))
    other = Feelings(["VelocityZ"])
    other.restore(feelings.snapshot())
    assert other.snapshot() == feelings.snapshot()


def test_a_double_that_float32_cannot_hold_is_not_felt():
    feelings = Feelings(["VelocityZ"])
    padded = b"/avatar/parameters/VelocityZ" + b"\0" * 4
    feelings.take(padded + b",d\0\0" + struct.pack(">d", 1e300))
    assert feelings.vector()[0] == 0.0
    feelings.take(padded + b",d\0\0" + struct.pack(">d", 2.5))
    assert feelings.vector()[0] == 2.5
