"""The step writer: the body never waits for the disk, and dropped records are counted."""

import threading
import time

import numpy as np
import pytest

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout, recorded_reward, value_field, weight_field
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import LatentSnapshots, read_latent_snapshots
from interfaces.journal.step_writer import StepWriter, StepWriterFailed, tick_record_dtype
from tests.polling import wait_until

SPACES = Spaces((0, 0, 3), ("Speed",), (ActionConfig(name="Move"),))
LAYOUT = StepLayout(SPACES, ("parameters.Pat", "parameters.Speed", "action_cost"))
RECORD = tick_record_dtype(LAYOUT, 3)


VALUES, WEIGHTS = (0.5, np.nan, 0.25), (2.0, 0.0, -1.0)


class BlockedJournal(JournalWriter):
    """A journal whose disk does not respond until `disk_responds` is set."""

    def __init__(self, folder):
        self.disk_responds = threading.Event()
        super().__init__(folder, LAYOUT, segment_steps=16, max_steps=1000, background=False)

    def append(self, step):
        assert self.disk_responds.wait(10.0)
        return super().append(step)


def make_record(tick, **step_fields):
    record = np.zeros((), RECORD)
    step = record["step"]
    step["tick"], step["monotonic_ns"] = tick, 1000 + tick
    for term, value, weight in zip(LAYOUT.reward_terms, VALUES, WEIGHTS, strict=True):
        step[value_field(term)], step[weight_field(term)] = value, weight
    step["lateness_s"] = 0.002
    for name, value in step_fields.items():
        step[name] = value
    return record


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "board.mmap", create=True)


def test_blocked_disk_drops_records_but_append_never_waits(tmp_path, board):
    journal = BlockedJournal(tmp_path / "journal")
    step_writer = StepWriter(journal, board, RECORD, slots=4)
    for tick in range(10):  # would never end if append waited
        step_writer.append(make_record(tick))
    assert board["ticks"] == 0
    journal.disk_responds.set()
    step_writer.close()
    step_writer = StepWriter(journal, board, RECORD, slots=4)
    step_writer.append(make_record(10))
    step_writer.close()
    journal.close()
    rows = JournalReader(tmp_path / "journal").read(0, 5, verify=True)
    assert rows["tick"].tolist() == [0, 1, 2, 3, 10]
    assert rows["is_first"].tolist() == [False, False, False, False, True]
    assert recorded_reward(rows).tolist() == [0.75] * 4 + [0], "a first Step has no reward"
    assert journal.dropped == 6
    assert board["journal_dropped"] == 6


def test_each_record_becomes_a_step_and_board_values(tmp_path, board):
    journal = JournalWriter(
        tmp_path / "journal", LAYOUT, segment_steps=16, max_steps=1000, background=False
    )
    indices: list[int] = []
    step_writer = StepWriter(
        journal,
        board,
        RECORD,
        after_write=lambda: indices.append(journal.next_index),
        background=False,
    )
    first = make_record(0, frame_age_s=0.01, weights_version=3, skipped=2, action=0.5)
    first["swapped"], first["swap_s"], first["publish_to_act_s"] = 2, 0.001, 0.2
    first["value"] = 7.0
    step_writer.append(first)
    step_writer.append(make_record(1, situation=int(Situation.NO_FRAME), weights_version=3))
    step_writer.close()
    assert indices == [1, 2]
    assert board["ticks"] == 2
    assert board["journal_end"] == 2
    assert board["weights_version"] == 3
    assert board["weights_applied"] == 2
    assert board["missed_beats"] == 2
    assert board["no_frame"] == 1
    assert board["reward_sums"][:4].tolist() == [2.0, 0.0, -0.5, 0.0]
    assert board["reward_now"] == 0.75
    assert board.histogram("lateness").count == 2
    assert board.histogram("frame_age").count == 1
    assert board.histogram("swap").count == 1
    assert JournalReader(tmp_path / "journal").read(0, 2, verify=True)["tick"].tolist() == [0, 1]


def test_blocked_disk_does_not_stop_the_heartbeat(tmp_path, board):
    journal = BlockedJournal(tmp_path / "journal")
    step_writer = StepWriter(journal, board, RECORD)
    for tick in range(3):
        before_ns = time.perf_counter_ns()
        step_writer.append(make_record(tick))
        wait_until(lambda: board["body_heartbeat_ns"] >= before_ns, "a heartbeat")  # noqa: B023
    assert board["ticks"] == 0
    journal.disk_responds.set()
    step_writer.close()


def test_append_raises_after_the_thread_failed(tmp_path, board):
    class BrokenJournal(JournalWriter):
        def append(self, step):
            raise RuntimeError("broken")

    journal = BrokenJournal(
        tmp_path / "journal", LAYOUT, segment_steps=16, max_steps=1000, background=False
    )
    step_writer = StepWriter(journal, board, RECORD)
    step_writer.append(make_record(0))
    step_writer.close()
    with pytest.raises(StepWriterFailed):
        step_writer.append(make_record(1))


def test_steps_keep_their_order_when_the_ring_wraps(tmp_path, board):
    journal = JournalWriter(tmp_path / "journal", LAYOUT, segment_steps=64, max_steps=10_000)
    step_writer = StepWriter(journal, board, RECORD, slots=8)
    for tick in range(3000):
        step_writer.append(make_record(tick))
    step_writer.close()
    journal.close()
    reader = JournalReader(tmp_path / "journal")
    rows = reader.read(0, reader.end, verify=True)
    ticks = rows["tick"].astype(np.int64)
    assert (np.diff(ticks) > 0).all()
    assert len(rows) + journal.dropped == 3000
    np.testing.assert_array_equal(rows["is_first"][1:], np.diff(ticks) > 1)
    has_gap_flag = rows["situation"] & Situation.AFTER_GAP > 0
    np.testing.assert_array_equal(has_gap_flag, rows["is_first"])


def test_first_step_of_the_body_has_no_gap_flag(tmp_path, board):
    journal = JournalWriter(
        tmp_path / "journal", LAYOUT, segment_steps=64, max_steps=1000, background=False
    )
    step_writer = StepWriter(journal, board, RECORD, background=False)
    first = make_record(5, is_first=True)
    first["missed"] = 5
    step_writer.append(first)
    step_writer.close()
    journal.close()
    (row,) = JournalReader(tmp_path / "journal").read(0, 1)
    assert row["is_first"]
    assert not row["situation"] & Situation.AFTER_GAP


def test_every_hundredth_step_stores_a_latent_snapshot(tmp_path, board):
    journal = JournalWriter(
        tmp_path / "journal",
        LAYOUT,
        segment_steps=1024,
        max_steps=10_000,
        background=False,
    )
    snapshots = LatentSnapshots(tmp_path / "keyframes.bin", 3)
    step_writer = StepWriter(journal, board, RECORD, latent_snapshots=snapshots, background=False)
    for tick in range(250):
        record = make_record(tick)
        record["feature"] = (tick, 0.5, -1)
        step_writer.append(record)
    step_writer.close()
    journal.close()
    stored = read_latent_snapshots(tmp_path / "keyframes.bin", 3)
    assert {index: feature.tolist() for index, feature in stored.items()} == {
        0: [0, 0.5, -1],
        100: [100, 0.5, -1],
        200: [200, 0.5, -1],
    }
