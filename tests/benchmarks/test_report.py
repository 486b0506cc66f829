"""The generated pages against the committed files, and its numbers against a hand-made file."""

import json
import sys

import pytest

from benchmarks import report
from benchmarks.common import RESULTS
from benchmarks.reporting import costs, realtime
from benchmarks.reporting.table import Machines, mean_sd, measured, median_range, render

MACHINE = {"processor": "x86_64", "cores": 2, "platform": "Linux", "python": "3", "torch": "2"}


@pytest.mark.parametrize("page", report.PAGES, ids=lambda page: page.name)
def test_the_committed_page_is_what_the_report_writes(page):
    assert page.path.read_text(encoding="utf-8") == report.text_of(page), (
        "run python -m benchmarks.report"
    )


def test_check_fails_when_a_page_differs(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/reliability.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(report, "PAGES", report.PAGES[1:])
    monkeypatch.setattr(sys, "argv", ["report", "--check"])
    with pytest.raises(SystemExit, match="out of date"):
        report.main()
    assert page.read_text(encoding="utf-8") == "old", "--check writes nothing"


def test_commits_machine_and_load_are_listed():
    machines = [MACHINE | {"commit": f"c{i}", "load_before": 0.5 + i} for i in range(2)]
    assert measured(machines, Machines()) == (
        "commit `c0`, `c1`; machine A; load before 0.5 to 1.5"
    )


def test_a_missing_machine_is_not_recorded():
    assert measured([{}], Machines()) == "commit and machine not recorded"


@pytest.mark.parametrize(
    ("values", "expected"), [([5.0], "5.0"), ([1.0, 2.0, 3.0], "2.0 ± 1.0"), ([2, 2], "2.0 ± 0.0")]
)
def test_mean_and_standard_deviation(values, expected):
    assert mean_sd(values, 1) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [([7.0], "7"), ([9.0, 1.0, 2.0], "2 (1 to 9)"), ([1500], "1,500")]
)
def test_median_and_range(values, expected):
    assert median_range(values) == expected


def test_release_times_are_counted_from_the_trials(tmp_path):
    (tmp_path / "realtime").mkdir()
    row = {"cause": "stop", "limit ms": 10.0}
    files = {
        "input_release": {"rows": [row], "machine": MACHINE},
        "input_release_trials": {"stop": {"commit": "abc", "ms": [1.0, 5.0, 20.0]}},
    }
    for name, content in files.items():
        (tmp_path / "realtime" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    table = realtime.input_release(tmp_path)
    assert list(table.rows) == [["stop", "5.0 (1.0 to 20.0)", "20.0", "10", "2 of 3", "`abc`"]]


@pytest.mark.parametrize("page", report.PAGES, ids=lambda page: page.name)
def test_every_picture_and_file_of_a_page_exists(page):
    for heading, tables in page.sections:
        for table in tables(RESULTS):
            for name in (*table.files, *([table.picture] if table.picture else [])):
                assert (RESULTS / name).exists(), (heading, name)


def test_a_table_says_unit_sample_baselines_and_where_it_was_measured():
    lines = render(costs.update(RESULTS), Machines())
    for word in ("Unit", "Sample", "Baselines", "Measured", "Reproduce"):
        assert any(line.startswith(f"- {word}: ") for line in lines)
