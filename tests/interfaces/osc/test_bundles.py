"""Bundles are split by sizes and prefixes: bounded work, and all or nothing."""

import random

import pytest

from interfaces.core.clock import VirtualClock
from interfaces.osc.bundles import MAX_ELEMENTS, BundleReader, split_bundle
from interfaces.osc.message import MAX_DEPTH, OscError, decode, encode
from tests.interfaces.osc.services import bundle

WANTED, OTHER = encode("/avatar/parameters/Mood", 0.5), encode("/input/Vertical", 1.0)


def nested(inner, levels):
    for _ in range(levels):
        inner = bundle(inner)
    return inner


def test_wanted_messages_come_in_order_from_every_level():
    second = encode("/avatar/change", "avtr_1")
    whole = bundle(OTHER, WANTED, bundle(OTHER, bundle(second)), bundle(), WANTED)
    assert split_bundle(whole, b"/avatar/") == [WANTED, second, WANTED]


@pytest.mark.parametrize(("levels", "is_read"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_depth_is_bounded(levels, is_read):
    assert split_bundle(nested(WANTED, levels), b"/avatar/") == ([WANTED] if is_read else None)


@pytest.mark.parametrize("inside", [WANTED, OTHER, bundle()])
def test_bundle_with_too_many_elements_is_dropped_as_a_whole(inside):
    most = split_bundle(bundle(*[inside] * MAX_ELEMENTS), b"/avatar/")
    assert most == [inside] * MAX_ELEMENTS * (inside == WANTED)
    assert split_bundle(bundle(*[inside] * (MAX_ELEMENTS + 1)), b"/avatar/") is None


def test_every_cut_and_every_wrong_size_drops_the_whole_bundle():
    whole = bundle(WANTED, bundle(OTHER))
    for end in range(len(whole)):
        # A bundle that ends between two elements is a shorter bundle.
        expected = {16: [], 16 + 4 + len(WANTED): [WANTED]}.get(end)
        assert split_bundle(whole[:end], b"/avatar/") == expected, end
    for size in (0, -1, 1, 2**31 - 1, len(whole)):
        wrong = whole[:16] + size.to_bytes(4, "big", signed=True) + whole[20:]
        assert split_bundle(wrong, b"/avatar/") is None


def test_random_bundles_are_read_as_the_decoder_reads_them():
    rng, agreed = random.Random(0), 0
    whole = bundle(WANTED, OTHER, bundle(WANTED, bundle(OTHER, WANTED)))
    for _ in range(4000):
        raw = bytearray(whole)
        for _ in range(rng.randrange(4)):
            raw[rng.randrange(16, len(raw))] = rng.choice([0, 4, 16, 36, 47, rng.randrange(256)])
        mutated = bytes(raw)
        found = split_bundle(mutated, b"/")
        try:
            messages = decode(mutated)
        except OscError:
            continue
        agreed += 1
        assert [decode(each)[0] for each in found or ()] == messages
    assert agreed > 500


def test_flood_of_bundles_is_dropped_until_the_window_ends():
    clock = VirtualClock(3.0)
    reader = BundleReader(b"/avatar/", clock.now)
    small, large = bundle(WANTED), bundle(*[WANTED] * 200)
    for _ in range(3):
        read = [bool(reader.messages(large)) for _ in range(100)]
        assert 3 < sum(read) < 20
        assert read == sorted(read, reverse=True)
        assert not reader.messages(small)
        clock.advance(0.06)
        assert reader.messages(small) == [WANTED]
        clock.advance(0.06)


def test_bundle_without_a_wanted_address_uses_nothing_up():
    reader = BundleReader(b"/avatar/", VirtualClock(3.0).now)
    for _ in range(100):
        assert reader.messages(bundle(*[OTHER] * 100)) == []
    assert reader.messages(bundle(WANTED)) == [WANTED]
