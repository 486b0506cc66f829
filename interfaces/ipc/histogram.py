"""Durations counted in log-spaced buckets: a run of any length needs a few kilobytes."""

import math

import numpy as np

_SMALLEST_S = 1e-6
_RATIO = 1.02  # a percentile is at most 2 % too high
_BUCKETS = 1 + math.ceil(math.log(1e2 / _SMALLEST_S) / math.log(_RATIO))  # up to 100 s
HISTOGRAM = np.dtype([("counts", "<u8", (_BUCKETS,)), ("max_s", "<f8")])


class Histogram:
    """Durations in seconds, stored in a record of dtype HISTOGRAM that may be mapped memory."""

    def __init__(self, record: np.ndarray | np.void | None = None) -> None:
        self._record = np.zeros((), HISTOGRAM) if record is None else record
        self._counts = self._record["counts"]

    def add(self, seconds: float) -> None:
        bucket = 0
        if seconds > _SMALLEST_S:
            bucket = min(_BUCKETS - 1, 1 + int(math.log(seconds / _SMALLEST_S) / math.log(_RATIO)))
        self._counts[bucket] += 1
        if seconds > self._record["max_s"]:
            self._record["max_s"] = seconds

    @property
    def count(self) -> int:
        """How many durations were added."""
        return int(self._counts.sum())

    def percentile_s(self, percent: float) -> float:
        """Upper edge of the bucket that contains the percentile, in seconds; 0 when empty."""
        total = self.count
        if not total:
            return 0.0
        rank = math.ceil(total * percent / 100.0)
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        edge = 0.0 if bucket == 0 else _SMALLEST_S * _RATIO**bucket
        return min(edge, float(self._record["max_s"]))

    def summary_ms(self) -> dict[str, float]:
        """p50, p99 and max in milliseconds."""
        return {
            "p50": round(1e3 * self.percentile_s(50), 4),
            "p99": round(1e3 * self.percentile_s(99), 4),
            "max": round(1e3 * float(self._record["max_s"]), 4),
        }
