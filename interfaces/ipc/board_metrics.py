"""The metrics on the Board: a table of names and numbers that the trainer fills.

A new metric needs no field of its own. The trainer is the only writer. A name is written once,
before the count that makes it visible, and its row never changes. So readers need no lock.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_METRICS = 192
MAX_NAME_BYTES = 64
METRIC_FIELDS: list[tuple[Any, ...]] = [  # of the Board
    ("metric_count", "<u8"),
    ("metric_names", f"S{MAX_NAME_BYTES}", (MAX_METRICS,)),
    ("metric_values", "<f8", (MAX_METRICS,)),
]


class BoardMetrics:
    """Metrics by name. A restarted trainer continues the table that it finds."""

    def __init__(
        self, count: NDArray[np.uint64], names: NDArray[np.bytes_], values: NDArray[np.float64]
    ) -> None:
        """count (), names and values (MAX_METRICS,): the fields METRIC_FIELDS of the Board."""
        self._count, self._names, self._values = count, names, values
        self._rows: dict[str, int] = {}

    def write(self, name: str, value: float) -> bool:
        """Sets a metric. False if the table is full or the name has more than 64 bytes in UTF-8."""
        row = self._find(name)
        if row is None:
            encoded, row = name.encode(), int(self._count)
            if row == MAX_METRICS or not 0 < len(encoded) <= MAX_NAME_BYTES:
                return False
            self._names[row], self._values[row] = encoded, value
            self._count[...] = row + 1  # last: from now on readers see the row
        self._values[row] = value
        return True

    def get(self, name: str) -> float | None:
        """The newest value of a metric; None before it was written."""
        row = self._find(name)
        return None if row is None else float(self._values[row])

    def read(self) -> dict[str, float]:
        """Every metric that was written, in the order of the first writes."""
        self._find_new()
        return {name: float(self._values[row]) for name, row in self._rows.items()}

    def _find(self, name: str) -> int | None:
        if name not in self._rows:
            self._find_new()
        return self._rows.get(name)

    def _find_new(self) -> None:
        for row in range(len(self._rows), min(int(self._count), MAX_METRICS)):
            self._rows[bytes(self._names[row]).decode(errors="replace")] = row
