"""The tables of the long measurements, from what the benchmarks write."""

import json

from benchmarks.reliability.random_kills import _table
from benchmarks.reliability.soak import slopes
from benchmarks.reporting import long_runs

MACHINE = {"commit": "later", "cores": 2}  # of the last part: it may only have been published


def write(results, name, rows, **more):
    path = results / "reliability" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"title": "A title", "rows": rows, "machine": MACHINE, "commit": "measured", **more}
    path.write_text(json.dumps(content), encoding="utf-8")


def minute(i, uss_mb, part=0, pid=1, **more):
    process = {"pid": pid, "USS MB": uss_mb, "descriptors": 9, "threads": 4}
    row = {"seconds": 60.0 * i, "ticks": 1200 * i, "missed ticks": 0, "lateness p99 ms": 0.1}
    disk = dict.fromkeys(("disk MB", "disk of session MB", "disk of journal MB"), 10.0)
    return (
        row | disk | {"part": part, "part seconds": 60.0 * i, "processes": {"body": process}} | more
    )


def soak_of(results, rows, **more):
    content = {"warm_up_s": 600.0, "hours_asked": 1.0, "parts": 1, "ended_early": False}
    content |= {"exit_code": 0, "minutes": rows} | more
    write(results, "soak", slopes(rows, 600.0), **content)
    (table,) = long_runs.soak(results)
    return table


def test_a_gauge_that_grows_is_named(tmp_path):
    table = soak_of(tmp_path, [minute(i, 100.0 + 0.1 * i) for i in range(1, 61)])  # 6 MB an hour
    assert table.limits[0] == "Bad: the goal is missed: body, USS MB."
    verdicts = {row[0]: row[-1] for row in table.rows}
    assert verdicts["body, USS MB"] == "missed"
    assert verdicts["body, threads"] == verdicts["disk MB"] == "kept"
    assert [machine["commit"] for machine in table.machines] == ["measured"]
    assert verdicts["missed ticks, %"] == verdicts["lateness p99 ms"] == ""


def test_the_disk_has_the_same_goal(tmp_path):
    rows = [minute(i, 100.0, **{"disk MB": 10.0 + i}) for i in range(1, 61)]
    assert soak_of(tmp_path, rows).limits[0] == "Bad: the goal is missed: disk MB."


def test_growth_within_the_warm_up_does_not_count(tmp_path):
    rows = [minute(i, 100.0 + min(i, 9)) for i in range(1, 61)]
    assert soak_of(tmp_path, rows).limits[0] == "Every goal is kept."


def test_a_restarted_process_and_a_resumed_run_are_not_mixed(tmp_path):
    rows = [minute(i, 100.0) for i in range(1, 41)]
    rows += [minute(i, 10.0, pid=2) for i in range(41, 61)]
    rows += [minute(i, 500.0 + i, part=1) for i in range(61, 80)]
    table = soak_of(tmp_path, rows, parts=2)
    (memory,) = (row for row in table.rows if "USS" in row[0])
    assert memory[0] == "body, USS MB, restarted"
    assert (memory[1], memory[2], memory[-1]) == ("100.00", "100.00", "kept")
    assert "Interrupted: 2 parts; the slopes are of the longest one." in table.limits


def test_a_short_or_failed_soak_says_so(tmp_path):
    rows = [minute(i, 100.0) for i in range(1, 13)]
    table = soak_of(tmp_path, rows, ended_early=True, exit_code=3)
    assert "Missing: too few rows after the warm-up for a verdict." in table.limits
    assert "Bad: the run ended by itself with code 3." in table.limits
    assert "Missing: 0.20 of 1 hours were measured." in table.limits
    assert slopes(rows[:3], 600.0)[-1]["gauge"] == "missed ticks, %"


def test_a_costly_kill_and_a_damaged_recording_are_named(tmp_path):
    trials = [
        {"process": "body", "lost s": 0.4, "lost steps": 4, "back after s": 1.0},
        {
            "process": "supervisor",
            "lost s": 2.5,
            "lost steps": 25,
            "back after s": 90,
            "error": "-",
        },
    ]
    parts = [{"verify": [], "verify code": 0}, {"verify": [], "verify code": 1}]
    write(tmp_path, "random_kills", _table(trials), trials=trials, parts=parts)
    (table,) = long_runs.random_kills(tmp_path)
    assert table.rows[0][:4] == ["body", "1", "0.40", "0.40"]
    assert table.limits == [
        "Bad: 1 kills cost more than the goal.",
        "Bad: `verify` found damage 1 of 2 times.",
        "Bad: after 1 kills the run did not go on.",
    ]


def test_without_results_there_is_no_table(tmp_path):
    assert long_runs.soak(tmp_path) == long_runs.random_kills(tmp_path) == []
