"""Feelings: newest value wins, strangers are dropped, nothing raises."""

import math
import random
import struct

import numpy as np

from interfaces.core.clock import VirtualClock
from interfaces.osc.message import encode
from interfaces.vrchat.avatar_parameters import Feelings


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


def test_what_is_out_of_range_is_cut_and_nan_is_not_felt():
    feelings = Feelings(["VelocityZ", "Mood", "Grounded"], ranges={"Mood": (0.0, 0.5)})
    for name, value in (("VelocityZ", float("-inf")), ("Mood", 0.9), ("Grounded", 7)):
        feelings.take(encode(f"/avatar/parameters/{name}", value))
    assert feelings.vector().tolist() == [-1000.0, 0.5, 1.0]
    feelings.take(encode("/avatar/parameters/Mood", float("nan")))
    assert feelings["Mood"] == 0.5


def test_watched_ones_are_known_but_are_not_in_the_vector():
    feelings = Feelings(["Mood"], also=["AFK", "Mood"])
    feelings.take(encode("/avatar/parameters/AFK", True))
    assert feelings.vector().shape == (1,)
    assert feelings["AFK"] == 1.0


def test_an_age_counts_from_when_it_was_told():
    clock = VirtualClock(5.0)
    feelings = Feelings(["Mood"], now=clock.now)
    assert math.isnan(feelings.age_s("Mood"))
    feelings.take(encode("/avatar/parameters/Mood", 0.5))
    clock.advance(2.0)
    assert feelings.age_s("Mood") == 2.0


def test_a_seed_fills_what_was_not_heard_and_nothing_else():
    feelings = Feelings(["Mood", "Hat"])
    feelings.take(encode("/avatar/parameters/Mood", 0.5))
    feelings.seed("avtr_1", {"Mood": 0.1, "Hat": True, "Stranger": 1})
    assert feelings.vector().tolist() == [0.5, 1.0]
    assert feelings.avatar_id == "avtr_1"


def test_a_new_avatar_begins_without_the_parameters_of_the_old_one():
    feelings = Feelings(["Mood", "Grounded"])
    feelings.take(encode("/avatar/parameters/Mood", 0.5))
    feelings.take(encode("/avatar/parameters/Grounded", True))
    feelings.take(encode("/avatar/change", "avtr_2"))
    assert feelings.vector().tolist() == [0.0, 1.0]
    assert feelings.avatar_id == "avtr_2"


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


def test_a_double_that_float32_cannot_hold_is_cut():
    feelings = Feelings(["VelocityZ"])
    padded = b"/avatar/parameters/VelocityZ" + b"\0" * 4
    feelings.take(padded + b",d\0\0" + struct.pack(">d", 1e300))
    assert feelings.vector()[0] == 1000.0
    feelings.take(padded + b",d\0\0" + struct.pack(">d", 2.5))
    assert feelings.vector()[0] == 2.5
