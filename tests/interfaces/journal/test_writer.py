"""The writer: it continues a journal, truncates it, counts dropped Steps and survives a kill."""

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

from interfaces.journal import JournalReader
from interfaces.journal import writer as writer_module
from tests.interfaces.journal.journals import append, are_consistent, make_writer
from tests.polling import wait_until

ROOT = Path(__file__).parents[3]  # not from conftest, which imports torch


def raise_disk_full(*args):
    raise OSError(28, "No space left on device")


def gaps_of(folder):
    """(before_index, dropped) of each line of gaps.jsonl."""
    gaps = [json.loads(line) for line in (folder / "gaps.jsonl").read_text().splitlines()]
    return [(gap["before_index"], gap["dropped"]) for gap in gaps]


def test_new_writer_continues_after_the_last_step(tmp_path):
    first = make_writer(tmp_path)
    append(first, 21)
    first.close()
    second = make_writer(tmp_path)
    assert second.next_index == 21
    append(second, 20, start=21)
    reader = JournalReader(tmp_path)
    assert are_consistent(reader.read(0, 41, verify=True))


def test_new_writer_can_use_another_segment_size(tmp_path):
    append(make_writer(tmp_path), 32)
    journal = make_writer(tmp_path, segment_steps=20)
    append(journal, 30, start=32)
    assert are_consistent(JournalReader(tmp_path).read(0, 62, verify=True))


def test_truncated_steps_never_come_back(tmp_path):
    append(make_writer(tmp_path, max_steps=1000), 60)
    journal = make_writer(tmp_path, max_steps=1000)
    journal.truncate(37)
    assert journal.next_index == 37
    again = make_writer(tmp_path, max_steps=1000)
    assert again.next_index == 37, "recovery must not bring back truncated Steps"
    append(again, 10, start=37)
    assert are_consistent(JournalReader(tmp_path).read(0, 47, verify=True))
    again.truncate(0)
    assert make_writer(tmp_path).next_index == 0


def test_full_disk_drops_steps_and_records_the_gap(tmp_path, monkeypatch):
    journal = make_writer(tmp_path)
    with monkeypatch.context() as full_disk:
        full_disk.setattr(writer_module, "create_segment", raise_disk_full)
        assert append(journal, 50) == 32, "the current segment and the prepared one"
    assert journal.dropped == 18
    assert journal.gap_pending, "the next Step is a first Step"
    assert append(journal, 5, start=50) == 5
    assert not journal.gap_pending
    append(journal, 30, start=55)
    assert gaps_of(tmp_path) == [(32, 18)]
    rows = JournalReader(tmp_path).read(0, 60, verify=True)
    assert are_consistent(rows)
    assert rows["tick"][32] == 50


def test_close_records_an_open_gap(tmp_path, monkeypatch):
    journal = make_writer(tmp_path)
    monkeypatch.setattr(writer_module, "create_segment", raise_disk_full)
    append(journal, 35)
    journal.close()
    journal.close()
    assert gaps_of(tmp_path) == [(32, 3)]


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="mounting a small file system needs root on Linux",
)
def test_steps_before_a_really_full_disk_are_intact(tmp_path):
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
        journal = make_writer(folder, segment_steps=32, max_steps=10_000)  # 14 KiB per segment
        append(journal, 500)
        assert journal.dropped > 0
        reader = JournalReader(folder)
        rows = reader.read(reader.first, reader.end - reader.first, verify=True)
        assert are_consistent(rows)
        del journal, reader
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_thread_prepares_the_next_segment(tmp_path):
    journal = make_writer(tmp_path, background=True)
    for start in range(0, 96, 4):
        assert append(journal, 4, start=start) == 4
        wait_until(lambda: journal._ready is not None, "a prepared segment")
    journal.close()
    assert journal.dropped == 0


_WRITER = """
import sys
from pathlib import Path
from tests.interfaces.journal.journals import append, make_writer
journal = make_writer(Path(sys.argv[1]), background=True, max_steps=200)
number = journal.next_index
print("ready", flush=True)
while True:
    append(journal, 1, start=number)
    number = journal.next_index
"""


def test_killed_writers_leave_only_intact_steps(tmp_path):
    rng = random.Random(1)
    end = 0
    open_reader = JournalReader(tmp_path)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout.readline().strip() == b"ready"
        reader = JournalReader(tmp_path)
        kill_at = time.perf_counter() + rng.uniform(0.01, 0.2)
        while time.perf_counter() < kill_at:
            reader.refresh()
        process.kill()
        process.wait()
        process.stdout.close()
        reader.refresh()
        rows = reader.read(reader.first, reader.end - reader.first, verify=True)
        assert are_consistent(rows)
        np.testing.assert_array_equal(rows["index"], np.arange(reader.first, reader.end))
        np.testing.assert_array_equal(rows["tick"], rows["index"])
        assert reader.end >= end, "committed Steps stay"
        open_reader.refresh()
        assert open_reader.end == reader.end, "a reader that stays open sees the same Steps"
        end = reader.end
    assert end > 200
