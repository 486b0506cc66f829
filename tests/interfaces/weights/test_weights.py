"""Weights: the reader applies only complete, checked and newer versions; rollback by a pin."""

import json
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from interfaces.weights import (
    Manifest,
    WeightsError,
    WeightsReader,
    WeightsWriter,
    discard_versions_from,
    newest_applied,
    pin,
    unpin,
)
from interfaces.weights.slots import Slots, live_path
from interfaces.weights.versions import stored_versions
from tests.polling import wait_until

ROOT = Path(__file__).parents[3]  # not from conftest, which imports torch
MANIFEST = Manifest((("a", (3, 4)), ("b", (5,))))


def make_reader(folder, manifest=MANIFEST, keep_bytes=1_000_000):
    """A reader whose networks are the flat buffer itself."""
    return WeightsReader(folder, manifest, lambda flat: flat, keep_bytes)


def flat(value, manifest=MANIFEST):
    return np.full(manifest.size, value, np.float32)


def apply_versions(folder, *versions, keep_bytes=1_000_000):
    """A writer, and a reader that has applied and stored each of these versions."""
    writer, reader = WeightsWriter(folder, MANIFEST), make_reader(folder, keep_bytes=keep_bytes)
    for version in versions:
        writer.publish(flat(version), version, 0)
        reader.poll()
        reader.take_newer()
        reader.save_applied()
    return writer, reader


def test_published_version_is_taken_once(awkward_path):
    writer, reader = WeightsWriter(awkward_path, MANIFEST), make_reader(awkward_path)
    assert not reader.poll()
    assert reader.take_newer() is None
    writer.publish(flat(1), 1, 123)
    assert reader.poll()
    taken = reader.take_newer()
    assert (taken.version, taken.publish_ns) == (1, 123)
    np.testing.assert_array_equal(taken.networks, flat(1))
    assert not reader.poll()
    assert reader.take_newer() is None


def test_newest_version_wins_and_the_buffer_in_use_is_never_overwritten(tmp_path):
    writer, reader = WeightsWriter(tmp_path, MANIFEST), make_reader(tmp_path)
    writer.publish(flat(1), 1, 0)
    reader.poll()
    in_use = reader.take_newer()
    for version in range(2, 9):
        writer.publish(flat(version), version, 0)
        reader.poll()
        reader.poll()
        np.testing.assert_array_equal(in_use.networks, flat(in_use.version))
        if version % 3 == 0:
            in_use = reader.take_newer()
            np.testing.assert_array_equal(in_use.networks, flat(in_use.version))
    reader.take_newer()
    reader.poll()
    assert reader.take_newer().version == 8


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused_by_writer_and_reader(tmp_path, bad):
    writer, reader = WeightsWriter(tmp_path, MANIFEST), make_reader(tmp_path)
    poisoned = flat(1)
    poisoned[7] = bad
    with pytest.raises(WeightsError, match="not finite"):
        writer.publish(poisoned, 1, 0)
    writer.publish(flat(1), 1, 0)
    slots = Slots(live_path(tmp_path, MANIFEST), MANIFEST)
    slot = slots.newest()
    slots.data[slot] = poisoned
    slots.crc[slot] = zlib.crc32(poisoned)
    assert not reader.poll()
    assert not reader.poll()
    assert reader.refused == {"not finite": 1}, "refused once, not at every poll"


def test_wrong_checksum_is_refused(tmp_path):
    writer, reader = WeightsWriter(tmp_path, MANIFEST), make_reader(tmp_path)
    writer.publish(flat(1), 1, 0)
    slots = Slots(live_path(tmp_path, MANIFEST), MANIFEST)
    slots.data[slots.newest(), 3] = 1.0000001
    assert not reader.poll()
    assert reader.refused_total == 1
    writer.publish(flat(2), 2, 0)
    assert reader.poll(), "the next valid version is taken"


def test_older_versions_and_other_shapes_are_refused(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    writer.publish(flat(5), 5, 0)
    for version in (5, 4):
        with pytest.raises(WeightsError, match="not newer than 5"):
            writer.publish(flat(1), version, 0)
    with pytest.raises(WeightsError, match="shape"):
        writer.publish(np.zeros(3, np.float32), 6, 0)
    assert WeightsWriter(tmp_path, MANIFEST).last_version == 5, "a new writer continues"


def test_weights_of_another_network_are_refused(tmp_path):
    WeightsWriter(tmp_path, MANIFEST).publish(flat(1), 1, 0)
    other = Manifest((("a", (4, 3)), ("b", (5,))))
    assert other.size == MANIFEST.size
    reader = make_reader(tmp_path, other)
    assert not reader.poll()
    live_path(tmp_path, MANIFEST).rename(live_path(tmp_path, other))
    with pytest.raises(WeightsError, match="another network"):
        make_reader(tmp_path, other).poll()


def test_stored_version_that_is_damaged_or_of_another_network_is_refused(tmp_path):
    writer, reader = WeightsWriter(tmp_path, MANIFEST), make_reader(tmp_path)
    writer.publish(flat(1), 1, 0)
    reader.poll()
    reader.take_newer()
    reader.save_applied()
    pin(tmp_path, 1)
    other = make_reader(tmp_path, Manifest((("a", (4, 3)), ("b", (5,)))))
    assert not other.poll()
    assert not other.poll()
    assert other.refused == {"not stored": 1}
    next((tmp_path / "applied").iterdir()).write_bytes(b"junk")
    again = make_reader(tmp_path)
    assert not again.poll()
    assert again.refused == {"not stored": 1}


def test_live_file_without_a_header_is_replaced_by_the_writer_only(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    path = live_path(tmp_path, MANIFEST)
    del writer
    for content in (bytes(path.stat().st_size), path.read_bytes()[:4200], b""):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="another network"):
            make_reader(tmp_path).poll()
        again = WeightsWriter(tmp_path, MANIFEST)
        again.publish(flat(1), 1, 0)
        assert make_reader(tmp_path).poll()
        del again


def test_manifest_holds_order_names_and_shapes():
    assert MANIFEST.to_json() == [["a", [3, 4]], ["b", [5]]]
    assert MANIFEST.size == 17
    assert MANIFEST.hash != Manifest((("b", (5,)), ("a", (3, 4)))).hash


def test_buffer_that_is_not_contiguous_can_be_published(tmp_path):
    WeightsWriter(tmp_path, MANIFEST).publish(np.ones(34, np.float32)[::2], 1, 0)
    assert make_reader(tmp_path).poll()


def test_slot_of_a_writer_killed_while_publishing_is_skipped(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    writer.publish(flat(1), 1, 0)
    slots = Slots(live_path(tmp_path, MANIFEST), MANIFEST)
    incomplete = (slots.newest() + 1) % 3
    slots.sequence[incomplete] |= 1
    slots.version[incomplete] = 2
    reader = make_reader(tmp_path)
    reader.poll()
    assert reader.take_newer().version == 1
    again = WeightsWriter(tmp_path, MANIFEST)
    again.publish(flat(2), 2, 0)
    reader.poll()
    assert reader.take_newer().version == 2


def test_applied_versions_are_stored_within_the_budget_but_at_least_two(tmp_path):
    apply_versions(tmp_path, *range(1, 6), keep_bytes=1)
    assert stored_versions(tmp_path) == [4, 5]
    assert newest_applied(tmp_path) == 5


def test_pin_rolls_back_and_unpin_follows_again(tmp_path):
    writer, reader = apply_versions(tmp_path, 1, 2, 3)
    with pytest.raises(WeightsError, match="Stored versions: 1, 2, 3"):
        pin(tmp_path, 7)
    pin(tmp_path, 2)
    assert reader.poll()
    pinned = reader.take_newer()
    assert pinned.version == 2
    np.testing.assert_array_equal(pinned.networks, flat(2))
    writer.publish(flat(4), 4, 0)
    assert not reader.poll(), "the pin keeps newer versions away"
    unpin(tmp_path)
    assert reader.poll()
    assert reader.take_newer().version == 4


def test_discarding_newer_versions_keeps_the_older_ones(tmp_path):
    apply_versions(tmp_path, 1, 2, 3)
    pin(tmp_path, 1)
    discard_versions_from(tmp_path, 2)
    assert stored_versions(tmp_path) == [1]
    reader = make_reader(tmp_path)
    assert not reader.poll(), "there is no live file and no pin"
    WeightsWriter(tmp_path, MANIFEST).publish(flat(7), 2, 0)
    assert reader.poll()
    np.testing.assert_array_equal(reader.take_newer().networks, flat(7))


def test_thread_receives_and_stores_versions(tmp_path):
    writer, reader = WeightsWriter(tmp_path, MANIFEST), make_reader(tmp_path)
    reader.start()
    try:
        writer.publish(flat(1), 1, 0)
        taken = wait_until(reader.take_newer, "a new version")
        wait_until(lambda: newest_applied(tmp_path) == 1, "a stored version")
    finally:
        reader.stop()
    assert taken.version == 1


def test_every_applied_version_is_stored_at_full_publishing_speed(tmp_path):
    manifest = Manifest((("w", (100_000,)),))
    writer, reader = WeightsWriter(tmp_path, manifest), make_reader(tmp_path, manifest, 10**9)
    reader.start()
    version, applied, deadline = 0, [], time.perf_counter() + 10
    while len(applied) < 8:
        assert time.perf_counter() < deadline
        version += 1
        writer.publish(flat(version, manifest), version, 0)
        if taken := reader.take_newer():
            applied.append(taken.version)
    reader.stop()
    assert stored_versions(tmp_path) == applied


def test_pin_that_cannot_be_read_still_holds(tmp_path):
    writer, reader = apply_versions(tmp_path, 1, 2)
    pin(tmp_path, 1)
    reader.poll()
    reader.take_newer()
    writer.publish(flat(3), 3, 0)
    (tmp_path / "pin.json").write_text("{", encoding="utf-8")
    assert not reader.poll()
    unpin(tmp_path)
    assert reader.poll()


_PUBLISHER = """
import sys, time
from pathlib import Path
import numpy as np
from interfaces.weights import Manifest, WeightsWriter
manifest = Manifest((("w", (int(sys.argv[2]),)),))
writer = WeightsWriter(Path(sys.argv[1]), manifest)
print("ready", flush=True)
version = 0
while True:
    version += 1
    writer.publish(np.full(manifest.size, version, np.float32), version, 0)
"""


def test_every_version_is_complete_at_full_publishing_speed(tmp_path):
    """A process publishes 5 MB without a pause."""
    manifest = Manifest((("w", (1_250_000,)),))
    publisher = subprocess.Popen(
        [sys.executable, "-c", _PUBLISHER, str(tmp_path), str(manifest.size)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert publisher.stdout.readline().strip() == b"ready"
        reader = make_reader(tmp_path, manifest)
        taken, last = 0, 0
        deadline = time.perf_counter() + 60
        while taken < 100:
            assert time.perf_counter() < deadline
            reader.poll()
            newer = reader.take_newer()
            if newer is None:
                continue
            assert newer.version > last
            assert (newer.networks == newer.version).all(), json.dumps(reader.refused)
            taken, last = taken + 1, newer.version
        assert set(reader.refused) <= {"torn"}
    finally:
        publisher.kill()
        publisher.wait()
        publisher.stdout.close()
