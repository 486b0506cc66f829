"""The table of metrics on the Board: any name, one writer, readers in other processes."""

from interfaces.ipc.board import Board
from interfaces.ipc.board_metrics import MAX_METRICS, MAX_NAME_BYTES


def test_a_reader_sees_a_metric_that_it_never_heard_of(tmp_path):
    writer = Board(tmp_path / "board", create=True)
    reader = Board(tmp_path / "board")
    assert reader.metrics.read() == {}
    assert reader.metrics.get("loss/new") is None
    assert writer.metrics.write("loss/new", 1.5)
    assert writer.metrics.write("夢/x", -2.0)
    assert writer.metrics.write("loss/new", 0.25)
    assert reader.metrics.read() == {"loss/new": 0.25, "夢/x": -2.0}


def test_a_restarted_writer_continues_the_table(tmp_path):
    before = Board(tmp_path / "board", create=True)
    before.metrics.write("a", 1.0)
    before.metrics.write("b", 2.0)
    after = Board(tmp_path / "board")
    after.metrics.write("c", 3.0)
    after.metrics.write("a", 4.0)
    assert before.metrics.read() == {"a": 4.0, "b": 2.0, "c": 3.0}


def test_a_full_table_and_a_long_name_are_refused_and_change_nothing(tmp_path):
    board = Board(tmp_path / "board", create=True)
    assert not board.metrics.write("x" * (MAX_NAME_BYTES + 1), 1.0)
    assert not board.metrics.write("", 1.0)
    names = [f"{i:03d}".ljust(MAX_NAME_BYTES, "x") for i in range(MAX_METRICS)]
    assert all(board.metrics.write(name, 1.0) for name in names)
    assert not board.metrics.write("one more", 1.0)
    assert board.metrics.write(names[0], 2.0)
    assert list(Board(tmp_path / "board").metrics.read()) == names
    assert board["session_steps"] == 0, "the field after the table"
