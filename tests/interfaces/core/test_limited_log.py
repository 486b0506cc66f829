"""A warning that repeats is logged once per interval, with the number of those left out."""

from loguru import logger

from interfaces.core.limited_log import LimitedLog


def test_repeated_warnings_are_counted_and_logged_once_per_interval():
    lines, now_s = [], [100.0]
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    log = LimitedLog(lambda: now_s[0], every_s=60.0)
    try:
        for _ in range(5):
            log.warn("no {picture}")
        now_s[0] = 160.0
        log.warn("again")
        log.warn("left out")
    finally:
        logger.remove(sink)
    assert lines == ["no {picture}\n", "again (4 more warnings since the last line)\n"]
