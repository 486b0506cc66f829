"""A table of actions with their times, from a CSV or JSONL file."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.reading.bounded_file import UnreadableFile, read_text
from configs.reading.json_document import OBJECT, OddNumbers, parse_json
from interfaces.session.format.segment_writer import SessionError

_TIME_COLUMNS = ("time_s", "timestamp", "time")  # names of the column with the time in seconds
_MAX_BYTES = 256 * 2**20
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class ActionTable:
    """Times in seconds (N,), ascending; values (N,) of actions and avatar parameters by name."""

    times_s: NDArray[np.float64]
    values: dict[str, NDArray[np.float32]]


def read_table(path: Path) -> ActionTable:
    """Read a CSV file with a header, or a JSONL file.

    A column that a JSONL row lacks keeps the value of the row above, or 0 at the start.

    Raises SessionError with the file, the line and the cause, and UnreadableFile.
    """
    times: list[float] = []
    columns: dict[str, list[float]] = {}
    for line, row in _rows(path):
        name = next((each for each in _TIME_COLUMNS if each in row), None)
        if name is None:
            names = " or ".join(_TIME_COLUMNS)
            raise SessionError(f"{path}, line {line}: no time; add a column {names}")
        at = _number(path, line, name, row.pop(name))
        numbers = {key: _number(path, line, key, value) for key, value in row.items()}
        if not (math.isfinite(at) and all(abs(each) <= _LARGEST for each in numbers.values())):
            raise SessionError(f"{path}, line {line}: not a finite number, or too large")
        if times and at < times[-1]:
            raise SessionError(f"{path}, line {line}: time {at} is before the time one line above")
        for key in columns.keys() | numbers.keys():
            column = columns.setdefault(key, [0.0] * len(times))
            column.append(numbers.get(key, column[-1] if column else 0.0))
        times.append(at)
    if not times:
        raise SessionError(f"{path}: no rows")
    return ActionTable(
        np.array(times), {key: np.array(value, np.float32) for key, value in columns.items()}
    )


def _number(path: Path, line: int, column: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise SessionError(f"{path}, line {line}, column {column}: no number: {value!r}") from error


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, values by column)."""
    text = read_text(path, _MAX_BYTES)
    if path.suffix == ".csv":
        for line, row in enumerate(csv.DictReader(text.splitlines()), 2):
            if None in row or None in row.values():
                raise SessionError(
                    f"{path}, line {line}: the number of values differs from the header"
                )
            yield line, dict(row)
        return
    for line, content in enumerate(text.splitlines(), 1):
        if not content.strip():
            continue
        try:
            row = parse_json(content, f"{path}, line {line}", OBJECT, odd_numbers=OddNumbers.KEEP)
        except UnreadableFile as error:
            raise SessionError(f"{error.place}: not a JSON object: {error.cause}") from error
        yield line, row
