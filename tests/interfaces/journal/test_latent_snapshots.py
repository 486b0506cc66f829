"""Keyframes: a file that a crash, a full disk and another network leave usable."""

import numpy as np
import pytest
from loguru import logger

from interfaces.journal.latent_snapshots import (
    KEYFRAME_STEPS,
    drop_keyframes,
    open_keyframes,
    read_keyframes,
)

SIZE = 5


def feature(index):
    return np.full(SIZE, index, np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "夢" / "keyframes.bin"


def filled(path, end):
    path.parent.mkdir(exist_ok=True)
    kept = open_keyframes(path, SIZE, 0)
    for index in range(0, end, KEYFRAME_STEPS // 2):  # every other one is not due
        kept.take(index, feature(index))
    return kept


def indices(path):
    found = read_keyframes(path, SIZE)
    for index, kept in found.items():
        np.testing.assert_array_equal(kept, feature(index))
    return sorted(found)


def test_those_that_are_due_are_kept_also_by_the_next_life(path):
    filled(path, 301)
    assert indices(path) == [0, 100, 200, 300]
    open_keyframes(path, SIZE, 310).take(400, feature(400))
    assert indices(path) == [0, 100, 200, 300, 400]


def test_those_of_steps_that_were_lost_are_none(path):
    filled(path, 301)
    open_keyframes(path, SIZE, 200)
    assert indices(path) == [0, 100]


def test_the_newest_takes_the_place_of_the_oldest(path):
    size = None
    kept = filled(path, 1)
    for number in range(1, 1500):
        kept.take(number * KEYFRAME_STEPS, feature(number * KEYFRAME_STEPS))
        size = size or path.stat().st_size
    assert path.stat().st_size == size
    found = indices(path)
    assert found == [number * KEYFRAME_STEPS for number in range(1500 - len(found), 1500)]
    assert len(found) > 1000


def test_one_half_written_is_none(path):
    filled(path, 301)
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(feature(200).tobytes()))
        file.write(b"torn")
    assert indices(path) == [0, 100, 300]
    drop_keyframes(path, 301)
    assert b"torn" not in path.read_bytes(), "nobody knows of which Step it was"


def test_what_was_dropped_is_not_in_the_file(path):
    filled(path, 301)
    drop_keyframes(path, 150)
    assert indices(path) == [0, 100]
    content = path.read_bytes()
    assert feature(200).tobytes() not in content
    assert feature(100).tobytes() in content
    drop_keyframes(path, 150, before=50)
    assert indices(path) == [100]


def test_another_memory_s_are_none(path):
    filled(path, 301)
    assert read_keyframes(path, SIZE + 1) == {}
    open_keyframes(path, SIZE + 1, 301)
    assert read_keyframes(path, SIZE) == {}


@pytest.mark.parametrize("content", [b"", b"YUMEK001", bytes(1000)], ids=["empty", "cut", "zeros"])
def test_a_file_that_is_none_is_made_anew(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert read_keyframes(path, SIZE) == {}
    drop_keyframes(path, 0)
    filled(path, 101)
    assert indices(path) == [0, 100]


def test_there_are_none_where_there_is_no_file(path):
    assert read_keyframes(path, SIZE) == {}
    drop_keyframes(path, 0)


def test_a_disk_that_does_not_allow_it_is_no_reason_not_to_live(path):
    path.mkdir(parents=True)
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    try:
        assert open_keyframes(path, SIZE, 0) is None
    finally:
        logger.remove(sink)
    assert len(lines) == 1
    assert "no keyframes" in lines[0]


def test_a_file_that_nobody_can_read_keeps_nothing(path):
    filled(path, 301)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    drop_keyframes(path, 0)
    assert not path.exists()
