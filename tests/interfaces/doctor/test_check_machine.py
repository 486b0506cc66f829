"""Memory, disk and clock have limits."""

from interfaces.doctor.check_machine import clock_finding, disk_finding, memory_finding


def test_little_free_memory_is_a_warning():
    assert memory_finding(8.0, 16.0).level == "ok"
    assert memory_finding(0.5, 16.0).level == "warning"


def test_a_disk_too_small_for_a_full_journal_is_a_problem(tmp_path):
    levels = [disk_finding(free_gb, 2.0, tmp_path).level for free_gb in (100.0, 2.5, 1.0)]
    assert levels == ["ok", "warning", "problem"]


def test_a_clock_coarser_than_the_spin_time_is_a_warning():
    assert clock_finding(0.1, 0.2, spin_ms=1.5).level == "ok"
    coarse = clock_finding(0.1, 14.0, spin_ms=1.5)
    assert (coarse.level, coarse.remedy) == ("warning", "tick.spin_ms=15")
