"""Long measurements: written as they go, continued, and never mixed with another commit."""

import json

import pytest

from benchmarks.reliability.resuming import TrialFile, append_line, measure, read_lines


def test_trials_are_continued_in_turn_and_only_of_the_same_commit(tmp_path, capsys):
    path = tmp_path / "results" / "trials.json"
    trials = TrialFile(path, "aaa")
    assert trials.left(["x", "y"], 2) == ["x", "y", "x", "y"]
    trials.append("x", 1.0)
    again = TrialFile(path, "aaa")
    assert again.left(["x", "y"], 2) == ["y", "x", "y"]
    assert capsys.readouterr().out == ""
    other = TrialFile(path, "bbb")
    assert "starts again: trials of commit aaa, not bbb" in capsys.readouterr().out
    assert other.left(["x", "y"], 1) == ["x", "y"]
    other.append("y", 2.0)
    assert json.loads(path.read_text()) == {"y": {"commit": "bbb", "trials": [2.0]}}
    assert TrialFile(path, "bbb", restart=True).left(["y"], 1) == ["y"]


def test_a_measurement_stops_after_its_time_and_says_what_is_left(tmp_path, capsys):
    trials, done = TrialFile(tmp_path / "trials.json", "aaa"), []

    def trial(case):
        done.append(case)
        return "5 ms"

    measure(trials.left(["x", "y"], 2), -1.0, trial)
    assert done == []
    out = capsys.readouterr().out
    assert "4 trials are left" in out
    assert "x: 2" in out
    measure(trials.left(["x", "y"], 2), 1.0, trial)
    assert done == ["x", "y", "x", "y"]
    assert "4 of 4  y: 5 ms  (0 minutes left)" in capsys.readouterr().out


def test_lines_of_another_commit_are_refused(tmp_path):
    path = tmp_path / "new" / "run.jsonl"
    assert read_lines(path, "aaa") == []
    append_line(path, {"ms": 1}, "aaa")
    assert read_lines(path, "aaa") == [{"commit": "aaa", "ms": 1}]
    with pytest.raises(SystemExit, match="is of commit aaa, and this is bbb"):
        read_lines(path, "bbb")
