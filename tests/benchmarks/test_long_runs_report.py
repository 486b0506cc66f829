"""The tables of the long measurements, from what the benchmarks write."""

import json

from benchmarks.reliability.random_kills import _table
from benchmarks.reliability.soak import slopes
from benchmarks.reporting import long_runs

MACHINE = {"commit": "abc", "cores": 2}


def write(results, name, rows, **more):
    path = results / "reliability" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"title": "A title", "rows": rows, "machine": MACHINE, **more}
    path.write_text(json.dumps(content), encoding="utf-8")


def minute(i, uss_mb):
    process = {"USS MB": uss_mb, "descriptors": 9, "threads": 4}
    row = {"seconds": 60.0 * i, "ticks": 1200 * i, "missed ticks": 0, "lateness p99 ms": 0.1}
    return row | {"disk MB": 10.0 + i, "processes": {"body": process}}


def test_a_gauge_that_grows_is_named(tmp_path):
    rows = [minute(i, 100.0 + 0.1 * i) for i in range(1, 61)]  # 6 MB an hour
    write(tmp_path, "soak", slopes(rows), minutes=rows)
    (table,) = long_runs.soak(tmp_path)
    assert table.limits == ["Bad: grows by more than its goal: body, USS MB."]
    assert {row[0] for row in table.rows} >= {"body, threads", "disk MB", "missed ticks, %"}


def test_steady_gauges_reach_the_goal(tmp_path):
    rows = [minute(i, 100.0) for i in range(1, 61)]
    write(tmp_path, "soak", slopes(rows), minutes=rows)
    (table,) = long_runs.soak(tmp_path)
    assert table.limits == ["Nothing with a goal grows by more than its goal."]


def test_a_costly_kill_and_a_damaged_recording_are_named(tmp_path):
    trials = [
        {"process": "body", "lost s": 0.4, "lost steps": 4, "back after s": 1.0},
        {"process": "supervisor", "lost s": 2.5, "lost steps": 25, "back after s": 9.0},
    ]
    parts = [{"verify": [], "verify code": 0}, {"verify": [], "verify code": 1}]
    write(tmp_path, "random_kills", _table(trials), trials=trials, parts=parts)
    (table,) = long_runs.random_kills(tmp_path)
    assert table.rows[0][:4] == ["body", "1", "0.40", "0.40"]
    assert table.limits == [
        "Bad: 1 kills cost more than the goal.",
        "Bad: `verify` found damage 1 of 2 times.",
    ]


def test_without_results_there_is_no_table(tmp_path):
    assert long_runs.soak(tmp_path) == long_runs.random_kills(tmp_path) == []
