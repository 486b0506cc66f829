"""Checks run in parallel; one that fails or hangs is a problem, and the others count."""

import threading
import time

import pytest

from interfaces.doctor.findings import Check, Finding, examine, ok, once
from tests.interfaces.doctor.settings import levels

PATIENCE_S = 60.0


def test_a_check_that_raises_is_a_problem_and_the_others_count():
    def fail():
        raise RuntimeError("the driver crashed")

    findings = examine([Check("x", "broken", fail), Check("x", "fine", lambda: [ok("f", "")])], 5)
    assert levels(findings[0]) == {"broken": "problem"}
    assert "the driver crashed" in findings[0][0].text
    assert findings[1] == [ok("f", "")]


def test_a_check_that_hangs_is_a_problem_after_the_limit():
    released = threading.Event()
    running = []

    def hang():
        released.wait(PATIENCE_S)
        return []

    checks = [Check("x", "stuck", hang), Check("x", "quick", lambda: [])]
    try:
        began = time.perf_counter()
        findings = examine(checks, 0.3, lambda names: running.append(list(names)))
        assert time.perf_counter() - began < PATIENCE_S / 2
    finally:
        released.set()
    assert levels(findings[0]) == {"stuck": "problem"}
    assert findings[1] == []
    assert running == [["stuck", "quick"], ["stuck"]]


def test_checks_share_one_result():
    calls = []
    shared = once(lambda: calls.append(1) or len(calls))
    assert [shared(), shared()] == [1, 1]


def test_a_finding_that_is_not_ok_needs_a_remedy():
    with pytest.raises(ValueError, match="remedy"):
        Finding("x", "problem", "it is broken")
