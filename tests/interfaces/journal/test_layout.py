"""The layout of a journal: Steps of another shape are refused, Steps with other fields are not."""

import gc
import json
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout, recorded_reward, value_field, weight_field
from interfaces.journal import JournalError, JournalReader, JournalWriter, recoverable_end
from interfaces.journal.segment import NewerJournal, segment_paths
from tests.interfaces.journal.journals import SPACES, append, damage, make_writer

OTHER_SPACES = Spaces((8, 8, 3), ("Speed", "Pat"), (ActionConfig(name="Vertical"),))
SETTINGS = {"segment_steps": 16, "max_steps": 1000, "background": False}
ONE, TWO = StepLayout(SPACES, ("near",)), StepLayout(SPACES, ("calm", "near"))


def append_rewarded(journal, layout, count, start):
    """Append Steps whose terms are their number, with the weight 2."""
    step = np.zeros((), layout.dtype)
    for number in range(start, start + count):
        step["tick"], step["vector"] = number, number
        for term in layout.reward_terms:
            step[value_field(term)], step[weight_field(term)] = number, 2.0
        journal.append(step)


@contextmanager
def refreshed(reader):
    """Refresh a reader all the time, as a process that follows a run does."""
    ended = threading.Event()

    def follow():
        while not ended.wait(0.01):
            reader.refresh()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_steps_of_another_shape_are_refused_by_name(tmp_path):
    append(make_writer(tmp_path), 3)
    with pytest.raises(JournalError, match=r"features.*Speed"):
        JournalWriter(tmp_path, StepLayout(OTHER_SPACES), **SETTINGS)


@pytest.mark.parametrize("before", [1, 15, 16, 17, 32, 40])
def test_steps_with_other_fields_continue_the_journal_in_a_new_segment(tmp_path, before):
    reader = JournalReader(tmp_path)
    append_rewarded(JournalWriter(tmp_path, ONE, **SETTINGS), ONE, before, 0)
    reader.refresh()
    assert (reader.end, reader.layout) == (before, ONE)
    with refreshed(reader):
        writer = JournalWriter(tmp_path, TWO, **SETTINGS)
    assert writer.next_index == before
    append_rewarded(writer, TWO, 20, before)
    reader.refresh()
    assert reader.layout == TWO
    for each in (
        reader,
        JournalReader(tmp_path),
    ):  # one open since before the change, and a new one
        rows = each.read(0, before + 20, verify=True)
        assert rows["tick"].tolist() == list(range(before + 20))
        assert rows[value_field("near")].tolist() == list(range(before + 20))
        assert not rows[value_field("calm")][:before].any(), "the default of an unrecorded term"
        assert not rows[weight_field("calm")][:before].any()
        assert recorded_reward(rows[before:]).tolist() == [
            4.0 * t for t in range(before, before + 20)
        ]
        windows = each.gather(np.array([before - 1]), 4, ["tick", "vector", value_field("calm")])
        assert windows["tick"].tolist() == [list(range(before - 1, before + 3))]
        assert windows[value_field("calm")].tolist() == [[0, before, before + 1, before + 2]]
    assert recoverable_end(tmp_path) == before + 20
    assert JournalWriter(tmp_path, TWO, **SETTINGS).next_index == before + 20


def test_fields_can_change_back(tmp_path):
    for start, layout in ((0, ONE), (5, TWO), (10, ONE)):
        writer = JournalWriter(tmp_path, layout, **SETTINGS)
        assert writer.next_index == start
        append_rewarded(writer, layout, 5, start)
    reader = JournalReader(tmp_path)
    assert reader.layout == StepLayout(SPACES, ("near", "calm"))
    rows = reader.read(0, 15, verify=True)
    assert rows[value_field("near")].tolist() == list(range(15))
    assert rows[value_field("calm")].tolist() == [0] * 5 + list(range(5, 10)) + [0] * 5


@pytest.mark.parametrize("kept", [0, 3, 10, 12, 20])
def test_a_truncated_journal_continues_with_the_fields_of_its_writer(tmp_path, kept):
    append_rewarded(JournalWriter(tmp_path, ONE, **SETTINGS), ONE, 10, 0)
    append_rewarded(JournalWriter(tmp_path, TWO, **SETTINGS), TWO, 20, 10)
    writer = JournalWriter(tmp_path, TWO, **SETTINGS)
    writer.truncate(kept)
    append_rewarded(writer, TWO, 30, kept)
    rows = JournalReader(tmp_path).read(0, kept + 30, verify=True)
    assert rows["tick"].tolist() == list(range(kept + 30))
    assert rows[value_field("calm")].tolist() == [
        0 if t < min(kept, 10) else t for t in range(kept + 30)
    ]


def test_a_crash_before_the_new_segment_exists_loses_nothing(tmp_path):
    append_rewarded(JournalWriter(tmp_path, ONE, **SETTINGS), ONE, 10, 0)
    append_rewarded(JournalWriter(tmp_path, TWO, **SETTINGS), TWO, 1, 10)
    gc.collect()  # Windows cannot delete a file that a writer still maps
    for path in segment_paths(tmp_path)[-2:]:  # as if it had not been created
        path.unlink()
    assert JournalReader(tmp_path).end == 10
    writer = JournalWriter(tmp_path, TWO, **SETTINGS)
    assert writer.next_index == 10
    append_rewarded(writer, TWO, 1, 10)
    assert JournalReader(tmp_path).read(0, 11, verify=True)["tick"].tolist() == list(range(11))


def test_a_damaged_record_in_a_segment_with_older_fields_is_left_out(tmp_path):
    append_rewarded(JournalWriter(tmp_path, ONE, **SETTINGS), ONE, 10, 0)
    append_rewarded(JournalWriter(tmp_path, TWO, **SETTINGS), TWO, 3, 10)
    damage(segment_paths(tmp_path)[0], row=6)
    assert recoverable_end(tmp_path) == 6
    append_rewarded(JournalWriter(tmp_path, TWO, **SETTINGS), TWO, 2, 13)
    rows = JournalReader(tmp_path).read(0, 15)
    assert rows["tick"].tolist() == [*range(6), 0, *range(7, 15)]


def test_many_terms_with_long_names_need_a_larger_header(tmp_path):
    layout = StepLayout(SPACES, tuple(f"parameters.夢の家の{i:03d}" for i in range(120)))
    append_rewarded(JournalWriter(tmp_path, layout, **SETTINGS), layout, 20, 0)
    reader = JournalReader(tmp_path)
    assert reader.layout == layout
    assert recorded_reward(reader.read(0, 20, verify=True))[3] == 3 * 2 * 120


def test_a_segment_of_a_newer_format_is_refused_and_stays(tmp_path):
    append(make_writer(tmp_path), 20)
    path = segment_paths(tmp_path)[1]
    content = path.read_bytes()
    newer = content.replace(b"YUMEJ002", b"YUMEJ003")
    path.write_bytes(newer)
    for open_it in (lambda: JournalReader(tmp_path), lambda: make_writer(tmp_path)):
        with pytest.raises(NewerJournal, match="newer version of Yume"):
            open_it()
    assert path.read_bytes() == newer


@pytest.mark.parametrize(
    "change",
    [
        {"format": "YUMEJ002"},
        {"step": [["index", "O"]]},
        {"step": [["index", "<u8", [2**40]]]},
        {"step": [["index", "<u8", [-1]]]},
        {"step": [[1, "<u8"]]},
        {"step": [["a", "<u8"], ["a", "<u8"]]},
        {"step": []},
        {"step": None},
        {"spaces": {}},
    ],
)
def test_another_layout_file_is_an_error_that_names_it(tmp_path, change):
    append(make_writer(tmp_path), 3)
    path = tmp_path / "layout.json"
    layout = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(layout | change), encoding="utf-8")
    with pytest.raises(JournalError, match=r"layout\.json"):
        JournalReader(tmp_path)


def test_layouts_with_the_same_terms_are_equal():
    assert TWO.with_terms_of(ONE) is TWO
    assert ONE.with_terms_of(TWO) == replace(TWO, reward_terms=("near", "calm"))
