"""Damaged and hostile journals and latent snapshots: the only errors are those of their rooms."""

import shutil

import numpy as np

from interfaces.journal import JournalError, JournalReader, recoverable_end
from interfaces.journal.latent_snapshots import (
    SNAPSHOT_INTERVAL_STEPS,
    LatentSnapshots,
    drop_latent_snapshots,
    open_latent_snapshots,
    read_latent_snapshots,
)
from interfaces.journal.segment import segment_paths
from interfaces.journal.segment_header import PAGE
from tests.binary_mutations import damaged_copies
from tests.interfaces.journal.journals import append, are_consistent, make_writer
from tests.mutations import only_raises

STEPS, COPIES, FEATURES = 40, 800, 8


def test_a_damaged_segment_gives_only_journal_errors_and_no_wrong_step(tmp_path):
    """Every Step that a reader returns is one that was written, in its place."""
    recorded, folder = tmp_path / "recorded", tmp_path / "damaged"
    append(make_writer(recorded), STEPS)
    name = segment_paths(recorded)[1].name
    content = (recorded / name).read_bytes()
    record = (len(content) - 2 * PAGE) // 16
    rows = [(2 * PAGE + i * record, 2 * PAGE + (i + 1) * record) for i in range(16)]
    parts = [(0, PAGE), (0, 80), (PAGE, 2 * PAGE), *rows]
    read_back, number = 0, 0

    def read(copy):
        nonlocal read_back, number
        number += 1
        (folder / name).write_bytes(copy)
        read_back += check(JournalReader(folder))
        recoverable_end(folder)
        if number % 5:
            return
        writer = make_writer(folder)
        assert writer.next_index == STEPS
        append(writer, 2, start=STEPS)
        del writer
        reader = JournalReader(folder)
        assert reader.end == STEPS + 2
        check(reader)
        shutil.rmtree(folder)
        shutil.copytree(recorded, folder)

    shutil.copytree(recorded, folder)
    accepted, refused = only_raises(JournalError, read, damaged_copies(content, parts, COPIES))
    assert accepted > 0.9 * COPIES, "only a foreign file is refused"
    assert refused < 0.1 * COPIES
    assert read_back > 20 * COPIES, "most Steps are still read"


def check(reader):
    """Check all Steps that a reader has; how many they are."""
    rows = reader.read(reader.first, reader.end - reader.first)
    assert (rows["index"] == np.arange(reader.first, reader.end)).all()
    intact = rows[rows["situation"] == 0]
    assert (intact["tick"] == intact["index"]).all()
    assert are_consistent(intact)
    return len(intact)


def test_damaged_latent_snapshots_give_only_os_errors_and_no_wrong_state(tmp_path):
    path = tmp_path / "keyframes.bin"
    snapshots = LatentSnapshots(path, FEATURES)
    states = {}
    for number in range(12):
        index = number * SNAPSHOT_INTERVAL_STEPS
        states[index] = np.full(FEATURES, number + 0.5, np.float32)
        snapshots.save_if_due(index, states[index])
    content, slot = path.read_bytes(), 12 + 4 * FEATURES
    parts = [(0, 24), *((24 + i * slot, 24 + (i + 1) * slot) for i in range(12))]

    def read(copy):
        path.write_bytes(copy)
        for index, state in read_latent_snapshots(path, FEATURES).items():
            assert (state == states[index]).all()
        drop_latent_snapshots(path, 500)
        open_latent_snapshots(path, FEATURES, 500)
        assert all(index < 500 for index in read_latent_snapshots(path, FEATURES))

    accepted, refused = only_raises(OSError, read, damaged_copies(content, parts, 150))
    assert (accepted, refused) == (150, 0)
