"""The process table decides what runs, what restarts and what stops first."""

from pathlib import Path

import pytest

from configs.load import load_config
from interfaces.runtime.process_table import (
    PROCESSES,
    ProcessSpec,
    find_process,
    processes_of,
    stop_order,
)


def names(specs):
    return [spec.name for spec in specs]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["standin", "guard", "body", "trainer", "recorder"]),
        (["session.record=false"], ["standin", "guard", "body", "trainer"]),
        (
            ["world.kind=vrchat", "world.camera.source=0"],
            ["guard", "body", "trainer", "recorder"],
        ),
    ],
)
def test_a_run_starts_the_processes_that_its_configuration_needs(words, expected):
    assert names(processes_of(load_config(Path("tiny"), words))) == expected


def test_the_guard_stops_after_the_body_and_the_client_after_all():
    by_board, terminated = stop_order(PROCESSES)
    assert by_board == ["body", "trainer", "guard", "recorder"]
    assert terminated == ["standin"]


def test_a_new_row_needs_no_other_change():
    added = ProcessSpec("uplink", "somewhere:main", "an example")
    by_board, _ = stop_order([*PROCESSES, added])
    assert by_board.index("body") < by_board.index("uplink") < by_board.index("guard")
    assert added.command == "_uplink"


def test_names_are_unique_and_an_unknown_name_raises_key_error():
    assert len(set(names(PROCESSES))) == len(PROCESSES)
    with pytest.raises(KeyError):
        find_process("nothing")
