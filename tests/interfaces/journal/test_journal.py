"""The journal: order, freeing, holds, gaps, damage, and the death of its writer."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.journal import JournalError, JournalReader, JournalWriter, recoverable_end
from interfaces.journal import writer as writer_module
from interfaces.journal.layout import segment_paths

ROOT = Path(__file__).parents[2]  # not from conftest: the child processes here need no torch
SPACES = Spaces((8, 8, 3), ("Speed",), (ActionConfig(name="Vertical"),))
OTHER = Spaces((8, 8, 3), ("Speed", "Pat"), (ActionConfig(name="Vertical"),))


def writer(folder, **more):
    return JournalWriter(
        folder, SPACES, **{"segment_steps": 16, "max_steps": 64, "background": False} | more
    )


def append(journal, count, start=0):
    """Steps whose every part tells their number."""
    step = np.zeros((), step_dtype(SPACES))
    kept = 0
    for i in range(start, start + count):
        step["tick"], step["image"], step["vector"] = i, i % 251, i
        kept += journal.append(step)
    return kept


def damage(path, row):
    """Flip one bit in the middle of a record."""
    content = bytearray(path.read_bytes())
    record = (len(content) - 4096) // 16
    content[4096 + row * record + record // 2] ^= 1
    path.write_bytes(content)


def told(rows):
    """Whether every part of each row tells the same number."""
    ticks = rows["tick"].astype(np.int64)
    return (rows["image"] == (ticks % 251)[:, None, None, None]).all() and (
        rows["vector"] == ticks[:, None]
    ).all()


def test_what_is_written_is_read_in_order_across_segments(awkward_path):
    journal = writer(awkward_path, max_steps=1000)
    reader = JournalReader(awkward_path)
    append(journal, 50)
    reader.refresh()
    assert (reader.first, reader.end) == (0, 50)
    rows = reader.read(3, 40, verify=True)
    np.testing.assert_array_equal(rows["index"], np.arange(3, 43))
    assert told(rows)
    windows = reader.gather(np.array([0, 14, 40]), 10, ["tick", "image"])
    np.testing.assert_array_equal(windows["tick"][1], np.arange(14, 24))
    assert windows["image"].shape == (3, 10, 8, 8, 3)
    with pytest.raises(IndexError, match="0 to 50"):
        reader.read(45, 10)


def test_a_reader_may_come_before_the_journal(tmp_path):
    reader = JournalReader(tmp_path / "journal")
    assert (reader.first, reader.end) == (0, 0)
    append(writer(tmp_path / "journal"), 5)
    reader.refresh()
    assert reader.end == 5


def test_old_segments_are_freed_and_readers_survive_it(tmp_path):
    journal = writer(tmp_path)
    reader = JournalReader(tmp_path)
    append(journal, 40)
    reader.refresh()
    append(journal, 400, start=40)
    assert reader.read(0, 30).size == 30, "mapped segments outlive their files"
    reader.refresh()
    assert reader.end == 440
    assert 64 <= reader.end - reader.first <= 64 + 16
    assert told(reader.read(reader.first, reader.end - reader.first, verify=True))


def test_a_hold_keeps_what_a_reader_still_needs_but_not_for_ever(tmp_path):
    journal = writer(tmp_path)
    reader = JournalReader(tmp_path)
    append(journal, 20)
    reader.hold("recorder", 16)
    append(journal, 80, start=20)
    reader.refresh()
    assert reader.first == 16
    reader.release("recorder")
    append(journal, 20, start=100)
    reader.refresh()
    assert reader.first > 16
    with pytest.raises(ValueError, match="cannot be called"):
        reader.hold("../dead", 0)
    reader.hold("dead", 0)
    append(journal, 1000, start=120)
    reader.refresh()
    assert reader.end - reader.first <= 2 * 64 + 32, "a dead reader must not fill the disk"


def test_it_goes_on_where_it_was(tmp_path):
    first = writer(tmp_path)
    append(first, 21)
    first.close()
    second = writer(tmp_path)
    assert second.next_index == 21
    append(second, 20, start=21)
    reader = JournalReader(tmp_path)
    assert told(reader.read(0, 41, verify=True))


def test_a_living_reader_follows_a_writer_that_was_restarted(tmp_path):
    """The trainer outlives the body: it must not keep looking at a segment that was replaced."""
    first = writer(tmp_path)
    append(first, 10)
    living = JournalReader(tmp_path)
    first.close()
    for segment_steps, start in ((16, 10), (16, 50), (20, 90)):
        journal = writer(tmp_path, segment_steps=segment_steps, max_steps=1000)
        append(journal, 40, start=start)
        living.refresh()
        assert living.end == journal.next_index == start + 40
        journal.close()
    assert told(living.read(0, 130, verify=True))


def test_a_living_reader_follows_a_truncation(tmp_path):
    journal = writer(tmp_path, max_steps=1000)
    append(journal, 60)
    living = JournalReader(tmp_path)
    journal.truncate(20)
    append(journal, 60, start=1020)
    living.refresh()
    rows = living.read(20, 60, verify=True)
    np.testing.assert_array_equal(rows["tick"], np.arange(1020, 1080))


def test_a_reader_lets_go_of_what_cannot_be_deleted_yet(tmp_path, monkeypatch):
    """Windows deletes no mapped file: the mark makes the reader unmap it, then it can be."""
    journal, reader = writer(tmp_path), JournalReader(tmp_path)
    append(journal, 20)
    reader.refresh()
    unlink = Path.unlink

    def mapped(path, missing_ok=False):
        if path.suffix == ".seg":
            raise PermissionError(13, "used by another process")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", mapped)
        append(journal, 200, start=20)
        reader.refresh()
        assert reader.first > 64
        assert (tmp_path / "000000000000.seg").exists()
    append(journal, 40, start=220)
    assert not (tmp_path / "000000000000.seg").exists()


def test_another_segment_size_goes_on_too(tmp_path):
    append(writer(tmp_path), 32)
    journal = writer(tmp_path, segment_steps=20)
    append(journal, 30, start=32)
    assert told(JournalReader(tmp_path).read(0, 62, verify=True))


def test_truncate_forgets_for_good(tmp_path):
    append(writer(tmp_path, max_steps=1000), 60)
    journal = writer(tmp_path, max_steps=1000)
    journal.truncate(37)
    assert journal.next_index == 37
    again = writer(tmp_path, max_steps=1000)
    assert again.next_index == 37, "recovery must not bring back what was cut"
    append(again, 10, start=37)
    assert told(JournalReader(tmp_path).read(0, 47, verify=True))
    again.truncate(0)
    assert writer(tmp_path).next_index == 0


def test_steps_of_another_shape_are_refused_by_name(tmp_path):
    append(writer(tmp_path), 3)
    with pytest.raises(JournalError, match=r"features.*Speed"):
        JournalWriter(tmp_path, OTHER, segment_steps=16, max_steps=64, background=False)


def test_a_damaged_record_is_noticed(tmp_path):
    journal = writer(tmp_path)
    append(journal, 10)
    journal.close()
    damage(segment_paths(tmp_path)[0], row=6)
    reader = JournalReader(tmp_path)
    reader.read(0, 6, verify=True)
    with pytest.raises(JournalError, match="damaged"):
        reader.read(0, 10, verify=True)
    assert recoverable_end(tmp_path, SPACES) == 6
    assert JournalReader(tmp_path).end == 10, "who only asks changes nothing"
    assert writer(tmp_path).next_index == 6, "nothing behind a damaged record is trusted"


def test_what_lay_behind_a_damaged_record_never_comes_back(tmp_path):
    append(writer(tmp_path), 10)
    damage(segment_paths(tmp_path)[0], row=6)
    append(writer(tmp_path), 1, start=1006)
    assert writer(tmp_path).next_index == 7, "the old step 7 must not follow the new step 6"


def test_damage_in_the_segment_before_the_newest_ends_the_journal_there(tmp_path):
    append(writer(tmp_path), 40)
    assert recoverable_end(tmp_path, SPACES) == 40
    damage(segment_paths(tmp_path)[1], row=3)
    assert recoverable_end(tmp_path, SPACES) == 19
    assert writer(tmp_path).next_index == 19


@pytest.mark.parametrize("left", [0, 100, 4096])
def test_a_segment_without_a_header_is_set_aside(tmp_path, left):
    append(writer(tmp_path), 20)
    path = segment_paths(tmp_path)[1]
    path.write_bytes(bytes(left))
    assert JournalReader(tmp_path).end == 16
    assert recoverable_end(tmp_path, SPACES) == 16
    assert writer(tmp_path).next_index == 16
    assert path.with_suffix(".bad").exists()


def test_after_a_hole_only_what_is_newer_is_shown(tmp_path):
    append(writer(tmp_path, max_steps=1000), 60)
    segment_paths(tmp_path)[1].unlink()
    reader = JournalReader(tmp_path)
    assert recoverable_end(tmp_path, SPACES) == 60
    assert (reader.first, reader.end) == (32, 60)
    assert told(reader.read(32, 28, verify=True))


def test_fresh_windows_stay_and_others_are_reused(tmp_path):
    append(writer(tmp_path), 20)
    reader = JournalReader(tmp_path)
    kept = reader.gather(np.array([0, 1]), 4, ["tick"], fresh=True)["tick"]
    reused = reader.gather(np.array([0, 1]), 4, ["tick"])["tick"]
    assert reader.gather(np.array([8, 9]), 4, ["tick"])["tick"] is reused
    np.testing.assert_array_equal(kept[1], [1, 2, 3, 4])
    with pytest.raises(IndexError, match="0 to 20"):
        reader.gather(np.array([18]), 4, ["tick"])


def test_where_a_writer_would_go_on_is_known_of_a_journal_of_any_length(tmp_path):
    assert recoverable_end(tmp_path, SPACES) == 0
    for count in (1, 15, 16, 17, 32, 40, 48):
        folder = tmp_path / str(count)
        append(writer(folder), count)
        assert recoverable_end(folder, SPACES) == count


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("count", [40, 48])
def test_with_a_hole_it_is_where_the_writer_goes_on_too(tmp_path, lost, count):
    append(writer(tmp_path), count)
    segment_paths(tmp_path)[lost].unlink()
    told_before = recoverable_end(tmp_path, SPACES)
    assert told_before == writer(tmp_path).next_index


def test_an_empty_journal_has_no_windows(tmp_path):
    with pytest.raises(IndexError, match="0 to 0"):
        JournalReader(tmp_path).gather(np.array([0]), 4, ["tick"])


def test_steps_with_other_fields_are_refused_by_name(tmp_path):
    append(writer(tmp_path), 3)
    path = tmp_path / "layout.json"
    layout = json.loads(path.read_text(encoding="utf-8"))
    layout["step"][1][0] = "beat"
    path.write_text(json.dumps(layout), encoding="utf-8")
    with pytest.raises(JournalError, match="beat, tick"):
        writer(tmp_path)
    with pytest.raises(JournalError, match="beat, tick"):
        JournalReader(tmp_path)


def test_a_full_disk_drops_counts_and_writes_the_gap_down(tmp_path, monkeypatch):
    journal = writer(tmp_path)
    full = True

    def create(*args):
        if full:
            raise OSError(28, "No space left on device")
        return real(*args)

    real = writer_module.create_segment
    monkeypatch.setattr(writer_module, "create_segment", create)
    assert append(journal, 50) == 32, "the segment at hand and the one prepared"
    assert journal.dropped == 18
    assert journal.gap_pending, "what follows is a new beginning"
    full = False
    assert append(journal, 5, start=50) == 5
    assert not journal.gap_pending
    append(journal, 30, start=55)
    gaps = [json.loads(line) for line in (tmp_path / "gaps.jsonl").read_text().splitlines()]
    assert [(gap["before_index"], gap["dropped"]) for gap in gaps] == [(32, 18)]
    rows = JournalReader(tmp_path).read(0, 60, verify=True)
    assert told(rows)
    assert rows["tick"][32] == 50


def test_a_gap_still_open_at_the_end_is_written_down(tmp_path, monkeypatch):
    journal = writer(tmp_path)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module, "create_segment", full)
    append(journal, 35)
    journal.close()
    journal.close()
    gaps = [json.loads(line) for line in (tmp_path / "gaps.jsonl").read_text().splitlines()]
    assert [(gap["before_index"], gap["dropped"]) for gap in gaps] == [(32, 3)]


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="a small file system of its own needs root on Linux",
)
def test_a_really_full_disk_is_met_off_the_path(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        journal = writer(folder, segment_steps=32, max_steps=10_000)  # about 14 KiB a segment
        append(journal, 500)
        assert journal.dropped > 0
        reader = JournalReader(folder)
        assert told(reader.read(reader.first, reader.end - reader.first, verify=True))
        del journal, reader
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_thread_prepares_segments_ahead(tmp_path):
    journal = writer(tmp_path, background=True)
    for i in range(0, 96, 4):
        assert append(journal, 4, start=i) == 4
        time.sleep(0.02)
    journal.close()
    assert journal.dropped == 0


_WRITER = """
import sys
from pathlib import Path
from tests.interfaces.journal.test_journal import append, writer
journal = writer(Path(sys.argv[1]), background=True, max_steps=200)
i = journal.next_index
print("ready", flush=True)
while True:
    append(journal, 1, start=i)
    i = journal.next_index
"""


def test_killed_again_and_again_no_bad_record_is_read(tmp_path):
    source = random.Random(1)
    end = 0
    living = JournalReader(tmp_path)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        process.stdout.readline()
        reader = JournalReader(tmp_path)
        deadline = time.monotonic() + source.uniform(0.01, 0.2)
        while time.monotonic() < deadline:
            reader.refresh()
        process.kill()
        process.wait()
        process.stdout.close()
        reader.refresh()
        rows = reader.read(reader.first, reader.end - reader.first, verify=True)
        assert told(rows)
        np.testing.assert_array_equal(rows["index"], np.arange(reader.first, reader.end))
        np.testing.assert_array_equal(rows["tick"], rows["index"])
        assert reader.end >= end, "what was committed stays"
        living.refresh()
        assert living.end == reader.end, "and a reader that lives on sees the same"
        end = reader.end
    assert end > 200
