"""Latent snapshots: the file stays usable after a crash, a full disk and another network."""

import numpy as np
import pytest
from loguru import logger

from interfaces.journal.latent_snapshots import (
    SNAPSHOT_INTERVAL_STEPS,
    drop_latent_snapshots,
    open_latent_snapshots,
    read_latent_snapshots,
)

SIZE = 5


def feature(index):
    return np.full(SIZE, index, np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "夢" / "keyframes.bin"


def write_snapshots(path, end):
    """Offer the features of the Steps up to `end`. Every second one is not due."""
    path.parent.mkdir(exist_ok=True)
    snapshots = open_latent_snapshots(path, SIZE, 0)
    for index in range(0, end, SNAPSHOT_INTERVAL_STEPS // 2):
        snapshots.save_if_due(index, feature(index))
    return snapshots


def stored_indices(path):
    """The indices of the stored snapshots. Checks their features."""
    stored = read_latent_snapshots(path, SIZE)
    for index, stored_feature in stored.items():
        np.testing.assert_array_equal(stored_feature, feature(index))
    return sorted(stored)


def test_due_snapshots_are_stored_and_a_resumed_run_adds_to_them(path):
    write_snapshots(path, 301)
    assert stored_indices(path) == [0, 100, 200, 300]
    open_latent_snapshots(path, SIZE, 310).save_if_due(400, feature(400))
    assert stored_indices(path) == [0, 100, 200, 300, 400]


def test_snapshots_of_lost_steps_are_erased(path):
    write_snapshots(path, 301)
    open_latent_snapshots(path, SIZE, 200)
    assert stored_indices(path) == [0, 100]


def test_newest_snapshot_replaces_the_oldest(path):
    snapshots = write_snapshots(path, 1)
    size = path.stat().st_size
    for number in range(1, 1500):
        index = number * SNAPSHOT_INTERVAL_STEPS
        snapshots.save_if_due(index, feature(index))
    assert path.stat().st_size == size
    indices = stored_indices(path)
    assert indices == [n * SNAPSHOT_INTERVAL_STEPS for n in range(1500 - len(indices), 1500)]
    assert len(indices) > 1000


def test_incomplete_snapshot_is_skipped_and_erased(path):
    write_snapshots(path, 301)
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(feature(200).tobytes()))
        file.write(b"torn")
    assert stored_indices(path) == [0, 100, 300]
    drop_latent_snapshots(path, 301)
    assert b"torn" not in path.read_bytes(), "its Step is unknown"


def test_dropped_snapshots_are_not_in_the_file(path):
    write_snapshots(path, 301)
    drop_latent_snapshots(path, 150)
    assert stored_indices(path) == [0, 100]
    content = path.read_bytes()
    assert feature(200).tobytes() not in content
    assert feature(100).tobytes() in content
    drop_latent_snapshots(path, 150, before=50)
    assert stored_indices(path) == [100]


def test_snapshots_of_another_feature_size_are_ignored(path):
    write_snapshots(path, 301)
    assert read_latent_snapshots(path, SIZE + 1) == {}
    open_latent_snapshots(path, SIZE + 1, 301)
    assert read_latent_snapshots(path, SIZE) == {}


@pytest.mark.parametrize("content", [b"", b"YUMEK001", bytes(1000)], ids=["empty", "cut", "zeros"])
def test_invalid_file_is_replaced(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert read_latent_snapshots(path, SIZE) == {}
    drop_latent_snapshots(path, 0)
    write_snapshots(path, 101)
    assert stored_indices(path) == [0, 100]


def test_missing_file_has_no_snapshots(path):
    assert read_latent_snapshots(path, SIZE) == {}
    drop_latent_snapshots(path, 0)


def test_unwritable_file_gives_one_warning_and_no_snapshots(path):
    path.mkdir(parents=True)
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    try:
        assert open_latent_snapshots(path, SIZE, 0) is None
    finally:
        logger.remove(sink)
    assert len(lines) == 1
    assert "no latent snapshots" in lines[0]


def test_unreadable_file_is_deleted_on_drop(path):
    write_snapshots(path, 301)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    drop_latent_snapshots(path, 0)
    assert not path.exists()
