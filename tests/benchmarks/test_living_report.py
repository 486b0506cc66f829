"""The tables of `living`: its bars, hand-made files of a few seeds, and no files at all."""

import json

import pytest

from benchmarks.reporting import living
from benchmarks.reporting.living_bars import bars_in_words, has_two_low_looks, share_of_oracle

MACHINE = {"processor": "x86_64", "cores": 2, "platform": "Linux", "commit": "abc"}
BASELINES = {"sticky": [30.0, 42.0], "still": [40.0, 60.0], "oracle": [140.0, 160.0]}


def write_run(results, name, seed, scores, place="room", seconds=1.0):
    """A run with a look at each of the steps; its two rooms are one below and one above."""
    looks = [
        {
            "steps": steps,
            "updates": steps // 4,
            "head_pats": [score - 1.0, score + 1.0],
            "seconds": seconds * steps / 10,
            "cpu_seconds": 0.5 * steps / 10,
        }
        for steps, score in scores.items()
    ]
    content = {"name": name, "seed": seed, "settings": ["a=1"], "place": place, "looks": looks}
    content |= {"preset": "default", "lived": [10, 20], "jobs": 2, "machine": MACHINE}
    folder = results / living.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{seed}.json").write_text(json.dumps(content), encoding="utf-8")


def write_baselines(results, place):
    folder = results / living.FOLDER / "baselines"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"place": place, "head_pats": BASELINES, "machine": MACHINE}
    (folder / f"{place}.json").write_text(json.dumps(content), encoding="utf-8")


def test_without_runs_there_is_no_table_and_no_picture(tmp_path):
    assert living.tables(tmp_path) == []
    living.draw(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_look_has_median_worst_and_each_seed(tmp_path):
    write_run(tmp_path, "contacts", 2, {3000: 60, 6000: 90})
    write_run(tmp_path, "contacts", 1, {3000: 50, 6000: 110, 9000: 120})
    scores, pace = living.tables(tmp_path)
    assert list(scores.columns) == ["variant", "3,000 steps", "6,000 steps", "9,000 steps"]
    (row,) = scores.rows
    assert row[1:] == ["55, 50 (50 60)", "100, 90 (110 90)", "120, 120 (120 -)"]
    assert scores.baselines == "not measured yet"
    assert [row[1:] for row in pace.rows] == [
        ["1", "10 20", "9,000", "2,250", "1.00", "0.50", "2"],
        ["2", "10 20", "6,000", "1,500", "1.00", "0.50", "2"],
    ]


def test_a_run_without_a_look_is_left_out(tmp_path):
    write_run(tmp_path, "camera", 1, {})
    write_run(tmp_path, "my-own", 1, {3000: 50})
    assert [row[0] for row in living.tables(tmp_path)[0].rows] == ["`my-own`: a=1"]


def test_other_places_are_compared_with_their_own_baselines(tmp_path):
    write_run(tmp_path, "plaza", 1, {18_000: 110}, "plaza", seconds=2.0)
    write_run(tmp_path, "plaza", 2, {18_000: 90}, "plaza")
    write_run(tmp_path, "maze", 1, {18_000: 90}, "maze")
    write_baselines(tmp_path, "plaza")
    write_baselines(tmp_path, "room")
    places, pace, baselines = living.tables(tmp_path)
    plaza, maze = places.rows
    assert plaza[1:] == ["plaza", "18,000", "110 90", "50", "150", "0.60 0.40", "0.50"]
    assert maze[1:] == ["maze", "18,000", "90", "", "", "", "0.25"]
    assert "Bad: `plaza` does not reach its goal with seed 2." in places.limits
    assert "Missing: the baselines of `maze`." in places.limits
    assert "Missing: fewer than 2 seeds: `maze` (1)." in places.limits
    assert "Bad: slower than real time: `plaza` 1." in pace.limits
    assert [row[0] for row in baselines.rows] == ["room", "plaza"]


def test_the_curves_are_drawn(tmp_path):
    write_run(tmp_path, "contacts", 1, {3000: 50, 6000: 110})
    write_baselines(tmp_path, "room")
    living.draw(tmp_path)
    assert (tmp_path / living.PICTURE).stat().st_size > 1000


@pytest.mark.parametrize(
    ("early", "late", "verdicts"),
    [
        ([100, 100, 100, 70], [125, 130, 140, 125], ("reached", "reached")),
        ([99, 99, 120, 120], [125, 125, 125, 124], ("reached", "not reached")),
        ([99, 99, 100, 120], [125] * 4, ("not reached", "reached")),
        ([130, 130, 130, 69], [125] * 4, ("not reached", "reached")),
        ([130], [130], ("reached, but only 1 of 4 seeds measured",) * 2),
    ],
)
def test_the_bars_of_the_room(early, late, verdicts):
    seeds = [{6000: a, 18_000: b} for a, b in zip(early, late, strict=True)]
    lines = bars_in_words(seeds)
    assert tuple(line.removesuffix(".").split(": ")[-1] for line in lines) == verdicts


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([100, 69, 69], True),
        ([100, 69, 71, 69], False),  # not in succession
        ([100, 70, 70], False),  # not below
        ([50, 100, 60, 120, 80, 80], True),
        ([100], False),
    ],
)
def test_two_low_looks_in_succession(scores, expected):
    looks = dict(enumerate(scores))
    assert has_two_low_looks(looks) is expected


def test_the_share_is_0_for_the_stationary_policy_and_1_for_the_oracle():
    assert [share_of_oracle(score, 50, 150) for score in (50, 100, 150, 40)] == [0, 0.5, 1, -0.1]
