"""Damaged files of published weights: refused with one error, or the right weights are taken."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from loguru import logger

from interfaces.ipc.no_links import LinkRefused
from interfaces.weights.publisher import WeightsWriter
from interfaces.weights.receiver import WeightsReader
from interfaces.weights.slots import Manifest, WeightsError, live_path
from tests.binary_mutations import damaged_copies
from tests.mutations import only_raises

SIZE, COPIES = 24, 800
MANIFEST = Manifest((("w", (SIZE,)),))


def test_damaged_weights_are_refused_or_right(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    for version in (3, 4, 5):
        writer.publish(np.full(SIZE, version, np.float32), version, 10 * version)
    path = live_path(tmp_path, MANIFEST)
    content = path.read_bytes()
    slots = [(256 + 32 * i, 288 + 32 * i) for i in range(3)]
    data = [(4096 + 4 * SIZE * i, 4096 + 4 * SIZE * (i + 1)) for i in range(3)]
    taken = 0

    def read(copy):
        nonlocal taken
        path.write_bytes(copy)
        reader = WeightsReader(tmp_path, MANIFEST, np.copy, 10**6)
        if reader.poll():
            applied = reader.take_newer()
            assert applied is not None
            assert applied.publish_ns == 10 * applied.version
            assert applied.version in (3, 4, 5)
            taken += 1

    parts = [(0, 80), *slots, *data]
    accepted, refused = only_raises(WeightsError, read, damaged_copies(content, parts, COPIES))
    assert accepted + refused == COPIES
    assert taken > 0.2 * COPIES
    assert refused > 0.2 * COPIES


def test_a_trainer_continues_after_a_damaged_header(tmp_path):
    """The file is its own, so it is made again; the next version is published into it."""
    WeightsWriter(tmp_path, MANIFEST).publish(np.ones(SIZE, np.float32), 7, 1)
    path = live_path(tmp_path, MANIFEST)
    for position in (3, 10, 30):
        content = bytearray(path.read_bytes())
        content[position] ^= 4
        path.write_bytes(content)
        writer = WeightsWriter(tmp_path, MANIFEST)
        assert writer.last_version == 0
        writer.publish(np.ones(SIZE, np.float32), 8, 2)


def test_a_version_that_a_flipped_bit_made_newer_is_not_applied(tmp_path):
    writer = WeightsWriter(tmp_path, MANIFEST)
    for version in (3, 4):
        writer.publish(np.full(SIZE, version, np.float32), version, 1)
    path = live_path(tmp_path, MANIFEST)
    content = bytearray(path.read_bytes())
    place = content.index((4).to_bytes(8, "little"), 256)
    content[place + 5] ^= 16  # version 4 becomes 4 + 2**44
    path.write_bytes(content)
    writer = WeightsWriter(tmp_path, MANIFEST)
    assert writer.last_version == 3
    writer.publish(np.full(SIZE, 5.0, np.float32), 5, 1)
    reader = WeightsReader(tmp_path, MANIFEST, np.copy, 10**6)
    assert reader.poll()
    assert reader.take_newer().version == 5


@pytest.mark.parametrize("content", [b"notes of somebody else" * 9, b"\x89PNG" + bytes(9000)])
def test_a_foreign_file_of_the_same_name_is_set_aside(tmp_path, content):
    path, lines = live_path(tmp_path, MANIFEST), []
    path.write_bytes(content)
    notes = tmp_path / "live-notes.mmap"
    notes.write_bytes(content)
    reader = WeightsReader(tmp_path, MANIFEST, np.copy, 10**6)
    with pytest.raises(WeightsError):
        reader.poll()
    handler = logger.add(lambda line: lines.append(str(line)), format="{message}")
    writer = WeightsWriter(tmp_path, MANIFEST)
    logger.remove(handler)
    writer.publish(np.full(SIZE, 1.0, np.float32), 1, 1)
    assert reader.poll(), "a reader that refused the foreign file finds the new one"
    aside = path.with_name(f"{path.name}.damaged-1")
    assert aside.read_bytes() == notes.read_bytes() == content
    assert len(lines) == 1
    assert str(path) in lines[0]
    assert aside.name in lines[0]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_in_place_of_the_live_file_is_refused(tmp_path, link):
    (tmp_path / "weights").mkdir()
    outside, path = tmp_path / "outside", live_path(tmp_path / "weights", MANIFEST)
    outside.write_bytes(b"notes of somebody else" * 9)
    link(path, outside)
    before = os.lstat(path)
    with pytest.raises(LinkRefused):
        WeightsWriter(tmp_path / "weights", MANIFEST)
    assert os.lstat(path) == before
    assert outside.read_bytes() == b"notes of somebody else" * 9
