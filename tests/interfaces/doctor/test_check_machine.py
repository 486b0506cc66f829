"""Memory, disk and clock have limits."""

from interfaces.doctor.check_machine import (
    clock_finding,
    disk_finding,
    memory_finding,
    power_finding,
)


def test_little_free_memory_is_a_warning():
    assert memory_finding((8.0, 16.0)).level == "ok"
    assert memory_finding((0.5, 16.0)).level == "warning"


def test_a_disk_too_small_for_a_full_journal_is_a_problem(tmp_path):
    levels = [
        disk_finding(int(1e9 * free_gb), 2.0, tmp_path).level for free_gb in (100.0, 2.5, 1.0)
    ]
    assert levels == ["ok", "warning", "problem"]


def test_a_clock_coarser_than_the_spin_time_is_a_warning():
    assert clock_finding(0.1, 0.2, spin_ms=1.5).level == "ok"
    coarse = clock_finding(0.1, 14.0, spin_ms=1.5)
    assert (coarse.level, coarse.remedy) == ("warning", "tick.spin_ms=15")


def test_a_reading_that_fails_is_unknown_and_no_problem(tmp_path):
    findings = [memory_finding(None), disk_finding(None, 2.0, tmp_path), clock_finding(None, 0, 1)]
    assert [finding.level for finding in findings] == ["ok", "ok", "ok"]
    assert all("unknown" in finding.text for finding in findings)


def test_saved_power_is_a_warning():
    assert power_finding(battery=False, saver=False).level == "ok"
    assert power_finding(battery=None, saver=None).text == "unknown"
    assert power_finding(battery=True, saver=False).level == "warning"
    assert "battery saver" in power_finding(battery=True, saver=True).text
