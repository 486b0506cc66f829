"""A process hangs when its heartbeat stays the same, except while nothing runs."""

from interfaces.safety.hang_watch import HangWatch


def checks(watch, heartbeats, period_s=0.1, start_s=0.0):
    """The answers to a check every `period_s` seconds."""
    return [watch.hangs(each, start_s + i * period_s) for i, each in enumerate(heartbeats, 1)]


def test_a_heartbeat_that_stays_the_same_means_a_hang():
    watch = HangWatch(1.0)
    assert not any(checks(watch, [5, 6, 7]))
    answers = checks(watch, [7] * 12, start_s=0.3)
    assert answers.index(True) == 10, "after more than one second"
    assert not watch.hangs(8, 1.6), "it runs again"


def test_a_process_that_starts_does_not_hang():
    watch = HangWatch(1.0)
    watch.restart(7, 0.0)
    assert not any(checks(watch, [7] * 600)), "the heartbeat is that of the process before it"
    assert not any(checks(watch, [8] * 10, start_s=60.0))


def test_sleep_of_the_whole_machine_is_no_hang():
    watch = HangWatch(1.0)
    assert not any(checks(watch, [1, 2]))
    assert not watch.hangs(2, 3600.0)
    assert not watch.hangs(3, 3600.1)
