"""The benchmark `real_run` without a run: what it reads from a journal, and its table."""

import json
import threading
import time
from dataclasses import asdict

import pytest

from benchmarks.learning import real_run as benchmark
from benchmarks.learning.real_run import Ends, RealRunResult, head_pats_per_minute
from benchmarks.learning.truth_log import FILE, read_truth, record_truth
from benchmarks.reporting import real_run
from interfaces.ipc.board import Board
from interfaces.runtime.run_folder import RunFolder
from interfaces.standin.core import StandinCore
from interfaces.vrchat.endpoints import Endpoints, write_endpoints
from tests.benchmarks.short_runs import serving, write_journal


def test_head_pats_are_counted_in_minutes_of_the_clock(tmp_path):
    # At 1, 59 and 61 s; the last one is after the end of the second and last minute.
    seconds = [0.0, 1.0, 59.0, 61.0, 70.0, 121.0]
    write_journal(tmp_path, seconds, [0, 1, 1, 1, 0, 1])
    assert head_pats_per_minute(tmp_path, 2) == [2, 2]


def test_a_journal_without_steps_has_no_head_pats(tmp_path):
    assert head_pats_per_minute(tmp_path / "none", 3) == [0, 0, 0]


@pytest.mark.parametrize(
    ("head_pats", "expected"),
    [
        ([30, 50, 0, 0, 0, 120, 120, 120, 120, 120], Ends(40.0, 120.0, 3.0)),
        ([10] * 6, Ends(10.0, 10.0, None)),  # the parts overlap
        ([0, 0, 5, 5, 5, 5, 5], Ends(0.0, 5.0, float("inf"))),
        ([0] * 7, Ends(0.0, 0.0, 0.0)),
    ],
)
def test_the_last_five_minutes_against_the_first_two(head_pats, expected):
    assert Ends.of(head_pats) == expected


def result(seed, head_pats, **more):
    lateness = {"p50": 0.02, "p99": 1.5, "max": 9.0}
    return RealRunResult(
        *("default", seed, "default", [], len(head_pats), "room", 10.0, head_pats),
        **{"ticks": 1000, "missed_ticks": 0, "lateness_ms": lateness, **more},
    )


def test_the_table_names_each_run_that_misses_a_goal(tmp_path):
    folder = tmp_path / real_run.FOLDER
    folder.mkdir(parents=True)
    late = {"p50": 0.02, "p99": 2.5, "max": 9.0}
    runs = [
        result(1, [40, 40, 0, 0, 120, 120, 120, 120, 120]),
        result(2, [50, 50, 0, 0, 120, 120, 120, 120, 120], lateness_ms=late, missed_ticks=6),
    ]
    for run in runs:
        text = json.dumps(asdict(run))
        (folder / run.path.name).write_text(text, encoding="utf-8")
    (table,) = real_run.tables(tmp_path)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["ratio: last / first"] == ["2.7 (2.4 to 3.0)", "3.0 2.4", "3"]
    assert rows["missed ticks, %"][1] == "0.00 0.60"
    bad = [limit for limit in table.limits if limit.startswith("Bad")]
    assert [limit.split(": ")[1] for limit in bad] == ["default-2"] * 3
    real_run.draw(tmp_path)
    assert (tmp_path / real_run.PICTURE).stat().st_size > 1000


def test_without_runs_there_is_no_table(tmp_path):
    assert real_run.tables(tmp_path) == []


def test_a_finished_run_is_not_repeated_and_other_settings_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "FOLDER", tmp_path)
    first = RealRunResult("default", 1, "default", [], 20)
    assert not first.is_finished()
    first.write()
    assert first.is_finished()
    other = RealRunResult("default", 1, "default", ["reward.surprise=0"], 20)
    with pytest.raises(SystemExit, match="another --name"):
        other.is_finished()


def test_no_truth_is_recorded_when_the_run_ends_before_its_first_tick(tmp_path):
    run, ended = RunFolder(tmp_path), threading.Event()
    Board(run.board, create=True)
    ended.set()
    record_truth(run, [(0.0, 60.0)], ended)
    assert read_truth(run) == []


def test_a_torn_last_state_is_ignored(tmp_path):
    (tmp_path / FILE).write_text('{"monotonic_ns": 2}\n{"monotonic_ns": 1}\n{"mono', "utf-8")
    assert [state["monotonic_ns"] for state in read_truth(RunFolder(tmp_path))] == [1, 2]


def test_the_truth_is_recorded_on_the_clock_of_the_steps(tmp_path, tiny):
    run, first_tick_ns = RunFolder(tmp_path), time.perf_counter_ns()
    Board(run.board, create=True)["first_tick_ns"] = first_tick_ns
    truth = StandinCore(tiny.world.standin, 3).truth()
    with serving(truth) as port:
        source = f"http://127.0.0.1:{port}/camera.mjpg"
        write_endpoints(run.endpoints, Endpoints("127.0.0.1", 1, 2, source))
        record_truth(run, [(0.1, 0.4)], threading.Event())
    states = read_truth(run)
    assert 1 <= len(states) <= 3, "ten per second"
    assert states[0]["monotonic_ns"] >= first_tick_ns + 100_000_000
    assert states[0]["agent"]["x"] == truth["agent"]["x"]
    assert states[0]["people"] == truth["people"]
