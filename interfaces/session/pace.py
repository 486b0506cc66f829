"""The time of a life as it is relived: without the nights between its days."""


class Pace:
    """Seconds since the first Step, asked for one Step after another. Where nothing was lived for
    `longest_s` (it was ended, and resumed), and where the clock went back (a reboot, or somebody
    set it), it goes on by a beat."""

    def __init__(self, longest_s: float = 10.0) -> None:
        self._longest_s = longest_s
        self.paused_s = 0.0  # what was left out before the newest Step
        self._seconds = self._beat_s = 0.0
        self._before_ns: int | None = None

    def seconds(self, now_ns: int) -> float:
        gone_s = 0.0
        if self._before_ns is not None:
            gone_s = (now_ns - self._before_ns) * 1e-9
            if 0 < gone_s < self._longest_s:
                self._beat_s = gone_s
            self._seconds += self._beat_s
        self.paused_s = gone_s if gone_s >= self._longest_s else 0.0
        self._before_ns = now_ns
        return self._seconds
