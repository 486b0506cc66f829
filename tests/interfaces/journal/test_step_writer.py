"""The scribe: whatever the disk does, the body is not kept waiting, and what is lost is counted."""

import threading
import time

import numpy as np
import pytest

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import Keyframes, read_keyframes
from interfaces.journal.step_writer import Scribe, ScribeFailed, moment_dtype

SPACES = Spaces((0, 0, 3), ("Feeling",), (ActionConfig(name="Move"),))
MOMENT = moment_dtype(SPACES, 3)


class SlowJournal(JournalWriter):
    """A journal whose disk stands still until `moves` is set."""

    def __init__(self, folder):
        self.moves = threading.Event()
        super().__init__(folder, SPACES, segment_steps=16, max_steps=1000, background=False)

    def append(self, step):
        assert self.moves.wait(10.0)
        return super().append(step)


def moment(tick, **of_step):
    record = np.zeros((), MOMENT)
    step = record["step"]
    step["tick"], step["monotonic_ns"] = tick, 1000 + tick
    step["reward"], step["lateness_s"] = (1.0, -0.5, 0.25), 0.002
    for name, value in of_step.items():
        step[name] = value
    return record


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "board.mmap", create=True)


def test_a_standing_disk_costs_moments_but_never_waits(tmp_path, board):
    journal = SlowJournal(tmp_path / "journal")
    scribe = Scribe(journal, board, MOMENT, slots=4)
    for tick in range(10):  # would never end if taking waited
        scribe.take(moment(tick))
    assert board["ticks"] == 0
    journal.moves.set()
    scribe.close()
    scribe = Scribe(journal, board, MOMENT, slots=4)
    scribe.take(moment(10))
    scribe.close()
    journal.close()
    rows = JournalReader(tmp_path / "journal").read(0, 5, verify=True)
    assert rows["tick"].tolist() == [0, 1, 2, 3, 10]
    assert rows["is_first"].tolist() == [False, False, False, False, True]
    assert rows["reward"][4].tolist() == [0, 0, 0], "nothing is paid at a beginning"
    assert journal.dropped == 6
    assert board["journal_dropped"] == 6


def test_a_moment_is_a_row_and_gauges(tmp_path, board):
    journal = JournalWriter(
        tmp_path / "journal", SPACES, segment_steps=16, max_steps=1000, background=False
    )
    also: list[int] = []
    scribe = Scribe(
        journal, board, MOMENT, also=lambda: also.append(journal.next_index), background=False
    )
    first = moment(0, frame_age_s=0.01, weights_version=3, skipped=2, action=0.5)
    first["swapped"], first["swap_s"], first["publish_to_act_s"] = 2, 0.001, 0.2
    first["value"] = 7.0
    scribe.take(first)
    scribe.take(moment(1, situation=int(Situation.NO_FRAME), weights_version=3))
    scribe.close()
    assert also == [1, 2]
    assert board["ticks"] == 2
    assert board["weights_version"] == 3
    assert board["weights_applied"] == 2
    assert board["missed_beats"] == 2
    assert board["no_frame"] == 1
    assert board["reward_parameters"] == 2.0
    assert board["reward_now"] == 0.75
    assert board.histogram("lateness").count == 2
    assert board.histogram("frame_age").count == 1
    assert board.histogram("swap").count == 1
    assert JournalReader(tmp_path / "journal").read(0, 2, verify=True)["tick"].tolist() == [0, 1]


def test_a_slow_disk_does_not_stop_the_heart(tmp_path, board):
    journal = SlowJournal(tmp_path / "journal")
    scribe = Scribe(journal, board, MOMENT)
    for tick in range(3):
        scribe.take(moment(tick))
        before = time.perf_counter_ns()
        deadline = time.monotonic() + 5.0
        while board["body_heartbeat_ns"] < before - 1_000_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert board["body_heartbeat_ns"] >= before - 1_000_000
    assert board["ticks"] == 0
    journal.moves.set()
    scribe.close()


def test_a_scribe_that_fails_is_heard_of(tmp_path, board):
    class BrokenJournal(JournalWriter):
        def append(self, step):
            raise RuntimeError("broken")

    journal = BrokenJournal(
        tmp_path / "journal", SPACES, segment_steps=16, max_steps=1000, background=False
    )
    scribe = Scribe(journal, board, MOMENT)
    scribe.take(moment(0))
    scribe.close()
    with pytest.raises(ScribeFailed):
        scribe.take(moment(1))


def test_the_order_is_kept_round_the_ring(tmp_path, board):
    journal = JournalWriter(tmp_path / "journal", SPACES, segment_steps=64, max_steps=10_000)
    scribe = Scribe(journal, board, MOMENT, slots=8)
    taken = 0
    for tick in range(3000):
        scribe.take(moment(tick))
        taken += 1
    scribe.close()
    journal.close()
    reader = JournalReader(tmp_path / "journal")
    rows = reader.read(0, reader.end, verify=True)
    assert (np.diff(rows["tick"].astype(np.int64)) > 0).all()
    assert len(rows) + journal.dropped == taken
    after_a_gap = np.diff(rows["tick"].astype(np.int64)) > 1
    np.testing.assert_array_equal(rows["is_first"][1:], after_a_gap)
    marked = rows["situation"] & Situation.AFTER_GAP > 0
    np.testing.assert_array_equal(marked, rows["is_first"])


def test_a_beginning_of_the_body_s_own_is_no_gap_s(tmp_path, board):
    journal = JournalWriter(
        tmp_path / "journal", SPACES, segment_steps=64, max_steps=1000, background=False
    )
    scribe = Scribe(journal, board, MOMENT, background=False)
    begun = moment(5, is_first=True)
    begun["missed"] = 5
    scribe.take(begun)
    scribe.close()
    journal.close()
    (row,) = JournalReader(tmp_path / "journal").read(0, 1)
    assert row["is_first"]
    assert not row["situation"] & Situation.AFTER_GAP


def test_every_hundredth_row_leaves_what_the_memory_held(tmp_path, board):
    journal = JournalWriter(
        tmp_path / "journal", SPACES, segment_steps=1024, max_steps=10_000, background=False
    )
    kept = Keyframes(tmp_path / "keyframes.bin", 3)
    scribe = Scribe(journal, board, MOMENT, keyframes=kept, background=False)
    for tick in range(250):
        record = moment(tick)
        record["feature"] = (tick, 0.5, -1)
        scribe.take(record)
    scribe.close()
    journal.close()
    found = read_keyframes(tmp_path / "keyframes.bin", 3)
    assert {index: feature.tolist() for index, feature in found.items()} == {
        0: [0, 0.5, -1],
        100: [100, 0.5, -1],
        200: [200, 0.5, -1],
    }
