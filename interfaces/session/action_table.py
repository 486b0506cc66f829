"""A table of actions with their times, from a CSV or JSONL file."""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.reading.bounded_file import UnreadableFile
from configs.reading.json_document import OBJECT, OddNumbers, parse_json
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.table_text import CellTable, is_json_lines, read_table_text

_TIME_COLUMNS = ("time_s", "timestamp", "time")  # names of the column with the time in seconds
_LARGEST = float(np.finfo(np.float32).max)
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class ActionTable:
    """Times in seconds (N,), ascending; values (N,) of actions and avatar parameters by name.

    `ignored`: columns of the file that have no such name, or no name.
    """

    times_s: NDArray[np.float64]
    values: dict[str, NDArray[np.float32]]
    ignored: tuple[str, ...] = ()


def read_table(path: Path, wanted: Collection[str] | None = None) -> ActionTable:
    """Read a CSV file with a header, or a JSONL file; only the columns `wanted`, if given.

    A column that a JSONL row lacks keeps the value of the row above, or 0 at the start.

    Raises SessionError with the file, the line and the cause.
    """
    times: list[float] = []
    columns: dict[str, list[float]] = {}
    ignored: dict[str, None] = {}
    comma, rows = _rows(path)
    numbers = _Numbers(path, comma)
    for line, row in rows:
        name = next((each for each in _TIME_COLUMNS if each in row), None)
        if name is None:
            names = " or ".join(_TIME_COLUMNS)
            there = ", ".join(list(row)[:20]) or "none"
            raise SessionError(
                f"{path}, line {line}: no time; add a column {names} (there are {there})"
            )
        at = numbers.read(line, name, row.pop(name))
        other = [key for key in row if not key or not (wanted is None or key in wanted)]
        ignored |= dict.fromkeys(other)
        for key in other:
            del row[key]
        values = {key: numbers.read(line, key, value) for key, value in row.items()}
        if not (math.isfinite(at) and all(abs(each) <= _LARGEST for each in values.values())):
            raise SessionError(f"{path}, line {line}: not a finite number, or too large")
        if times and at < times[-1]:
            raise SessionError(f"{path}, line {line}: time {at} is before the time one line above")
        for key in columns.keys() | values.keys():
            column = columns.setdefault(key, [0.0] * len(times))
            column.append(values.get(key, column[-1] if column else 0.0))
        times.append(at)
    if not times:
        raise SessionError(f"{path}: no rows")
    arrays = {key: np.array(value, np.float32) for key, value in columns.items()}
    return ActionTable(np.array(times), arrays, tuple(name for name in ignored if name))


class _Numbers:
    """Reads the numbers of one file: 0.5; with `comma` also 0,5, if none of them has a point."""

    def __init__(self, path: Path, comma: bool) -> None:
        self._path, self._comma = path, comma
        self._first: dict[str, int] = {}  # the line of the first number with this decimal sign

    def read(self, line: int, column: str, value: object) -> float:
        """Raises SessionError for anything but a number."""
        place = f"{self._path}, line {line}, column {column}"
        if isinstance(value, str) and self._comma:
            if _DECIMAL_COMMA.fullmatch(value):
                self._first.setdefault(",", line)
                number = value.replace(",", ".")
            else:
                number = value
                if "." in value:
                    self._first.setdefault(".", line)
            if len(self._first) > 1:
                lines = " and ".join(f"{sign} in line {at}" for sign, at in self._first.items())
                raise SessionError(
                    f"{place}: {value!r} may mean two numbers, because both signs occur in the "
                    f"file ({lines}): write decimals with a point"
                )
            value = number
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError) as error:
            raise SessionError(f"{place}: no number: {value!r:.80}") from error


def _rows(path: Path) -> tuple[bool, Iterator[tuple[int, dict[str, Any]]]]:
    """Whether a number may have a decimal comma; (line number, values by column) of each row."""
    text = read_table_text(path)
    if is_json_lines(path, text):
        return False, _json_rows(path, text)
    table = CellTable(path, text, _TIME_COLUMNS)
    return table.separator != ",", table.rows()


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            row = parse_json(content, f"{path}, line {line}", OBJECT, odd_numbers=OddNumbers.KEEP)
        except UnreadableFile as error:
            raise SessionError(f"{error.place}: not a JSON object: {error.cause}") from error
        yield line, row
