"""Notices a process that hangs: one whose heartbeat no longer changes."""

_LONGEST_CHECK_S = 0.5  # of one check; more means that this process did not run itself


class HangWatch:
    """Counts how long the heartbeat of one process has not changed.

    Only time in which the caller runs counts. So after a sleep of the machine, or a pause of all
    processes, nothing counts as hung. A process that starts has no heartbeat of its own yet, and is
    not watched: imports and a large checkpoint take long.

    `limit_s`: seconds without a new heartbeat after which the process hangs.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.restart(0, 0.0)

    def restart(self, heartbeat_ns: int, now_s: float) -> None:
        """Watch a new process. `heartbeat_ns`: the last heartbeat of the one before it."""
        self._heartbeat_ns, self._checked_s = heartbeat_ns, now_s
        self._silent_s, self._has_started = 0.0, False

    def hangs(self, heartbeat_ns: int, now_s: float) -> bool:
        """Check once, several times per second. Returns whether the process hangs."""
        if heartbeat_ns != self._heartbeat_ns:
            self._heartbeat_ns, self._has_started, self._silent_s = heartbeat_ns, True, 0.0
        elif self._has_started:
            self._silent_s += min(now_s - self._checked_s, _LONGEST_CHECK_S)
        self._checked_s = now_s
        return self._silent_s > self._limit_s
