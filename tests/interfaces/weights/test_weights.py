"""Weights: never torn, never unchecked, never older; and the way back."""

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
    go_back,
    newest_applied,
    pin,
    unpin,
)
from interfaces.weights.slots import Slots, live_path
from interfaces.weights.versions import kept_versions

ROOT = Path(__file__).parents[2]  # not from conftest: the child process here needs no torch
MANIFEST = Manifest((("a", (3, 4)), ("b", (5,))))


def reader(folder, manifest=MANIFEST, keep_bytes=1_000_000):
    return WeightsReader(folder, manifest, lambda flat: flat, keep_bytes)


def flat(value, manifest=MANIFEST):
    return np.full(manifest.size, value, np.float32)


def applied(folder, *versions, keep_bytes=1_000_000):
    """A writer, and a body that has worn and kept each of these versions."""
    writer, body = WeightsWriter(folder, MANIFEST), reader(folder, keep_bytes=keep_bytes)
    for version in versions:
        writer.publish(flat(version), version, 0)
        body.poll()
        body.take_newer()
        body.save_applied()
    return writer, body


def test_published_is_taken_once_and_only_when_newer(awkward_path):
    writer, body = WeightsWriter(awkward_path, MANIFEST), reader(awkward_path)
    assert not body.poll()
    assert body.take_newer() is None
    writer.publish(flat(1), 1, 123)
    assert body.poll()
    taken = body.take_newer()
    assert (taken.version, taken.publish_ns) == (1, 123)
    np.testing.assert_array_equal(taken.networks, flat(1))
    assert not body.poll()
    assert body.take_newer() is None


def test_the_newest_wins_and_what_is_in_use_is_never_overwritten(tmp_path):
    writer, body = WeightsWriter(tmp_path, MANIFEST), reader(tmp_path)
    writer.publish(flat(1), 1, 0)
    body.poll()
    in_use = body.take_newer()
    for version in range(2, 9):
        writer.publish(flat(version), version, 0)
        body.poll()
        body.poll()
        np.testing.assert_array_equal(in_use.networks, flat(in_use.version))
        if version % 3 == 0:
            in_use = body.take_newer()
            np.testing.assert_array_equal(in_use.networks, flat(in_use.version))
    body.take_newer()
    body.poll()
    assert body.take_newer().version == 8


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_at_both_ends(tmp_path, bad):
    writer, body = WeightsWriter(tmp_path, MANIFEST), reader(tmp_path)
    poisoned = flat(1)
    poisoned[7] = bad
    with pytest.raises(WeightsError, match="not finite"):
        writer.publish(poisoned, 1, 0)
    writer.publish(flat(1), 1, 0)
    slots = Slots(live_path(tmp_path, MANIFEST), MANIFEST, write=True)
    slot = slots.newest()
    slots.data[slot] = poisoned
    slots.crc[slot] = zlib.crc32(poisoned)
    assert not body.poll()
    assert not body.poll()
    assert body.refused == {"not finite": 1}, "refused once, not at every poll"


def test_a_flipped_bit_is_refused(tmp_path):
    writer, body = WeightsWriter(tmp_path, MANIFEST), reader(tmp_path)
    writer.publish(flat(1), 1, 0)
    slots = Slots(live_path(tmp_path, MANIFEST), MANIFEST, write=True)
    slots.data[slots.newest(), 3] = 1.0000001
    assert not body.poll()
    assert body.refused_total == 1
    writer.publish(flat(2), 2, 0)
    assert body.poll(), "and the next good one is taken"


def test_older_versions_and_other_shapes_are_refused(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    writer.publish(flat(5), 5, 0)
    for version in (5, 4):
        with pytest.raises(WeightsError, match="not newer than 5"):
            writer.publish(flat(1), version, 0)
    with pytest.raises(WeightsError, match="shape"):
        writer.publish(np.zeros(3, np.float32), 6, 0)
    assert WeightsWriter(tmp_path, MANIFEST).last_version == 5, "a new writer goes on after it"


def test_another_network_never_meets_these_weights(tmp_path):
    WeightsWriter(tmp_path, MANIFEST).publish(flat(1), 1, 0)
    other = Manifest((("a", (4, 3)), ("b", (5,))))
    assert other.size == MANIFEST.size
    body = reader(tmp_path, other)
    assert not body.poll()
    live_path(tmp_path, MANIFEST).rename(live_path(tmp_path, other))
    with pytest.raises(WeightsError, match="another network"):
        reader(tmp_path, other).poll()


def test_kept_weights_of_another_network_or_damaged_are_refused(tmp_path):
    writer, body = WeightsWriter(tmp_path, MANIFEST), reader(tmp_path)
    writer.publish(flat(1), 1, 0)
    body.poll()
    body.take_newer()
    body.save_applied()
    pin(tmp_path, 1)
    other = reader(tmp_path, Manifest((("a", (4, 3)), ("b", (5,)))))
    assert not other.poll()
    assert not other.poll()
    assert other.refused == {"not kept": 1}
    next((tmp_path / "applied").iterdir()).write_bytes(b"junk")
    again = reader(tmp_path)
    assert not again.poll()
    assert again.refused == {"not kept": 1}


def test_a_live_file_without_a_header_is_made_anew_by_the_writer_only(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    path = live_path(tmp_path, MANIFEST)
    del writer
    for content in (bytes(path.stat().st_size), path.read_bytes()[:4200], b""):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="another network"):
            reader(tmp_path).poll()
        again = WeightsWriter(tmp_path, MANIFEST)
        again.publish(flat(1), 1, 0)
        assert reader(tmp_path).poll()
        del again


def test_the_manifest_tells_order_names_and_shapes():
    assert MANIFEST.to_json() == [["a", [3, 4]], ["b", [5]]]
    assert MANIFEST.size == 17
    assert MANIFEST.hash != Manifest((("b", (5,)), ("a", (3, 4)))).hash


def test_a_buffer_of_every_second_number_is_published_too(tmp_path):
    WeightsWriter(tmp_path, MANIFEST).publish(np.ones(34, np.float32)[::2], 1, 0)
    assert reader(tmp_path).poll()


def test_a_writer_killed_in_mid_publish_is_passed_over(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    writer.publish(flat(1), 1, 0)
    slots = Slots(live_path(tmp_path, MANIFEST), MANIFEST, write=True)
    half = (slots.newest() + 1) % 3
    slots.sequence[half] |= 1
    slots.version[half] = 2
    body = reader(tmp_path)
    body.poll()
    assert body.take_newer().version == 1
    again = WeightsWriter(tmp_path, MANIFEST)
    again.publish(flat(2), 2, 0)
    body.poll()
    assert body.take_newer().version == 2


def test_applied_versions_are_kept_within_the_budget_and_two_always(tmp_path):
    applied(tmp_path, *range(1, 6), keep_bytes=1)
    kept = sorted(int(path.stem) for path in (tmp_path / "applied").glob("*.safetensors"))
    assert kept == [4, 5]
    assert newest_applied(tmp_path) == 5


def test_rollback_pins_and_release_follows_again(tmp_path):
    writer, body = applied(tmp_path, 1, 2, 3)
    with pytest.raises(WeightsError, match="kept are: 1, 2, 3"):
        pin(tmp_path, 7)
    pin(tmp_path, 2)
    assert body.poll()
    back = body.take_newer()
    assert back.version == 2
    np.testing.assert_array_equal(back.networks, flat(2))
    writer.publish(flat(4), 4, 0)
    assert not body.poll(), "pinned: nothing newer"
    unpin(tmp_path)
    assert body.poll()
    assert body.take_newer().version == 4


def test_a_life_that_goes_back_keeps_what_was_before(tmp_path):
    applied(tmp_path, 1, 2, 3)
    pin(tmp_path, 1)
    go_back(tmp_path, 2)
    assert kept_versions(tmp_path) == [1]
    body = reader(tmp_path)
    assert not body.poll(), "nothing is live, and nothing pinned"
    WeightsWriter(tmp_path, MANIFEST).publish(flat(7), 2, 0)
    assert body.poll()
    np.testing.assert_array_equal(body.take_newer().networks, flat(7))


def test_the_thread_brings_newer_ones_and_keeps_them(tmp_path):
    writer, body = WeightsWriter(tmp_path, MANIFEST), reader(tmp_path)
    body.start()
    try:
        writer.publish(flat(1), 1, 0)
        deadline = time.monotonic() + 10
        while (taken := body.take_newer()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        while newest_applied(tmp_path) != 1:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        body.stop()
    assert taken.version == 1


def test_every_version_applied_is_kept_however_fast_they_come(tmp_path):
    manifest = Manifest((("w", (100_000,)),))
    writer, body = WeightsWriter(tmp_path, manifest), reader(tmp_path, manifest, 10**9)
    body.start()
    version, applied, deadline = 0, [], time.monotonic() + 10
    while len(applied) < 8:
        assert time.monotonic() < deadline
        version += 1
        writer.publish(flat(version, manifest), version, 0)
        if taken := body.take_newer():
            applied.append(taken.version)
    body.stop()
    kept = sorted(int(path.stem) for path in (tmp_path / "applied").glob("*.safetensors"))
    assert kept == applied


def test_a_pin_that_cannot_be_read_just_now_still_holds(tmp_path):
    writer, body = WeightsWriter(tmp_path, MANIFEST), reader(tmp_path)
    for version in (1, 2):
        writer.publish(flat(version), version, 0)
        body.poll()
        body.take_newer()
        body.save_applied()
    pin(tmp_path, 1)
    body.poll()
    body.take_newer()
    writer.publish(flat(3), 3, 0)
    (tmp_path / "pin.json").write_text("{", encoding="utf-8")
    assert not body.poll()
    unpin(tmp_path)
    assert body.poll()


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


def test_no_torn_read_at_full_speed(tmp_path):
    """5 MB, a writer that never rests: every version taken is of one piece."""
    manifest = Manifest((("w", (1_250_000,)),))
    publisher = subprocess.Popen(
        [sys.executable, "-c", _PUBLISHER, str(tmp_path), str(manifest.size)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        publisher.stdout.readline()
        body = reader(tmp_path, manifest)
        taken, last = 0, 0
        deadline = time.monotonic() + 60
        while taken < 100:
            assert time.monotonic() < deadline
            body.poll()
            newer = body.take_newer()
            if newer is None:
                continue
            assert newer.version > last
            assert (newer.networks == newer.version).all(), json.dumps(body.refused)
            taken, last = taken + 1, newer.version
        assert set(body.refused) <= {"torn"}
    finally:
        publisher.kill()
        publisher.wait()
        publisher.stdout.close()
