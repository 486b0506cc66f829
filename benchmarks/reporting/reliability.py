"""The tables of docs/reliability.md: what happens after each fault, against what is promised."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.reporting import damage, long_runs, realtime, two_faults
from benchmarks.reporting.table import Table


def _one_fault(results: Path) -> list[Table]:
    return [realtime.input_release(results)]


# (heading, its tables), in the order of the page.
SECTIONS: tuple[tuple[str, Callable[[Path], list[Table]]], ...] = (
    ("Release of inputs after one fault", _one_fault),
    ("Release of inputs after two faults", two_faults.tables),
    ("Files of a live run", damage.cut_files),
    ("Floods of messages", damage.floods),
    ("Changed bits", damage.changed_bits),
    ("Random kills", long_runs.random_kills),
    ("Hours", long_runs.soak),
)
